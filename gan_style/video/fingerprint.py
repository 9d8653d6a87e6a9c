"""Files told apart by what is in them, without reading the whole of a long video."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_READ = 2**20  # bytes at either end


def fingerprint(paths: Iterable[Path]) -> str:
    """16 hexadecimal digits of the sizes of files, and of what they begin and end with."""
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as file:
            digest.update(file.read(_READ))
            file.seek(max(0, size - _READ))
            digest.update(file.read(_READ))
    return digest.hexdigest()[:16]
