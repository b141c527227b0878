"""The Export API's HTTP surface: one archive per range of hours of upload."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route, Router

from sandbox.vendors.amplitude.store import BYTES_PER_EVENT, HOUR, Store

API_KEY = "sandbox0amplitude0api0key"
SECRET_KEY = "sandbox0amplitude0secret0key"
LONGEST_DAYS = 365


class Amplitude:
    """One Amplitude project over a world."""

    name = "amplitude"
    resources = ("events",)
    archivable: frozenset[str] = frozenset()
    faults = frozenset({"timeout", "not_a_zip"})

    def __init__(self, store: Store, size_limit: int, timeout_hours: int | None) -> None:
        self._store, self._size_limit, self._timeout_hours = store, size_limit, timeout_hours
        self.app = Router([Route("/api/2/export", self._export)], redirect_slashes=False)

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL, keys, and the day on which the project begins."""
        return {
            "SOURCES__AMPLITUDE__BASE_URL": f"{base_url}/amplitude",
            "SOURCES__AMPLITUDE__API_KEY": API_KEY,
            "SOURCES__AMPLITUDE__SECRET_KEY": SECRET_KEY,
            "SOURCES__AMPLITUDE__START_DATE": self._store.first_hour.date().isoformat(),
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert events: an object or a list of them, completed as needed, or raw lines. They
        belong to the hour of their `server_upload_time`, else to that of the clock."""
        self._store.put(record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return None: events cannot be looked up."""
        return None

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the groups that a user of the made-up world belongs to."""
        return self._store.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without keys, 403 with wrong ones."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(value, validate=True).decode() if kind == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        if not given:
            return self.unauthorized(request)
        if given != f"{API_KEY}:{SECRET_KEY}":
            return PlainTextResponse("Forbidden", 403)
        return None

    def unauthorized(self, request: Request) -> Response:
        """Return a 401."""
        return PlainTextResponse("Unauthorized", 401, {"WWW-Authenticate": "Basic"})

    def over_limit(self, request: Request) -> Response | None:
        """Return None: only parallel exports are limited."""
        return None

    def limited(self, request: Request) -> Response:
        """Return a 429, without a word on how long to wait."""
        body = {"http_code": 429, "type": "too_many_requests", "message": "Too many requests"}
        return JSONResponse({"error": body}, 429)

    def empty(self, request: Request) -> Response:
        """Return what a range without events is answered: 404."""
        return _no_data()

    def headers(self, request: Request) -> dict[str, str]:
        """Return no headers."""
        return {}

    # ---- the endpoint ----

    async def _export(self, request: Request) -> Response:
        fault = request.scope.get("sandbox.fault")
        try:
            first, last = (_hour(request.query_params[name]) for name in ("start", "end"))
        except (KeyError, ValueError):
            return PlainTextResponse("start and end must be given as YYYYMMDDTHH", 400)
        until = last + HOUR
        if until <= first or until - first > LONGEST_DAYS * 24 * HOUR:
            return PlainTextResponse("the range must be of one hour to 365 days", 400)
        hours = (until - first) // HOUR
        if fault == "timeout" or (self._timeout_hours and hours >= self._timeout_hours):
            return HTMLResponse("<html><h1>504 Gateway Time-out</h1></html>", 504)
        if fault == "not_a_zip":
            return HTMLResponse("<html><body>Log in to Amplitude</body></html>")
        many = await run_in_threadpool(self._store.count, first, until)
        if many * BYTES_PER_EVENT > self._size_limit:
            return PlainTextResponse("Raw data files exceed the size limit of 4 GB", 400)
        files = self._store.files(first, until)
        start = await run_in_threadpool(next, files, None)
        if start is None:
            return _no_data()
        return StreamingResponse(_zip(chain([start], files)), media_type="application/zip")


def _no_data() -> Response:
    return PlainTextResponse("Raw data files were not found.", 404)


def _hour(text: str) -> int:
    moment = datetime.strptime(text, "%Y%m%dT%H").replace(tzinfo=UTC)
    return int(moment.timestamp())


class _Sink(io.RawIOBase):
    """Collects what is written, to be taken away in between."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Take in bytes."""
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        found = bytes(self._held)
        self._held.clear()
        return found


def _zip(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, body in files:
            archive.writestr(name, body)
            yield sink.take()
    yield sink.take()
