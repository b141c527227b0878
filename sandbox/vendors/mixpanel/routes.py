"""The product-analytics API's HTTP surface: raw export as a stream, profiles in pages."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from sandbox.limits import Limits, Window
from sandbox.universe.chance import token
from sandbox.vendors.mixpanel.store import Json, Store
from sandbox.vendors.mixpanel.where import BadWhere, compile_where

SERVICE_ACCOUNT = "sandbox.service.mp-service-account"
SERVICE_SECRET = "sandbox-service-secret"
PROJECT_ID = "2526451"
PAGE_SIZE = 1000
MAX_LIMIT = 100_000
GZIP_FROM = 1400
_PIECE = 1 << 20


class Mixpanel:
    """One Mixpanel project over a world."""

    name = "mixpanel"
    resources = ("events", "profiles")
    archivable: frozenset[str] = frozenset()
    faults = frozenset({"terminated_early"})

    def __init__(
        self, store: Store, limits: Limits, packs: bool, concurrent: Mapping[str, int],
        query_seconds: float,
    ) -> None:  # fmt: skip
        self._store, self._packs = store, packs
        self._concurrent, self._query_seconds = concurrent, query_seconds
        self._running = Counter[str]()
        self._export_hour = Window(limits.mixpanel_export_per_hour, 3600)
        self._export_second = Window(limits.mixpanel_export_per_second, 1)
        self._query_hour = Window(limits.mixpanel_query_per_hour, 3600)
        self._sessions: dict[str, tuple[str, list[Any]]] = {}
        paths = ("/api/query/engage", "/api/2.0/engage")
        self._router = Router(
            [
                Route("/data/api/2.0/export", self._export),
                Route("/api/2.0/export", self._export),
                *(Route(path, self._engage, methods=["GET", "POST"]) for path in paths),
            ],
            redirect_slashes=False,
            default=_not_found,
        )

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, unless too many of its kind are running."""
        request = Request(scope, receive)
        kind = "export" if _exports(request) else "query"
        self._running[kind] += 1
        try:
            if self._running[kind] > self._concurrent[kind]:
                await self.limited(request)(scope, receive, send)
                return
            await asyncio.sleep(self._query_seconds)
            await self._router(scope, receive, send)
        finally:
            self._running[kind] -= 1

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return both base URLs, the service account, its project and where that begins."""
        return {
            "SOURCES__MIXPANEL__EXPORT_BASE_URL": f"{base_url}/mixpanel/data",
            "SOURCES__MIXPANEL__QUERY_BASE_URL": f"{base_url}/mixpanel",
            "SOURCES__MIXPANEL__SERVICE_ACCOUNT": SERVICE_ACCOUNT,
            "SOURCES__MIXPANEL__SERVICE_SECRET": SERVICE_SECRET,
            "SOURCES__MIXPANEL__PROJECT_ID": PROJECT_ID,
            "SOURCES__MIXPANEL__PROJECT_TIMEZONE": self._store.zone,
            "SOURCES__MIXPANEL__START_DATE": self._store.first_day.isoformat(),
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert a profile, or events: a list of property dicts, whole events or raw lines."""
        self._store.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one profile; events cannot be looked up."""
        return self._store.profile(identity) if resource == "profiles" else None

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the group keys that a user of the made-up world carries."""
        return self._store.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without the service account, 400 or 403 without its project."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(value).decode() if kind.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        if given != f"{SERVICE_ACCOUNT}:{SERVICE_SECRET}":
            return self.unauthorized(request)
        project = request.query_params.get("project_id")
        if not project:
            return error(
                400, "project_id is a required parameter when using service accounts", request
            )
        if project != PROJECT_ID:
            return error(403, f"Service account does not have access to project {project}", request)
        return None

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        return JSONResponse(
            {"error": "Invalid service account credentials", "status": "error"}, 401
        )

    def over_limit(self, request: Request) -> Response | None:
        """Count the call against the hour and, for exports, the second."""
        windows = (
            [self._export_hour, self._export_second] if _exports(request) else [self._query_hour]
        )
        if any(window.full for window in windows):
            return self.limited(request)
        for window in windows:
            window.count()
        return None

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429; no Retry-After."""
        kind = "export" if _exports(request) else "query"
        hour = self._export_hour if kind == "export" else self._query_hour
        running = f"{max(1, self._running[kind])}/{self._concurrent[kind]}"
        message = (
            f"Query rate limit exceeded for project_id: {PROJECT_ID}. {running} queries running "
            f"concurrently and {hour.used + 1}/{hour.allowed or 60} queries running in the last "
            "hour. For more information, please consult our documentation at https://help.mixpanel.com/"
        )
        return error(429, message, request)

    def empty(self, request: Request) -> Response:
        """Return an empty day, or a page without profiles."""
        if _exports(request):
            return Response(b"", media_type="text/plain")
        body = {"page": 0, "page_size": PAGE_SIZE, "session_id": None, "status": "ok", "total": 0}
        return JSONResponse({**body, "results": []})

    def headers(self, request: Request) -> dict[str, str]:
        """Return no headers of its own."""
        return {}

    # ---- export ----

    async def _export(self, request: Request) -> Response:
        params = request.query_params
        try:
            first, last = (
                date.fromisoformat(params["from_date"]),
                date.fromisoformat(params["to_date"]),
            )
        except (KeyError, ValueError):
            return error(400, "from_date and to_date are required and must be yyyy-mm-dd", request)
        if last > self._store.today:
            name = "from_date" if first > self._store.today else "to_date"
            return error(400, f"{name} cannot be later than today", request)
        if first > last:
            return error(400, "to_date cannot be earlier than from_date", request)
        try:
            events = json.loads(params["event"]) if params.get("event") else None
            limit = int(params["limit"]) if params.get("limit") else None
            where = compile_where(params["where"]) if params.get("where") else None
        except BadWhere as problem:
            return error(400, str(problem), request)
        except ValueError:
            return error(400, "event must be a JSON array and limit a number", request)
        if limit is not None and not 0 < limit <= MAX_LIMIT:
            return error(400, f"limit must be between 1 and {MAX_LIMIT}", request)
        in_ms = params.get("time_in_ms", "").lower() == "true"
        early = request.scope.get("sandbox.fault") == "terminated_early"
        body = self._body(first, last, events, in_ms, limit, where)
        if early:
            body = _ends_early(body)
        if not self._packs or "gzip" not in request.headers.get("accept-encoding", ""):
            return StreamingResponse(body, media_type="text/plain")
        start, rest = await run_in_threadpool(_beginning, body)
        if rest is None:
            return Response(start, media_type="text/plain")
        packed = _gzip(start, rest)
        return StreamingResponse(
            packed, media_type="text/plain", headers={"Content-Encoding": "gzip"}
        )

    def _body(
        self, first: date, last: date, events: list[str] | None, in_ms: bool, limit: int | None,
        where: Any,
    ) -> Iterator[bytes | memoryview]:  # fmt: skip
        left = limit
        for day in self._store.days(first, last):
            if left is not None and left <= 0:
                return
            data, count = self._store.lines(day, events, in_ms, None if where else left)
            if where:
                kept = [line for line in bytes(data).splitlines(True) if where(_properties(line))]
                kept = kept if left is None else kept[:left]
                data, count = b"".join(kept), len(kept)
            if left is not None:
                left -= count
            for start in range(0, len(data), _PIECE):
                yield data[start : start + _PIECE]

    # ---- profiles ----

    async def _engage(self, request: Request) -> Response:
        form = parse_qsl((await request.body()).decode("utf-8", "replace"))
        asked = QueryParams([*request.query_params.multi_items(), *form])
        text = asked.get("page", "0") or "0"
        page = int(text) if text.isdigit() else 0
        where = asked.get("where", "") or ""
        session = asked.get("session_id")
        if page > 0 and (session not in self._sessions or self._sessions[session][0] != where):
            return error(400, "request for page in uncached query for params", request)
        if session not in self._sessions or page == 0:
            try:
                test = compile_where(where) if where else None
            except BadWhere as problem:
                return error(400, str(problem), request)
            found = [one for one in self._store.profiles() if test is None or test(_flat(one))]
            number = len(self._sessions)
            session = f"{1_700_000_000 + number}-{token('', 0, number, length=6)}"
            self._sessions[session] = (where, found)
        found = self._sessions[session][1]
        rows = found[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
        only = asked.get("output_properties")
        if only:
            names = set(json.loads(only))
            rows = [
                {**one, "$properties": {k: v for k, v in _flat(one).items() if k in names}}
                for one in rows
            ]
        return JSONResponse({
            "page": page, "page_size": PAGE_SIZE, "session_id": session, "status": "ok",
            "total": len(found), "results": rows,
        })  # fmt: skip


def error(status: int, message: str, request: Request) -> Response:
    """Return an error in the vendor's shape."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    asked = f"{path.removeprefix('/data')}?{request.url.query}"
    return JSONResponse({"request": asked, "error": message}, status)


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await Response("<html><title>404 Not Found</title></html>", 404)(scope, receive, send)


def _exports(request: Request) -> bool:
    return request.url.path.endswith("/export")


def _properties(line: bytes) -> Json:
    try:
        found = json.loads(line)["properties"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _flat(profile: Any) -> Json:
    found = profile.get("$properties") if isinstance(profile, dict) else None
    return found if isinstance(found, dict) else {}


def _beginning(
    body: Iterator[bytes | memoryview],
) -> tuple[bytes, Iterator[bytes | memoryview] | None]:
    """Return the first bytes and the rest; no rest when the whole body is too small to pack."""
    start = b""
    for piece in body:
        start += piece
        if len(start) > GZIP_FROM:
            return start, body
    return start, None


def _gzip(start: bytes, rest: Iterator[bytes | memoryview]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    yield packer.compress(start)
    for piece in rest:
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()


def _ends_early(body: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Yield half of the first piece's lines, then the vendor's words for giving up."""
    first = bytes(next(body, b""))
    yield first[: first.rfind(b"\n", 0, len(first) // 2 + 1) + 1]
    yield b"terminated early\n"
