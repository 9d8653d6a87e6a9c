"""The choice of a style on the tab *Paint*: from a gallery, or from pictures that are dropped."""

from typing import Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.app.handlers import Handlers
from gan_style.app.tabs.pieces import PICTURES, as_text, save_code
from gan_style.app.uploads import MOST_PICTURES, refuse_large_file, uploaded
from gan_style.errors import PictureError, StyleError
from gan_style.shipped import BASE
from gan_style.style_code import StyleCode, make_thumbnail

_OWN = "own"
_NONE = "Choose a **style**:"


class OwnPictures:
    """A gallery of styles.

    Attributes:
        chosen: the key of the chosen style, a state of this browser.
        own: the code of the pictures that were dropped in this browser.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.handlers = Handlers(desk)
        self.keys, self.chosen, self.own = gr.State([]), gr.State(None), gr.State(None)
        self.said = gr.Markdown(_NONE, elem_id="chosen-style")
        self.gallery = gr.Gallery(
            label="Styles",
            show_label=False,
            columns=5,
            height=300,
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            elem_id="styles",
        )
        with gr.Accordion("Or take the style of a few pictures", open=False):
            self.pictures = gr.File(
                label="Pictures in one style",
                file_count="multiple",
                file_types=PICTURES,
                height=150,
            )
            with gr.Row():
                self.name = gr.Textbox(label="Name", value="my pictures", max_length=60, scale=2)
                self.keep = gr.Button("Keep this style", scale=1, interactive=False)
        self._join()

    def _join(self) -> None:
        on, shown = self.handlers.on, [self.gallery, self.keys]
        chosen = [self.chosen, self.said]
        on(self.gallery.select, self.choose, [self.keys], chosen)
        on(
            self.pictures.upload,
            self.read,
            [self.pictures],
            [self.own, *shown, *chosen, self.keep],
            heavy=True,
            show_progress="minimal",
        )
        on(self.keep.click, self.save, [self.own, self.name], [*shown, *chosen])

    def refresh(self, own: StyleCode | None) -> tuple[Any, list[str]]:
        """The gallery as it is now, and the keys of what it shows."""
        styles = self.desk.catalog.styles()
        items = [
            (each.code.thumbnail or make_thumbnail([]), each.label) for each in styles.values()
        ]
        keys = list(styles)
        if own is not None:
            items.insert(0, (own.thumbnail or make_thumbnail([]), "your pictures"))
            keys.insert(0, _OWN)
        return gr.Gallery(items), keys

    def choose(self, keys: list[str], event: gr.SelectData) -> tuple[str, str]:
        """Note what was pressed."""
        if not isinstance(event.index, int) or not 0 <= event.index < len(keys):
            raise StyleError("this style is not there any more: reload the page")
        key = keys[event.index]
        label = "your pictures" if key == _OWN else self.desk.catalog.choice(key).label
        return key, _said(label)

    def read(self, pictures: list[str] | None) -> tuple[Any, ...]:
        """Read the style of pictures with the base model, and choose it."""
        files = uploaded(pictures, MOST_PICTURES)
        readable, bad = [], []
        for file in files:
            try:
                refuse_large_file(file)
            except PictureError as error:
                bad.append(str(error))
            else:
                readable.append(file)
        if not readable:
            raise PictureError("; ".join(bad))
        studio = self.desk.studio
        code = studio.work(lambda: studio.stylizer(BASE).encode(readable, "your pictures"))
        unread = len(readable) - code.count
        self.handlers.warn(
            [*bad, *([f"{unread} of {len(files)} pictures cannot be read"] if unread else [])]
        )
        said = _said(f"your pictures ({code.count})")
        return code, *self.refresh(code), _OWN, said, gr.Button(interactive=True)

    def save(self, own: StyleCode | None, name: str) -> tuple[Any, ...]:
        """Keep the style of the dropped pictures under a name."""
        key = save_code(self.desk, own, name)
        return *self.refresh(own), key, _said(self.desk.catalog.choice(key).label)

    def style_and_model(self, chosen: str | None, own: StyleCode | None) -> tuple[StyleCode, Any]:
        """What to paint in, and the place of the model that does.

        Raises:
            StyleError: none is chosen, or it is gone.
        """
        if chosen == _OWN and own is not None:
            return own, BASE
        choice = self.desk.catalog.choice(chosen)
        return choice.code, choice.model


def _said(label: str) -> str:
    return f"Style: **{as_text(label)}**"
