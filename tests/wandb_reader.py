"""Read what W&B wrote offline, from its own files and without its server."""

import json
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK = 32768
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    """One piece: what one start of a run left in wandb/offline-run-<time>-<id>."""

    folder: Path
    id: str = ""
    name: str = ""
    project: str = ""
    group: str = ""
    resumes: bool = False
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)  # nested keys joined with dots
    artifacts: list[dict[str, Any]] = field(
        default_factory=list
    )  # name, type, metadata, files: name -> path
    exit_code: int | None = None

    def metric(self, name: str) -> dict[int, float]:
        """Return step -> value."""
        return {row["_step"]: row[name] for row in self.history if name in row}

    def images(self, name: str) -> dict[int, Path]:
        """Return step -> picture file."""
        key = f"{name}.path"
        return {r["_step"]: self.folder / "files" / r[key] for r in self.history if key in r}


def offline_runs(run_dir: Path, wait: float = 30.0) -> list[OfflineRun]:
    """Return the pieces in a run folder, the first started first.

    W&B writes the end of its file some milliseconds after it has said that it finished: this waits
    up to `wait` seconds for the record of the exit. A killed run leaves none.
    """
    deadline = time.monotonic() + wait
    folders = sorted((run_dir / "wandb").glob("offline-run-*-*"))
    runs = [read_offline_run(folder) for folder in folders]
    while any(run.exit_code is None for run in runs) and time.monotonic() < deadline:
        time.sleep(0.01)
        runs = [read_offline_run(folder) for folder in folders]
    return runs


def read_offline_run(folder: Path) -> OfflineRun:
    from wandb.proto import wandb_internal_pb2

    run = OfflineRun(folder)
    (file,) = folder.glob("*.wandb")
    for data in records(file.read_bytes()):
        record = wandb_internal_pb2.Record.FromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run.id, run.name = record.run.run_id, record.run.display_name
            run.project, run.resumes = record.run.project, record.run.resume
            run.group = record.run.run_group
            run.config |= _items(record.run.config.update)
        elif kind == "history":
            run.history.append(_items(record.history.item))
        elif kind == "artifact":
            files = {e.path: Path(e.local_path) for e in record.artifact.manifest.contents}
            about = {"name": record.artifact.name, "type": record.artifact.type, "files": files}
            about["metadata"] = json.loads(record.artifact.metadata or "{}")
            run.artifacts.append(about)
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def _items(items: Any) -> dict[str, Any]:
    return {i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in items}


def records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a .wandb file: LevelDB's log format behind seven bytes of header."""
    if data[:4] != b":W&B":
        raise ValueError("not a .wandb file")
    position, parts = 7, b""
    while position + 7 <= len(data):
        left = BLOCK - position % BLOCK
        if left < 7:  # too short for a header: padding
            position += left
            continue
        checksum, length, kind = struct.unpack_from("<IHB", data, position)
        content = data[position + 7 : position + 7 + length]
        if kind == 0 or len(content) < length:  # the file ends within a record
            return
        if checksum != zlib.crc32(bytes([kind]) + content):
            raise ValueError(f"damaged record at byte {position}")
        position += 7 + length
        parts = content if kind in (FULL, FIRST) else parts + content
        if kind in (FULL, LAST):
            yield parts
