"""Krita's bytes of pixels, and pictures of Qt.

Krita orders the channels of integer RGBA as blue, green, red, alpha, rows from the top without
gaps. Alpha is not premultiplied.
"""

try:
    from PyQt6.QtCore import QByteArray
    from PyQt6.QtGui import QImage
except ImportError:  # Krita 5
    from PyQt5.QtCore import QByteArray
    from PyQt5.QtGui import QImage

BYTES = {"U8": 4, "U16": 8}
"""Depths that can be painted, with the bytes of a pixel."""


def to_image(data: QByteArray, width: int, height: int, depth: str) -> QImage:
    """The picture of so many pixels of RGBA.

    Args:
        data: as `Node.projectionPixelData` gives it.
        width: in pixels.
        height: in pixels.
        depth: "U8" or "U16".
    """
    row = width * BYTES[depth]
    if depth == "U8":  # its numbers hold blue in the lowest byte, which comes first
        return QImage(data, width, height, row, QImage.Format.Format_ARGB32).copy()
    return QImage(data, width, height, row, QImage.Format.Format_RGBA64).rgbSwapped()


def opened(path: str) -> QImage:
    """The picture of a file."""
    return QImage(path)


def to_data(image: QImage, depth: str) -> QByteArray:
    """The bytes of a picture, as `Node.setPixelData` takes them."""
    if depth == "U8":
        return _bytes(image.convertToFormat(QImage.Format.Format_ARGB32), BYTES[depth])
    swapped = image.convertToFormat(QImage.Format.Format_RGBA64).rgbSwapped()
    return _bytes(swapped, BYTES[depth])


def limited(data: QByteArray, selected: QByteArray, depth: str) -> QByteArray:
    """The bytes of a picture with its alpha times the selection's, of a byte a pixel."""
    result, shares = bytearray(data.data()), selected.data()
    channels = [result[3::4]] if depth == "U8" else [result[6::8], result[7::8]]  # low byte first
    if all(channel.count(255) == len(channel) for channel in channels):
        alpha = [shares, shares]  # an opaque picture, of which there may be millions of pixels
    elif depth == "U8":
        alpha = [bytes((a * s + 127) // 255 for a, s in zip(channels[0], shares))]
    else:
        pairs = zip(channels[0], channels[1], shares)
        values = [((low + 256 * high) * s + 127) // 255 for low, high, s in pairs]
        alpha = [bytes(v & 255 for v in values), bytes(v >> 8 for v in values)]
    for place, channel in zip((3,) if depth == "U8" else (6, 7), alpha):
        result[place :: BYTES[depth]] = channel
    return QByteArray(bytes(result))


def _bytes(image: QImage, pixel: int) -> QByteArray:
    """Its rows without the gaps between them."""
    bits = image.constBits()
    bits.setsize(image.bytesPerLine() * image.height())
    row, data = image.width() * pixel, bytes(bits)
    starts = range(0, len(data), image.bytesPerLine())
    return QByteArray(b"".join(data[start : start + row] for start in starts))
