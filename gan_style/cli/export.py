"""The command that writes a model for other programs: ONNX, torch.export, a page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gan_style.cli.command import Command
from gan_style.disk_space import require_space, require_writable
from gan_style.errors import ConfigError
from gan_style.options import option
from gan_style.shipped import BASE

if TYPE_CHECKING:
    from gan_style.stylizer import Stylizer

_RUNTIME = 30e6  # bytes of the files of onnxruntime-web that a page has beside it


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a model for other programs.

    --onnx writes the painting, and beside it the encoder of styles and the enlarging of paintings;
    --web a page that paints in the browser, for any static web server; --program the painting for
    `torch.export.load`. What is written is compared with PyTorch first.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style export --onnx out/model.onnx",
        "gan-style export --onnx out/model.onnx --half --model runs/mine",
        "gan-style export --web page",
    )

    model: str = option(BASE, metavar="MODEL")
    """A run folder, a model file, or `base`, which is shipped."""
    onnx: str | None = option(None, metavar="FILE")
    """Write FILE.onnx, FILE.encoder.onnx and FILE.enlarge.onnx."""
    half: bool = False
    """Keep the weights of --onnx in float16: half the size; computing stays in float32."""
    program: str | None = option(None, metavar="FILE.pt2")
    """Write a program of torch.export. Takes a minute or more."""
    web: str | None = option(None, metavar="DIR")
    """Write a page that paints in the browser."""
    runtime: str | None = option(None, metavar="FILE")
    """The package of onnxruntime-web for --web; fetched from the registry of npm if not given."""
    force: bool = False
    """Replace files that are there."""

    def run(self) -> None:
        """Refuse what cannot be, then write."""
        if not (self.onnx or self.program or self.web):
            raise ConfigError("nothing to write: give --onnx FILE, --program FILE.pt2 or --web DIR")
        if self.half and not self.onnx:
            raise ConfigError("--half goes with --onnx FILE; the page has half-precision weights")
        if self.runtime and not self.web:
            raise ConfigError("--runtime goes with --web DIR")
        self._refuse_to_replace()
        from gan_style.stylizer import Stylizer

        if self.onnx or self.web:
            from gan_style.sharing.onnx_export import require_onnx

            require_onnx()
        stylizer = Stylizer.from_pretrained(self.model, device="cpu")
        self._refuse_full_disk(stylizer)
        if self.onnx:
            self._write_onnx(stylizer, _with_ending(self.onnx, ".onnx"))
        if self.program:
            self._write_program(stylizer, _with_ending(self.program, ".pt2"))
        if self.web:
            self._write_web(stylizer, Path(self.web))

    def _refuse_to_replace(self) -> None:
        """Raise ConfigError for files that are there, unless forced."""
        paths: list[Path] = []
        if self.onnx:
            from gan_style.sharing.onnx_export import part_files

            paths += part_files(_with_ending(self.onnx, ".onnx"))
        if self.program:
            paths.append(_with_ending(self.program, ".pt2"))
        if self.web:
            if Path(self.web).is_file():
                raise ConfigError(f"--web {self.web} is a file; it has to be a folder")
            paths.append(Path(self.web, "index.html"))
        for path in paths:
            if path.exists() and not self.force:
                raise ConfigError(f"{path} is there already; --force replaces it")
            require_writable(path.parent, "export")

    def _refuse_full_disk(self, stylizer: "Stylizer") -> None:
        """Raise ConfigError where the files would not fit: converting takes a minute."""
        whole = stylizer.model.state_dict().values()
        weights = sum(values.numel() * values.element_size() for values in whole)
        for place, size in (
            (self.onnx, (1 if self.half else 2) * weights),  # the encoder is in two of the files
            (self.program, weights),
            (self.web, weights + _RUNTIME),
        ):
            if place:
                require_space(Path(place).parent, size, "export", f"{place} is")

    def _write_onnx(self, stylizer: "Stylizer", path: Path) -> None:
        from gan_style.sharing.onnx_export import OPSET, export_onnx

        print(
            f"model {stylizer.id}, opset {OPSET}, {'float16' if self.half else 'float32'} weights"
        )
        for written in export_onnx(stylizer.model, stylizer.id, path, half=self.half):
            print(f"{written.path}  {written.size / 1e6:.2f} MB")
            for (height, width), difference in written.differences.items():
                print(f"  {width} x {height} px: differs from PyTorch by at most {difference:.1e}")

    def _write_program(self, stylizer: "Stylizer", path: Path) -> None:
        from gan_style.sharing.program import export_program

        found = export_program(stylizer.model, path)
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
        for (height, width), difference in found.items():
            print(f"  {width} x {height} px: differs from the model by at most {difference:.1e}")

    def _write_web(self, stylizer: "Stylizer", folder: Path) -> None:
        from gan_style.sharing.web_page import export_web

        runtime = Path(self.runtime) if self.runtime else None
        written = export_web(stylizer, folder, runtime)
        size = sum(path.stat().st_size for path in written)
        print(f"{folder}  {len(written)} files, {size / 1e6:.1f} MB, {len(stylizer.styles)} styles")
        print(f"to try it: python -m http.server --directory {folder} 8000 --bind 127.0.0.1")


def _with_ending(place: str, ending: str) -> Path:
    """The path with this ending, which may be left out."""
    path = Path(place)
    return path if path.name.endswith(ending) else path.with_name(path.name + ending)
