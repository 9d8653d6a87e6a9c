"""Many pictures in a row, read, painted and written at the same time. Knows no files, no models."""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gan_style.errors import GanStyleError, PictureError, TooLargeError
from gan_style.painting.canvas import Canvas
from gan_style.painting.strips import Pixels

Item = TypeVar("Item")


def paint_all(
    items: Iterable[Item],
    read: Callable[[Item], Canvas],
    paint: Callable[[Item, Pixels], Pixels],
    write: Callable[[Item, Canvas], None],
) -> Generator[tuple[Item, GanStyleError | None], None, None]:
    """Paint all that can be read: while one is painted, the next is read and the last is written.

    `paint` runs in the caller's thread, `read` and `write` in one thread each. No more than two
    pictures and two paintings are in memory at a time, however many there are.

    Args:
        items: what `read` and `write` are told to read and to write.
        read: raises PictureError or TooLargeError for one that is to be skipped.
        paint: an item and (H, W, 3) of its canvas -> the same kind, in any size; may raise the
            same.
        write: what it raises ends the work.

    Yields:
        An item and None once its painting is written, or an item and why it is skipped.

    Raises:
        Exception: what `write` raised. What was painted until then is written before, as far as
            that is possible, as it is if the caller's thread is interrupted.
    """
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        last: tuple[Item, Future[None]] | None = None
        for item, reading in _ahead(items, read, reader):
            try:
                painting = _painting(item, reading, paint)
            except (PictureError, TooLargeError) as error:
                yield item, error
                continue
            before, last = last, (item, writer.submit(write, item, painting))
            del painting
            if before:
                yield _written(*before)
        if last:
            yield _written(*last)


def _ahead(
    items: Iterable[Item], read: Callable[[Item], Canvas], reader: ThreadPoolExecutor
) -> Iterator[tuple[Item, Future[Canvas]]]:
    """Each item with its canvas to come; the next is read while one is worked on."""
    ready: tuple[Item, Future[Canvas]] | None = None
    for item in items:
        coming = item, reader.submit(read, item)
        if ready:
            yield ready
        ready = coming
    if ready:
        yield ready


def _painting(
    item: Item, reading: Future[Canvas], paint: Callable[[Item, Pixels], Pixels]
) -> Canvas:
    canvas = reading.result()
    try:
        return canvas.painted(paint(item, canvas.pixels))
    except TooLargeError as error:
        raise TooLargeError(f"{canvas.source}: {error}") from error


def _written(item: Item, writing: Future[None]) -> tuple[Item, None]:
    writing.result()
    return item, None
