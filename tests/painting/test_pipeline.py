import threading
from collections.abc import Callable

import numpy as np
import pytest

from gan_style.errors import PictureError, TooLargeError
from gan_style.painting.canvas import Canvas
from gan_style.painting.pipeline import paint_all
from gan_style.painting.strips import Pixels

Write = Callable[[int, Canvas], None]


def read(number: int) -> Canvas:
    return Canvas(np.full((2, 2, 3), number, np.uint8), source=f"{number}.png")


def darker(number: int, pixels: Pixels) -> Pixels:
    return pixels - 1


class Written(dict[int, int]):
    def __call__(self, number: int, canvas: Canvas) -> None:
        self[number] = int(canvas.pixels[0, 0, 0])


def test_all_are_painted_in_their_order() -> None:
    written = Written()
    outcomes = list(paint_all(range(1, 8), read, darker, written))
    assert outcomes == [(number, None) for number in range(1, 8)]
    assert written == {number: number - 1 for number in range(1, 8)}
    assert list(written) == list(range(1, 8))
    assert list(paint_all([], read, darker, written)) == []


def test_reading_painting_and_writing_go_on_at_the_same_time() -> None:
    """The second is painted only after the third is read and while the first is being written."""
    third_is_read, second_is_painted = threading.Event(), threading.Event()

    def reading(number: int) -> Canvas:
        if number == 3:
            third_is_read.set()
        return read(number)

    def paint(number: int, pixels: Pixels) -> Pixels:
        if pixels[0, 0, 0] == 2:
            assert third_is_read.wait(10)
            second_is_painted.set()
        return pixels

    def write(number: int, canvas: Canvas) -> None:
        if number == 1:
            assert second_is_painted.wait(10)

    assert len(list(paint_all([1, 2, 3, 4], reading, paint, write))) == 4


def test_few_pictures_are_in_memory_at_a_time() -> None:
    alive, most, lock = 0, 0, threading.Lock()

    class Counted(np.ndarray):  # type: ignore[type-arg]
        def __del__(self) -> None:
            nonlocal alive
            if self.base is None:
                with lock:
                    alive -= 1

    def reading(number: int) -> Canvas:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return Canvas(Counted((2, 2, 3), np.uint8))

    slow = threading.Event()
    work = paint_all(
        range(12),
        reading,
        lambda number, pixels: np.zeros((2, 2, 3), np.uint8),
        lambda number, canvas: slow.wait(0.01) and None,
    )
    assert len(list(work)) == 12
    assert most <= 3  # the one being painted, the next, and one about to be let go


def test_what_cannot_be_read_or_painted_is_reported_and_the_rest_goes_on() -> None:
    def reading(number: int) -> Canvas:
        if number == 2:
            raise PictureError("2.png: broken")
        return read(number)

    def paint(number: int, pixels: Pixels) -> Pixels:
        if pixels[0, 0, 0] == 4:
            raise TooLargeError("a picture of 9x9 px needs more memory")
        return pixels

    written = Written()
    outcomes = dict(paint_all([1, 2, 3, 4, 5], reading, paint, written))
    assert {number: str(error) for number, error in outcomes.items() if error} == {
        2: "2.png: broken",
        4: "4.png: a picture of 9x9 px needs more memory",
    }
    assert sorted(written) == [1, 3, 5]


@pytest.mark.parametrize("kind", [PictureError, OSError, KeyboardInterrupt])
def test_a_writer_that_fails_ends_the_work_and_loses_nothing(kind: type[BaseException]) -> None:
    """The one painted meanwhile is written, too; none is begun after that."""
    written, painted = Written(), []

    def paint(number: int, pixels: Pixels) -> Pixels:
        painted.append(int(pixels[0, 0, 0]))
        return pixels

    def write(number: int, canvas: Canvas) -> None:
        if number == 3:
            raise kind("full")
        written(number, canvas)

    with pytest.raises(kind, match="full"):
        list(paint_all(range(1, 10), read, paint, write))
    assert painted == [1, 2, 3, 4]
    assert sorted(written) == [1, 2, 4]


def test_an_interruption_while_painting_keeps_what_is_painted() -> None:
    written = Written()

    def paint(number: int, pixels: Pixels) -> Pixels:
        if pixels[0, 0, 0] == 3:
            raise KeyboardInterrupt
        return pixels

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        list(paint_all(range(1, 10), read, paint, written))
    assert sorted(written) == [1, 2]
    assert threading.active_count() == before


def test_an_error_nobody_expects_is_not_swallowed() -> None:
    def paint(number: int, pixels: Pixels) -> Pixels:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="mistake"):
        list(paint_all([1, 2], read, paint, Written()))
