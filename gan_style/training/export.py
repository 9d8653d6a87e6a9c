"""What a whole run leaves: the model, the code of every style, a report, and what to do with it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote

from gan_style.config import ModelConfig
from gan_style.data.collection import Style
from gan_style.files import file_name
from gan_style.models.style_model import MODEL_FILE, StyleModel
from gan_style.pretrained import write_model
from gan_style.style_code import SUFFIX, StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.report import Outcome

_REPORT_FILE = "report.txt"
_MOST = 64  # codes that are written: of a thousand single pictures, only the first


def export_model(folder: Path, average: StyleModel, config: ModelConfig) -> Stylizer:
    """Write MODEL_FILE in half precision into a run folder, and load what was written.

    Args:
        folder: of the run.
        average: the averaged networks; the stylizer is on their device.
        config: what networks they are.
    """
    write_model(folder / MODEL_FILE, average.state_dict(), asdict(config))
    device = next(average.parameters()).device.type
    return Stylizer.from_pretrained(folder / MODEL_FILE, device)


def encode_styles(
    stylizer: Stylizer, styles: Sequence[Style], folder: Path
) -> dict[Path, StyleCode]:
    """Write the code of every style, of the first 64, into styles/ of a run folder."""
    written = {}
    for style in styles[:_MOST]:
        code = stylizer.encode(style.paths, style.name, report=lambda line: None)
        written[code.save(folder / "styles" / f"{file_name(style.name)}{SUFFIX}")] = code
    return written


def write_report(folder: Path, outcome: Outcome) -> Path:
    """Write the report into a run folder."""
    path = folder / _REPORT_FILE
    path.write_text("\n".join(outcome.lines()) + "\n", encoding="utf-8")
    return path


def invitation(folder: Path, codes: Sequence[Path]) -> str:
    """Where to look in a run folder, and what to type next."""
    newest = max((folder / "samples").glob("sample-*.png"))
    names = "\n".join(f"style code  {path}" for path in codes)
    return (
        f"look at     {newest}\nmodel       {folder / MODEL_FILE}\n{names}\n"
        f"next        gan-style stylize PHOTO --style {quote(str(codes[0]))} "
        f"--model {quote(str(folder))} -o painted.png"
    )
