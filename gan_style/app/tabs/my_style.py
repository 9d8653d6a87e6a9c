"""The tab *My style*: pictures, a check of them, training, its report, and what to download."""

import shutil
from pathlib import Path
from typing import Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.app.folder import safe_name
from gan_style.app.handlers import Handlers
from gan_style.app.progress import Progress, progress_of, results_of
from gan_style.app.tabs.pieces import PICTURES, as_text
from gan_style.app.uploads import MOST_PICTURES, keep_pictures, uploaded
from gan_style.config import TrainConfig
from gan_style.data.inspection import ENOUGH, inspect_folder
from gan_style.errors import DataError

_EVERY = 2.0  # seconds between two looks at a training
_MINUTES = TrainConfig().minutes or 5.0
_LONGEST = 1440  # minutes
_BEGIN = (
    f"Drop {ENOUGH} or more pictures in one style: your paintings, prints, concept art. Crop "
    "frames and captions off. Training goes on if you close this page."
)


class MyStyleTab:
    """Its components, and what happens when they are used."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.handlers = Handlers(desk)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                self._ask()
            with gr.Column(min_width=320):
                self._show()
        self.timer = gr.Timer(_EVERY, active=False)
        self._join()

    def _ask(self) -> None:
        gr.Markdown(_BEGIN)
        self.pictures = gr.File(
            label="Pictures of the style", file_count="multiple", file_types=PICTURES, height=180
        )
        self.folder = gr.UploadButton(
            "Or choose a folder", file_count="directory", size="sm", elem_id="folder"
        )
        self.check = gr.Textbox(
            label="Check", lines=4, max_lines=14, interactive=False, visible=False, elem_id="check"
        )
        with gr.Row():
            self.name = gr.Textbox(label="Name", value="my style", max_length=60, min_width=140)
            self.minutes = gr.Number(
                _MINUTES, label="Minutes", minimum=0.1, maximum=_LONGEST, min_width=100
            )
        self.begin_button = gr.Button("Train", variant="primary", elem_id="train")

    def _show(self) -> None:
        self.run = gr.Dropdown([], label="Training", interactive=True, elem_id="run")
        self.seen = gr.State(None)
        self.bar = gr.HTML(_bar(0.0, "Nothing is trained yet."), elem_id="progress")
        with gr.Row():
            self.stop_button = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop")
            self.go_button = gr.Button("Go on", interactive=False, elem_id="go-on")
        self.sample = gr.Image(
            label="Samples", interactive=False, buttons=["fullscreen"], visible=False
        )
        self.report = gr.Textbox(
            label="Report",
            lines=6,
            max_lines=24,
            interactive=False,
            visible=False,
            elem_id="report",
        )
        self.files = gr.File(
            label="Download", file_count="multiple", interactive=False, visible=False
        )

    @property
    def view(self) -> list[Any]:
        """What shows a run."""
        return [
            *(self.bar, self.stop_button, self.go_button, self.sample),
            *(self.report, self.files, self.timer, self.seen),
        ]

    def _join(self) -> None:
        on, view = self.handlers.on, self.view
        on(self.folder.upload, lambda files: files, [self.folder], [self.pictures])
        on(self.pictures.change, self.inspect, [self.pictures, self.name], [self.check])
        on(
            self.begin_button.click,
            self.begin,
            [self.pictures, self.name, self.minutes],
            [self.run, *view],
            trigger_mode="once",
        )
        on(self.run.input, self.look, [self.run], view)
        on(self.timer.tick, self.look, [self.run, self.seen], view)
        on(self.stop_button.click, self.stop, [self.run], view)
        on(self.go_button.click, self.go_on, [self.run, self.minutes], view)

    def inspect(self, pictures: list[str] | None, name: str) -> Any:
        """Say what `gan-style check` says of the pictures."""
        if not pictures:
            return gr.Textbox(visible=False)
        files = uploaded(pictures, MOST_PICTURES)
        place = keep_pictures(self.desk.folder, files, f"check-{safe_name(name)}")
        try:
            lines = inspect_folder(place).lines()
        finally:
            shutil.rmtree(place, ignore_errors=True)
        text = "\n".join(lines).replace(str(place), "your pictures").replace(place.name, name)
        return gr.Textbox(self.desk.folder.plain(text), visible=True)

    def begin(
        self, pictures: list[str] | None, name: str, minutes: float | None
    ) -> tuple[Any, ...]:
        """Keep the pictures, and begin to train on them."""
        files = uploaded(pictures, MOST_PICTURES)
        minutes = _checked(minutes)
        place = keep_pictures(self.desk.folder, files, name)
        try:
            if not inspect_folder(place).count:
                raise DataError("not one of these pictures can be read")
            run = self.desk.trainings.begin(place, minutes)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return self._choose(run.name), *self.look(run.name)

    def stop(self, name: str | None) -> tuple[Any, ...]:
        """Ask the training to save and end."""
        self.desk.trainings.run(name).stop()
        gr.Info("The training saves where it is, and stops in a moment.")
        return self.look(name)

    def go_on(self, name: str | None, minutes: float | None) -> tuple[Any, ...]:
        """Go on with a training; one that is finished trains for so many minutes more."""
        run = self.desk.trainings.run(name)
        progress = progress_of(run)
        more = _checked(minutes) if progress.state == "finished" else 0.0
        self.desk.trainings.go_on(run, progress.minutes + more)
        return self.look(name)

    def refresh(self, name: str | None) -> tuple[Any, ...]:
        """All runs, and the one that was looked at, or the last one."""
        runs = self.desk.trainings.runs()
        name = name if name in runs else next(iter(runs), None)
        return self._choose(name), *self.look(name)

    def look(self, name: str | None, seen: Any = None) -> tuple[Any, ...]:
        """What the view shows of a run; what has not changed since it was `seen` is left alone."""
        run = self.desk.trainings.runs().get(name or "")
        if run is None:
            return (gr.skip(),) * (len(self.view) - 2) + (gr.Timer(active=False), None)
        progress = progress_of(run)
        training, now = progress.state == "training", (name, progress.state, str(progress.sample))
        changed = list(now) != list(seen or [])
        files = results_of(run) if progress.state == "finished" else []
        return (
            _bar(progress.share, progress.line()),
            gr.Button(interactive=training),
            gr.Button(
                "Train longer" if progress.state == "finished" else "Go on",
                interactive=not training and progress.squares > 0,
            ),
            self._sample(progress) if changed else gr.skip(),
            gr.Textbox(progress.report, visible=bool(progress.report)),
            self._files(files) if changed else gr.skip(),
            gr.Timer(active=training),
            now,
        )

    def _choose(self, name: str | None) -> Any:
        return gr.Dropdown(list(self.desk.trainings.runs()), value=name)

    def _sample(self, progress: Progress) -> Any:
        if progress.sample is None:
            return gr.Image(None, visible=False)
        compared = progress.state == "finished" and "base" in progress.sample.name
        label = "Photo, base model, your style" if compared else "Photos and their paintings"
        shown = self.desk.folder.shown(progress.sample)
        return gr.Image(str(shown), label=label, visible=True)

    def _files(self, files: list[Path]) -> Any:
        return gr.File([str(self.desk.folder.shown(each)) for each in files], visible=bool(files))


def _checked(minutes: float | None) -> float:
    if minutes is None or not 0 < minutes <= _LONGEST:
        raise DataError(f"minutes must be above 0, and at most {_LONGEST}")
    return float(minutes)


def _bar(share: float, line: str) -> str:
    return (
        f'<progress max="1" value="{share:.3f}" aria-label="Training"></progress>'
        f'<p role="status">{as_text(line)}</p>'
    )
