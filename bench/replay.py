"""Answers once given are given again from disk, packed as vendors pack them, so that the cost of
making them is not measured."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

# What comes packed already is kept and sent as it is.
PACKED = ("application/zip",)


def _keep(answer: IO[bytes], body: Path, kind: str) -> None:
    if kind in PACKED:
        with body.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    else:
        with gzip.open(body, "wb", 1) as packed:
            shutil.copyfileobj(answer, packed, 1 << 20)


@contextmanager
def replay(upstream: str, folder: Path) -> Iterator[str]:
    """Base URL of a server on loopback that asks `upstream` each thing once and keeps the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, form: bytes | None) -> None:
            name = hashlib.sha256(self.path.encode() + (form or b"")).hexdigest()
            body = folder / name
            if not body.exists():
                asked = urllib.request.Request(upstream + self.path, data=form)
                asked.add_header("Authorization", self.headers["Authorization"])
                with urllib.request.urlopen(asked) as answer:
                    kind = answer.headers["Content-Type"]
                    _keep(answer, body, kind)
                body.with_suffix(".type").write_text(kind)
            kind = body.with_suffix(".type").read_text()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if kind not in PACKED:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(body.stat().st_size))
            self.end_headers()
            with body.open("rb") as file:
                shutil.copyfileobj(file, self.wfile, 1 << 20)

        def log_message(self, *_: object) -> None: ...

    folder.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
