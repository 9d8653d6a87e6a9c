"""The tab *Mix*: one style of two to four, with a preview, and a name to keep it under."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.app.handlers import Handlers
from gan_style.app.mixing import Mixture, mixed
from gan_style.app.tabs.pieces import PICTURES, save_code, style_choices
from gan_style.app.uploads import uploaded
from gan_style.data.images import open_picture, reduce_short_side
from gan_style.errors import StyleError

_MOST = 4
_PREVIEW = 384  # short side in pixels
_BEGINS_WITH = ("base:gilded-page", "base:woodcut")


class MixTab:
    """Its components, and what happens when they are used."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.handlers = Handlers(desk)
        choices = style_choices(desk.catalog.styles().values())
        self.styles: list[gr.Dropdown] = []
        self.weights: list[gr.Slider] = []
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                for number in range(_MOST):
                    self._ask(number, choices)
                self.photo = gr.File(
                    label="Photo to try it on",
                    file_types=PICTURES,
                    height=150,
                )
            with gr.Column(min_width=320):
                self.preview = gr.Image(
                    label="Preview", interactive=False, buttons=["fullscreen"], elem_id="preview"
                )
                with gr.Row():
                    self.name = gr.Textbox(label="Name", value="my mix", max_length=60, scale=2)
                    self.button = gr.Button("Keep this mix", variant="primary", elem_id="keep-mix")
                self.file = gr.File(label="Download the style code", visible=False)
        self._join()

    @property
    def inputs(self) -> list[Any]:
        """What `show` is told."""
        return [self.photo, *self.styles, *self.weights]

    def _ask(self, number: int, choices: Sequence[tuple[str, str]]) -> None:
        value = _BEGINS_WITH[number] if number < len(_BEGINS_WITH) else None
        with gr.Row():
            label = f"Style {number + 1}" if value else f"Style {number + 1} (if you like)"
            self.styles.append(
                gr.Dropdown(
                    choices if value else [("none", ""), *choices],
                    value=value or "",
                    label=label,
                    min_width=140,
                )
            )
            self.weights.append(
                gr.Slider(0, 1, 0.5, step=0.05, label=f"Share {number + 1}", min_width=140)
            )

    def _join(self) -> None:
        on, mixture = self.handlers.on, [*self.styles, *self.weights]
        changes = [each.input for each in self.styles] + [each.change for each in self.weights]
        for event in (*changes, self.photo.change):
            on(
                event,
                self.show,
                self.inputs,
                [self.preview],
                heavy=True,
                trigger_mode="always_last",
                show_progress="minimal",
            )
        on(self.button.click, self.keep, [self.name, *mixture], [self.file, *self.styles])

    def show(self, photo: str | None, *mixture: Any) -> Any:
        """Paint the photo in the mix, in small."""
        mix = self._mix(mixture)
        source = uploaded(photo, 1)[0] if photo else _example()

        def work() -> Any:
            picture = reduce_short_side(open_picture(source, _PREVIEW), _PREVIEW)
            return self.desk.studio.stylizer(mix.model).stylize(picture, mix.code)

        return self.desk.studio.work(work)

    def keep(self, name: str, *mixture: Any) -> tuple[Any, ...]:
        """Save the mix: it can be chosen in the other tabs, and downloaded."""
        mix = self._mix(mixture)
        choice = self.desk.catalog.choice(save_code(self.desk, mix.code, name))
        gr.Info("Kept: the other tabs have it among their styles.")
        return gr.File(str(self.desk.folder.shown(choice.file)), visible=True), *self.refresh()

    def refresh(self) -> tuple[Any, ...]:
        """The styles that there are now."""
        choices = style_choices(self.desk.catalog.styles().values())
        sure = len(_BEGINS_WITH)
        return tuple(
            gr.Dropdown(choices=choices if number < sure else [("none", ""), *choices])
            for number in range(_MOST)
        )

    def _mix(self, mixture: Sequence[Any]) -> Mixture:
        """The mix of what is chosen: styles first, then as many weights."""
        keys, weights = mixture[:_MOST], mixture[_MOST:]
        chosen = [
            (self.desk.catalog.choice(key), float(weight))
            for key, weight in zip(keys, weights, strict=True)
            if key
        ]
        if not chosen:
            raise StyleError("no style is chosen yet: choose two or more")
        return mixed(chosen)


def _example() -> Any:
    from gan_style.config import DataConfig
    from gan_style.data.collection import load_content

    return load_content(DataConfig())[0]
