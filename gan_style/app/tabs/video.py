"""The tab *Video*: a clip painted as `gan-style video` does it."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.app.handlers import Handlers
from gan_style.app.tabs.pieces import (
    keep_color_box,
    own_size,
    size_choice,
    strength_slider,
    stroke_slider,
    style_choices,
)
from gan_style.app.uploads import uploaded
from gan_style.video.config import VideoConfig

if TYPE_CHECKING:
    from gan_style.video.frames import Frame

_MISSING = (
    "Videos need two more packages: `pip install 'gan-style[video]'`, and start the page anew."
)
_ABOUT = (
    "Try the style on a photo first: ten seconds are 300 paintings. Sound, frame times and "
    "rotation are kept."
)
_KINDS = ["video", ".mkv", ".gif"]
_DEFAULTS = VideoConfig()


def is_installed() -> bool:
    """Whether the packages of the extra `video` are there, without importing them."""
    return all(find_spec(name) is not None for name in ("av", "cv2"))


class VideoTab:
    """Its components, and what happens when they are used."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.handlers = Handlers(desk)
        self.style: gr.Dropdown | None = None
        if not is_installed():
            gr.Markdown(_MISSING)
            return
        gr.Markdown(_ABOUT)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                inputs = self._ask()
            with gr.Column(min_width=320):
                self.shown = gr.Video(label="Painted", interactive=False, elem_id="video")
                self.file = gr.File(label="Download", visible=False)
        self.handlers.on(
            self.button.click,
            self.paint,
            inputs,
            [self.shown, self.file],
            heavy=True,
            scroll_to_output=True,
        )

    def _ask(self) -> list[Any]:
        choices = style_choices(self.desk.catalog.styles().values())
        clip = gr.File(label="Video", file_types=_KINDS, height=150)
        self.style = gr.Dropdown(choices, label="Style", value=choices[-1][1])
        with gr.Row():
            strength, stroke_size = strength_slider(), stroke_slider()
        keep_color = keep_color_box("video")
        with gr.Row():
            size = size_choice("512")
            quality = gr.Slider(
                1, 100, _DEFAULTS.quality, step=1, label="Quality of the file", min_width=140
            )
        with gr.Row():
            start = gr.Number(0, label="Begin at second", minimum=0, min_width=120)
            end = gr.Number(0, label="End at second (0: its end)", minimum=0, min_width=120)
        self.button = gr.Button("Paint the video", variant="primary", elem_id="paint-video")
        return [clip, self.style, strength, stroke_size, keep_color, size, quality, start, end]

    def paint(
        self,
        clip: str | None,
        key: str | None,
        strength: float,
        stroke_size: float,
        keep_color: bool,
        size: str,
        quality: float,
        start: float | None,
        end: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by its default
    ) -> tuple[Any, ...]:
        """Paint all frames."""
        from gan_style.app.clips import paint_clip

        source = uploaded(clip, 1, what="video")[0]
        config = VideoConfig(
            strength=strength,
            stroke_size=stroke_size,
            keep_color=keep_color,
            size=own_size(size),
            quality=int(quality),
            start=start or 0.0,
            end=end or None,
        )

        def told(frames: "Iterable[Frame]", total: int, done: int) -> "Iterator[Frame]":
            for number, frame in enumerate(frames):
                progress((number, total or None), desc="Painting", unit="frames")
                yield frame

        desk, choice = self.desk, self.desk.catalog.choice(key)
        output = desk.studio.work(
            lambda: paint_clip(
                desk.folder, desk.studio.stylizer(choice.model), source, choice.code, config, told
            )
        )
        shown = str(desk.folder.shown(output))
        return shown if output.suffix == ".mp4" else None, gr.File(shown, visible=True)

    def refresh(self) -> Any:
        """The styles that there are now."""
        return gr.Dropdown(choices=style_choices(self.desk.catalog.styles().values()))
