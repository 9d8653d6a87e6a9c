"""A server that answers the client of Weights & Biases as far as these tests need it to.

It keeps what runs send, gives out artifacts, and hands out the runs of a sweep.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local_server import running

KEY = "a" * 40
_PROJECT = {"id": "p", "internalId": "p", "name": "gan-style", "entity": {"id": "e", "name": "me"}}


@dataclass
class ReceivedRun:
    """What a run has sent."""

    name: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    sweep: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    exit_code: int | None = None

    def numbers(self) -> dict[int, dict[str, float]]:
        """Return step -> name -> number, without what W&B adds itself."""
        return {
            row["_step"]: {
                name: value
                for name, value in row.items()
                if not name.startswith("_") and isinstance(value, int | float)
            }
            for row in self.history
        }

    def images(self, name: str) -> dict[int, str]:
        """Return step -> SHA-256 of the picture's file."""
        return {row["_step"]: row[name]["sha256"] for row in self.history if name in row}


@dataclass
class Given:
    """An artifact that can be fetched: its type, and its files by name."""

    kind: str
    files: dict[str, bytes]


class WandbServer:
    """The state behind the answers.

    Attributes:
        runs: by id. artifacts: names of those that were logged. used: those that were declared as
        used. given: artifacts to fetch, as `name:version`. sweeps: configurations, as sent.
        jobs: parameters of the runs that the next sweep will hand out.
    """

    def __init__(self) -> None:
        self.url = ""
        self.runs: dict[str, ReceivedRun] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.used: list[str] = []
        self.given: dict[str, Given] = {}
        self.sweeps: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.downloads = 0

    # ------------------------------------------------------------------ what arrives

    def stream(self, run: str, message: dict[str, Any]) -> None:
        received = self.runs.setdefault(run, ReceivedRun())
        lines = message.get("files", {}).get("wandb-history.jsonl", {})
        received.history[lines.get("offset", 0) :] = (
            [json.loads(line) for line in lines["content"]] if lines else received.history
        )
        if message.get("complete"):
            received.exit_code = message["exitcode"]

    def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        for word, answer in (
            ("upsertBucket", self._run),
            ("createRunFiles", self._run_files),
            ("createArtifact(", self._log_artifact),
            ("useArtifact(", self._use_artifact),
            ("artifactCollectionMembership(", self._membership),
            ("artifactMembership(", self._file_urls),
            ("currentManifest", self._manifest),
            ("upsertSweep", self._sweep),
            ("agentHeartbeat", self._heartbeat),
        ):
            if word in query:
                return answer(variables)
        viewer = {"id": "u", "entity": "me", "username": "me", "email": "", "flags": "{}"}
        return {
            "viewer": viewer | {"teams": {"edges": []}, "admin": False, "apiKeys": {"edges": []}},
            "serverInfo": {"features": [], "cliVersionInfo": {}, "latestLocalVersionInfo": None},
            "createAgent": {"agent": {"id": "agent"}},
            "project": None,
            "model": None,
        }

    def _run(self, variables: dict[str, Any]) -> dict[str, Any]:
        run = self.runs.setdefault(variables["name"], ReceivedRun())
        run.name = variables["displayName"] or run.name
        run.sweep = variables["sweep"] or run.sweep
        run.config |= {
            name: about["value"]
            for name, about in json.loads(variables["config"] or "{}").items()
            if name != "_wandb"
        }
        bucket = {"id": "b", "name": variables["name"], "displayName": run.name, "config": "{}"}
        bucket |= {"description": "", "sweepName": run.sweep, "project": _PROJECT}
        return {"upsertBucket": {"bucket": bucket | {"historyLineCount": 0}, "inserted": True}}

    def _run_files(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.runs[variables["run"]].files |= set(variables["files"])
        files = [{"name": n, "uploadUrl": f"{self.url}/upload"} for n in variables["files"]]
        return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}

    def _log_artifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.artifacts.append(variables)
        sequence = {"id": "s", "name": "n", "latestArtifact": {"id": "1", "versionIndex": 0}}
        artifact = {"id": "1", "state": "COMMITTED", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}

    def _use_artifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.used.append(json.dumps(variables))
        return {"useArtifact": {"artifact": {"id": "1"}}}

    # ------------------------------------------------------------------ artifacts to fetch

    def _membership(self, variables: dict[str, Any]) -> dict[str, Any]:
        name, _, version = variables["name"].partition(":")
        wanted = "v0" if version == "latest" else version
        if (given := self.given.get(f"{name}:{wanted}")) is None:
            return {"project": {"artifactCollectionMembership": None}}
        index = int(wanted[1:])
        about = {"__typename": "ArtifactSequence", "name": name, "project": _PROJECT}
        artifact = {
            "__typename": "Artifact",
            "id": f"{name}:{wanted}",
            "artifactSequence": about,
            "versionIndex": index,
            "artifactType": {"name": given.kind},
            "tags": [],
            "description": "",
            "metadata": "{}",
            "ttlDurationSeconds": -2,
            "state": "COMMITTED",
            "ttlIsInherited": False,
            "historyStep": None,
            "digest": "d",
            "commitHash": "c",
            "size": 1,
            "fileCount": len(given.files),
            "aliases": [],
            "createdAt": "2026-01-01T00:00:00",
            "updatedAt": "2026-01-01T00:00:00",
        }
        membership = {"__typename": "ArtifactCollectionMembership", "id": "m", "aliases": []}
        membership |= {"versionIndex": index, "createdAt": "2026-01-01T00:00:00"}
        membership |= {"artifactCollection": about, "artifact": artifact}
        return {"project": {"artifactCollectionMembership": membership}}

    def _manifest(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables.get("id") or variables["artifactID"]
        file = {"directUrl": f"{self.url}/manifest/{name}"}
        return {"artifact": {"currentManifest": {"file": file}}}

    def manifest(self, name: str) -> dict[str, Any]:
        files = self.given[name].files
        contents = {
            path: {
                "digest": base64.b64encode(hashlib.md5(data).digest()).decode(),
                "size": len(data),
                "birthArtifactID": name,
            }
            for path, data in files.items()
        }
        policy = {"storagePolicyConfig": {"storageLayout": "V2"}, "contents": contents}
        return {"version": 1, "storagePolicy": "wandb-storage-policy-v1"} | policy

    def _file_urls(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = f"{variables['collection']}:{variables['alias']}"
        edges = [
            {
                "node": {
                    "__typename": "File",
                    "name": file,
                    "directUrl": f"{self.url}/get/{name}/{file}",
                }
            }
            for file in self.given[name].files
        ]
        page = {"endCursor": None, "hasNextPage": False}
        membership = {"files": {"edges": edges, "pageInfo": page}}
        collection = {"__typename": "ArtifactSequence", "artifactMembership": membership}
        return {"project": {"artifactCollection": collection}}

    def file(self, name: str, path: str) -> bytes:
        self.downloads += 1
        return self.given[name].files[path]

    # ------------------------------------------------------------------ sweeps

    def _sweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.sweeps.append(variables)
        return {
            "upsertSweep": {
                "sweep": {"name": "sweep1", "project": _PROJECT},
                "configValidationWarnings": [],
            }
        }

    def _heartbeat(self, variables: dict[str, Any]) -> dict[str, Any]:
        command: dict[str, Any] = {"type": "exit"}
        if json.loads(variables.get("runState") or "{}"):
            return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": "[]"}}
        if self.jobs:
            parameters = {name: {"value": value} for name, value in self.jobs.pop(0).items()}
            number = f"job{len(self.jobs)}"
            command = {"type": "run", "run_id": number, "program": "", "args": parameters}
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps([command])}}


@contextmanager
def wandb_server() -> Iterator[WandbServer]:
    """Serve on a port of this machine."""
    state = WandbServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _body(self) -> bytes:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

        def _answer(self) -> None:
            body = self._body()
            parts = self.path.strip("/").split("/")
            answer: bytes | dict[str, Any] = {}
            if self.path == "/graphql":
                asked = json.loads(body)
                answer = {"data": state.graphql(asked["query"], asked.get("variables") or {})}
            elif parts[-1] == "file_stream":
                state.stream(parts[-2], json.loads(body))
            elif parts[0] == "manifest":
                answer = state.manifest(parts[1])
            elif parts[0] == "get":
                answer = state.file(parts[1], parts[2])
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing of clients that hang up."""

    with running(Server(("127.0.0.1", 0), Handler)) as state.url:
        yield state
