"""How events of the page reach the code: queued, not offered as an API, with errors in a line."""

import html
import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.errors import GanStyleError

logger = logging.getLogger(__name__)

_READ_FOR = 15  # seconds that a message stays
_UNEXPECTED = "This did not work. The window in which gan-style app runs says why."


class Handlers:
    """Joins events to handlers.

    Args:
        desk: whose folder messages need not name.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def on(
        self,
        event: Callable[..., Any],
        handler: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        *,
        heavy: bool = False,
        **more: Any,
    ) -> Any:
        """Call `handler` when the event comes.

        Args:
            event: of a component, such as `button.click`.
            handler: what people can cause may be raised as GanStyleError.
            inputs: components whose values it gets.
            outputs: components whose values it returns.
            heavy: whether it paints: of those one runs at a time, and the others wait.
            more: for Gradio.

        Returns:
            What Gradio does, to which `then` and `success` can be joined.
        """
        if heavy:
            more |= {"concurrency_id": "studio", "concurrency_limit": 1}
        else:
            more |= {
                "concurrency_limit": None,
                "show_progress": more.get("show_progress", "hidden"),
            }
        return event(
            self.plainly(handler), list(inputs), list(outputs), api_visibility="private", **more
        )

    def plainly(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler, with its errors as one line in the browser."""

        @wraps(handler)
        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return handler(*args, **kwargs)
            except gr.Error:
                raise
            except GanStyleError as error:
                raise self._shown(str(error)) from error
            except Exception as error:
                logger.exception("%s failed", handler.__name__)
                raise self._shown(_UNEXPECTED) from error

        return called

    def warn(self, lines: Sequence[str]) -> None:
        """Show lines, such as why photos were skipped; of many the first few."""
        shown = [*lines[:5], *([f"… and {len(lines) - 5} more"] if len(lines) > 5 else [])]
        for line in shown:
            gr.Warning(self._text(line), duration=_READ_FOR)

    def _shown(self, message: str) -> gr.Error:
        return gr.Error(self._text(message), duration=_READ_FOR, print_exception=False)

    def _text(self, message: str) -> str:
        """Gradio takes messages for HTML, and names of files are in them."""
        plain = self.desk.folder.plain(message)
        if plain.partition(" ")[0].isalpha():  # and no name of a file
            plain = plain[0].upper() + plain[1:]
        return html.escape(plain)
