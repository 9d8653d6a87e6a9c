"""The tab *Compare*: photos in several styles and settings, on one sheet."""

from typing import Any

import gradio as gr

from gan_style.app.comparison import Wish, comparison
from gan_style.app.desk import Desk
from gan_style.app.handlers import Handlers
from gan_style.app.tabs.pieces import PICTURES, style_choices
from gan_style.app.uploads import uploaded
from gan_style.data.images import save_picture
from gan_style.sizes import READING_SIDE

_PHOTOS = 8
_SMALLEST, _LARGEST = 96, 1024  # px
_STRENGTHS = [0.25, 0.5, 0.75, 1.0]
_STROKE_SIZES = [0.5, 1.0, 1.5, 2.0, 4.0]


class CompareTab:
    """Its components, and what happens when they are used."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.handlers = Handlers(desk)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                inputs = self._ask()
            with gr.Column(min_width=320):
                self.sheet = gr.Image(
                    label="Sheet", interactive=False, buttons=["fullscreen"], elem_id="sheet"
                )
                self.file = gr.File(label="Download", visible=False)
        self.handlers.on(
            self.button.click,
            self.compare,
            inputs,
            [self.sheet, self.file],
            heavy=True,
            scroll_to_output=True,
        )

    def _ask(self) -> list[Any]:
        choices = style_choices(self.desk.catalog.styles().values())
        photos = gr.File(label="Photos", file_count="multiple", file_types=PICTURES, height=150)
        self.styles = gr.Dropdown(choices, multiselect=True, label="Styles", value=[choices[-1][1]])
        base = gr.Checkbox(
            label="Beside a style of mine, show the base model's",
            info="The base model reads the same pictures, without any training.",
            value=True,
        )
        strengths = gr.CheckboxGroup(_STRENGTHS, value=[1.0], label="Strengths")
        stroke_sizes = gr.CheckboxGroup(_STROKE_SIZES, value=[1.0], label="Stroke sizes")
        size = gr.Slider(
            _SMALLEST,
            _LARGEST,
            READING_SIDE,
            step=32,
            label="Short side of each painting in pixels",
        )
        self.button = gr.Button("Compare", variant="primary", elem_id="compare")
        return [photos, self.styles, base, strengths, stroke_sizes, size]

    def compare(
        self,
        photos: list[str] | None,
        keys: list[str],
        with_base: bool,
        strengths: list[float],
        stroke_sizes: list[float],
        size: int,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by its default
    ) -> tuple[Any, ...]:
        """Paint and lay out the sheet."""
        wish = Wish(
            photos=uploaded(photos, _PHOTOS),
            styles=[self.desk.catalog.choice(key) for key in keys],
            with_base=with_base,
            strengths=sorted(strengths),
            stroke_sizes=sorted(stroke_sizes),
            size=int(size),
        )
        sheet = self.desk.studio.work(
            comparison, wish, self.desk.studio, lambda work: progress.tqdm(work, desc="Painting")
        )
        file = self.desk.folder.new_place("sheets", "comparison", ".png")
        save_picture(sheet, file)
        shown = str(self.desk.folder.shown(file))
        return shown, gr.File(shown, visible=True)

    def refresh(self) -> Any:
        """The styles that there are now."""
        return gr.Dropdown(choices=style_choices(self.desk.catalog.styles().values()))
