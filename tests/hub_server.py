"""The part of the Hugging Face hub's API that uploads and downloads use, on this machine."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from local_server import running

WRITER, READER = "hf_writer", "hf_reader"
"""Tokens: of the user `me`, and one without the right to write."""


@dataclass
class Repository:
    """Commits, the newest last: each all files by name."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.head] if self.commits else {}

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def commit(self, files: dict[str, bytes], message: str = "edit") -> str:
        oid = hashlib.sha1(f"{len(self.commits)}".encode()).hexdigest()
        self.commits[oid] = {**self.files, **files}
        self.messages.append(message)
        return oid


class Hub:
    """What the server holds, and the methods and paths that it was asked for.

    status: what every request is answered with, if not None. released: answers wait for it.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.status: int | None = None
        self.released = threading.Event()
        self.released.set()
        self.url = ""

    def downloads(self) -> list[str]:
        """Names of the files that were downloaded, sorted."""
        found = (re.match(r"GET /\S+?/resolve/\w+/(\S+)", each) for each in self.requests)
        return sorted(match[1] for match in found if match)


@contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as hub.url:
        try:
            yield hub
        finally:
            hub.released.set()


class RefusedError(Exception):
    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(status)
        self.status, self.code, self.message = status, code, message


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answered()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _answered(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.path_only = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {self.path_only}")
        self.hub.released.wait(20)
        try:
            if self.hub.status is not None:
                raise RefusedError(self.hub.status)
            self._route()
        except RefusedError as refused:
            body = json.dumps({"error": refused.message}).encode()
            headers = {"X-Error-Code": refused.code, "X-Error-Message": refused.message}
            self._send(refused.status, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _route(self) -> None:
        routes = {
            r"/api/repos/create": self._create,
            r"/api/validate-yaml": lambda: self._json({"errors": [], "warnings": []}),
            r"/api/models/([^/]+/[^/]+)/preupload/\w+": self._preupload,
            r"/api/models/([^/]+/[^/]+)/commit/\w+": self._commit,
            r"/api/models/([^/]+/[^/]+)/tree/(\w+)": self._tree,
            r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?": self._info,
            r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch": self._batch,
            r"/objects/(\w+)": self._store,
            r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)": self._resolve,
        }
        for pattern, answer in routes.items():
            found = re.fullmatch(pattern, self.path_only)
            if found:
                answer(*found.groups())
                return
        raise RefusedError(404, message=f"no route {self.path_only}")

    # ------------------------------------------------------------------ who may do what

    def _token(self) -> str | None:
        given = self.headers.get("Authorization")
        token = given.removeprefix("Bearer ") if given else None
        if token not in (None, WRITER, READER):
            raise RefusedError(401, message="Invalid credentials in Authorization header")
        return token

    def _readable(self, name: str) -> Repository:
        token, found = self._token(), self.hub.repositories.get(name)
        if found is None or (found.private and token is None):
            raise RefusedError(404 if token else 401, "RepoNotFound", "Repository not found")
        return found

    def _writable(self, name: str) -> Repository:
        if self._token() != WRITER:
            raise RefusedError(403, message=f"You do not have write access to {name}")
        return self._readable(name)

    # ------------------------------------------------------------------ upload

    def _create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if self._token() != WRITER or asked["organization"] != "me":
            raise RefusedError(403, message=f"You have no rights in {asked['organization']}")
        if name in self.hub.repositories:
            self._json({"url": f"{self.hub.url}/{name}"}, 409)
            return
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.repositories[name] = Repository(private)
        self.hub.repositories[name].commit({".gitattributes": b""}, "initial commit")
        self._json({"url": f"{self.hub.url}/{name}"})

    def _preupload(self, name: str) -> None:
        self._writable(name)
        files = [
            {
                "path": each["path"],
                "uploadMode": "regular" if each["path"].endswith((".md", ".json")) else "lfs",
                "shouldIgnore": False,
            }
            for each in json.loads(self.body)["files"]
        ]
        self._json({"files": files})

    def _batch(self, name: str) -> None:
        self._writable(name)
        objects = [
            {
                "oid": each["oid"],
                "size": each["size"],
                "actions": {"upload": {"href": f"{self.hub.url}/objects/{each['oid']}"}},
            }
            for each in json.loads(self.body)["objects"]
        ]
        self._json({"transfer": "basic", "objects": objects})

    def _store(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.objects[oid] = self.body
        self._send(200, b"", {})

    def _commit(self, name: str) -> None:
        repository = self._writable(name)
        lines = [json.loads(line) for line in self.body.splitlines()]
        values = {
            kind: [e["value"] for e in lines if e["key"] == kind] for kind in ("file", "lfsFile")
        }
        files = {each["path"]: base64.b64decode(each["content"]) for each in values["file"]}
        files |= {each["path"]: self.hub.objects[each["oid"]] for each in values["lfsFile"]}
        header = next(line["value"] for line in lines if line["key"] == "header")
        oid = repository.commit(files, header["summary"])
        url = f"{self.hub.url}/{name}/commit/{oid}"
        self._json({"commitUrl": url, "commitOid": oid, "pullRequestUrl": None})

    # ------------------------------------------------------------------ download

    def _files(self, name: str, revision: str) -> tuple[str, dict[str, bytes]]:
        repository = self._readable(name)
        oid = repository.head if revision == "main" else revision
        if oid not in repository.commits:
            raise RefusedError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return oid, repository.commits[oid]

    def _info(self, name: str, revision: str | None = None) -> None:
        oid, files = self._files(name, revision or "main")
        siblings = [{"rfilename": each} for each in files]
        self._json({"id": name, "sha": oid, "siblings": siblings, "tags": [], "downloads": 0})

    def _tree(self, name: str, revision: str) -> None:
        assert parse_qs(urlsplit(self.path).query).get("recursive")
        _, files = self._files(name, revision)
        self._json(
            [
                {"type": "file", "path": path, "size": len(data), "oid": _oid(data)}
                for path, data in files.items()
            ]
        )

    def _resolve(self, name: str, revision: str, path: str) -> None:
        oid, files = self._files(name, revision)
        if path not in files:
            raise RefusedError(404, "EntryNotFound", "Entry not found")
        self._send(200, files[path], {"X-Repo-Commit": oid, "ETag": f'"{_oid(files[path])}"'})

    def _json(self, values: Any, status: int = 200) -> None:
        self._send(status, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
