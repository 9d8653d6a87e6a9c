"""The tab *Paint*: photos, a style, and a before and after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.app.handlers import Handlers
from gan_style.app.masks import drawn_mask, to_draw_on
from gan_style.app.painting import ENDINGS, Order, Painting, PhotoPainter
from gan_style.app.tabs.own_pictures import OwnPictures
from gan_style.app.tabs.pieces import (
    PICTURES,
    keep_color_box,
    own_size,
    size_choice,
    strength_slider,
    stroke_slider,
)
from gan_style.app.uploads import MOST_PHOTOS, uploaded
from gan_style.errors import PictureError
from gan_style.painting.config import PaintConfig
from gan_style.painting.faces import has_detector
from gan_style.style_code import StyleCode

_NO_DETECTOR = "Not installed: pip install 'gan-style[faces]'"
_DRAW = (
    "Draw on the photo where it is to be painted; the rest stays as it is. Of several photos this "
    "is the first. Draw nothing, and all of it is painted."
)


class PaintTab:
    """Its components, and what happens when they are used."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.handlers = Handlers(desk)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                self._ask()
            with gr.Column(min_width=320):
                self._show()
        self._join()

    def _ask(self) -> None:
        self.photos = gr.File(
            label="Photos", file_count="multiple", file_types=PICTURES, height=150
        )
        self.styles = OwnPictures(self.desk)
        with gr.Row():
            self.strength = strength_slider()
            self.stroke_size = stroke_slider()
        self.keep_color = keep_color_box()
        there = has_detector()
        self.protect = gr.Checkbox(
            label="Protect faces",
            info="Paints them at half the strength." if there else _NO_DETECTOR,
            interactive=there,
        )
        with gr.Row():
            self.size = size_choice()
            self.ending = gr.Radio(ENDINGS, value=ENDINGS[0], label="File", min_width=140)
        with gr.Accordion("Paint only a part of the photo", open=False):
            gr.Markdown(_DRAW)
            self.drawing = gr.ImageEditor(
                label="Where to paint",
                type="numpy",
                format="png",  # a lossy one would blur the edge of the mask
                sources=(),
                transforms=(),
                layers=False,
                brush=gr.Brush(colors=[("#e5484d", 0.6)], color_mode="fixed", default_size=25),
                eraser=gr.Eraser(default_size=25),
                elem_id="drawing",
            )
        self.button = gr.Button("Paint", variant="primary", elem_id="paint")

    def _show(self) -> None:
        self.painted = gr.State([])
        self.slider = gr.ImageSlider(
            label="Photo and painting", interactive=False, buttons=["fullscreen"], max_height=640
        )
        self.all = gr.Gallery(
            label="All paintings",
            columns=4,
            height="auto",
            allow_preview=False,
            visible=False,
            buttons=[],
            elem_id="paintings",
        )
        self.files = gr.File(
            label="Download in full size", file_count="multiple", interactive=False, visible=False
        )

    def _join(self) -> None:
        on = self.handlers.on
        on(self.photos.change, self.draw_on, [self.photos], [self.drawing])
        on(
            self.button.click,
            self.paint,
            [
                *(self.photos, self.styles.chosen, self.styles.own),
                *(self.strength, self.stroke_size, self.keep_color, self.protect),
                *(self.size, self.ending, self.drawing),
            ],
            [self.slider, self.painted, self.all, self.files],
            heavy=True,
            scroll_to_output=True,
        )
        on(self.all.select, self.look_at, [self.painted], [self.slider])

    def draw_on(self, photos: list[str] | None) -> Any:
        """Show the first photo in the editor, or nothing if it cannot be read."""
        try:
            picture = to_draw_on(uploaded(photos, MOST_PHOTOS)[0])
        except PictureError:  # said when it is to be painted
            return None
        return {"background": picture, "layers": [], "composite": picture}

    def paint(
        self,
        photos: list[str] | None,
        chosen: str | None,
        own: StyleCode | None,
        strength: float,
        stroke_size: float,
        keep_color: bool,
        protect: bool,
        size: str,
        ending: str,
        drawing: Mapping[str, Any] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by its default
    ) -> tuple[Any, ...]:
        """Paint all photos, and show the first."""
        files = uploaded(photos, MOST_PHOTOS)
        style, model = self.styles.style_and_model(chosen, own)
        config = PaintConfig(
            strength=strength,
            stroke_size=stroke_size,
            keep_color=keep_color,
            size=own_size(size),
            protect="faces" if protect else None,
        )
        order = Order(files, style, config, drawn_mask(drawing), ending)

        def work() -> PhotoPainter:
            painter = PhotoPainter(self.desk.folder, self.desk.studio.stylizer(model), order)
            painter.paint(lambda done, of: progress((done, of), desc="Painting", unit="photos"))
            return painter

        painter = self.desk.studio.work(work)
        self.handlers.warn([*painter.skipped, *painter.lost])
        return self._results(painter.paintings)

    def _results(self, paintings: list[Painting]) -> tuple[Any, ...]:
        first, several = paintings[0], len(paintings) > 1
        shown = [(str(each.after), each.file.name) for each in paintings]
        files = [str(self.desk.folder.shown(each.file)) for each in paintings]
        return (
            _pair(first),
            paintings,
            gr.Gallery(shown if several else [], visible=several),
            gr.File(files, visible=True),
        )

    def look_at(self, painted: list[Painting], event: gr.SelectData) -> Any:
        """Show one of several."""
        if isinstance(event.index, int) and 0 <= event.index < len(painted):
            return _pair(painted[event.index])
        return gr.skip()


def _pair(painting: Painting) -> tuple[str, str]:
    before, after = (path if Path(path).is_file() else None for path in painting[1:])
    if before is None or after is None:
        raise PictureError("this painting is not kept for the page any more; its file is")
    return str(before), str(after)
