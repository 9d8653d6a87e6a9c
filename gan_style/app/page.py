"""The page put together: its tabs, and what they show when it is opened."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from gan_style.app.desk import Desk
from gan_style.app.handlers import Handlers
from gan_style.app.tabs.compare import CompareTab
from gan_style.app.tabs.mix import MixTab
from gan_style.app.tabs.my_style import MyStyleTab
from gan_style.app.tabs.paint import PaintTab
from gan_style.app.tabs.video import VideoTab

THEME = gr.themes.Default(
    primary_hue="violet",
    font=["system-ui", "sans-serif"],  # the reader's own: a font by name would be fetched
    font_mono=["ui-monospace", "monospace"],
).set(block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300")
STYLE = """
#progress progress {
  appearance: none; display: block; width: 100%; height: 0.7rem; border: 0; overflow: hidden;
  border-radius: 0.35rem; background: var(--border-color-primary);
}
#progress progress::-webkit-progress-bar { background: var(--border-color-primary); }
#progress progress::-webkit-progress-value { background: var(--color-accent); }
#progress progress::-moz-progress-bar { background: var(--color-accent); }
#progress p { margin: 0.5rem 0 0; }
#report textarea, #check textarea { font-family: var(--font-mono); font-size: var(--text-sm); }
#styles button:focus-visible, #paintings button:focus-visible {
  outline: 3px solid var(--color-accent); outline-offset: -3px;
}
#styles .grid-container {
  grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)) !important;
}
#paintings .grid-wrap { min-height: 0; height: auto; }
@media (max-width: 640px) {
  .gradio-container { padding: 0.5rem !important; }
  .tab-container button { padding: 0 0.4rem !important; font-size: 0.9rem !important; }
}
"""


def build_page(desk: Desk, delete_cache: tuple[int, int]) -> gr.Blocks:
    """The page, not served yet.

    Args:
        desk: what it works with.
        delete_cache: seconds between two looks for copies to delete, and their age.
    """
    handlers = Handlers(desk)
    page = gr.Blocks(title="gan_style", analytics_enabled=False, delete_cache=delete_cache)
    with page:
        gr.Markdown("# gan_style")
        with gr.Tab("Paint", id="paint") as tab:
            paint = PaintTab(desk)
        choice = paint.styles
        _fresh(handlers, page, tab, choice.refresh, [choice.own], [choice.gallery, choice.keys])
        with gr.Tab("My style", id="my-style") as tab:
            mine = MyStyleTab(desk)
        _fresh(handlers, page, tab, mine.refresh, [mine.run], [mine.run, *mine.view])
        with gr.Tab("Mix", id="mix") as tab:
            mix = MixTab(desk)
        _fresh(handlers, page, tab, mix.refresh, [], mix.styles)
        handlers.on(tab.select, mix.show, mix.inputs, [mix.preview], heavy=True)
        with gr.Tab("Compare", id="compare") as tab:
            compare = CompareTab(desk)
        _fresh(handlers, page, tab, compare.refresh, [], [compare.styles])
        with gr.Tab("Video", id="video") as tab:
            video = VideoTab(desk)
        if video.style is not None:
            _fresh(handlers, page, tab, video.refresh, [], [video.style])
    return page


def _fresh(
    handlers: Handlers,
    page: gr.Blocks,
    tab: gr.Tab,
    refresh: Callable[..., Any],
    inputs: list[Any],
    outputs: list[Any],
) -> None:
    """Show what there is now when the page is opened, and when the tab is."""
    handlers.on(page.load, refresh, inputs, outputs)
    handlers.on(tab.select, refresh, inputs, outputs)
