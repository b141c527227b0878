"""The batch-export API's HTTP surface: order an export, ask how it goes, be sent to its files."""

from __future__ import annotations

import math
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, Router

from sandbox.limits import Window
from sandbox.universe.chance import token
from sandbox.vendors.posthog.files import COMPRESSIONS, FORMATS, packed
from sandbox.vendors.posthog.store import Store

API_KEY = "phx_sandbox0Key7ThatReadsExports"
PROJECT_ID = "73412"
LONGEST = timedelta(days=7)
MODELS = ("events", "persons", "sessions")
FILES = "/_files"
KEPT_RUNS = 8
# How an export can end badly, by fault.
BAD_ENDS = {
    "export_failed": ("Failed", "The batch export has failed."),
    "export_retryable": ("FailedRetryable", "The batch export ran into a temporary problem."),
    "export_timed_out": ("TimedOut", "The batch export took too long."),
}


@dataclass
class Run:
    """One export: what was asked for, and how it goes."""

    asked: tuple[Any, ...]
    form: str
    compression: str | None
    polls: int
    ended: str = ""
    signatures: set[str] = field(default_factory=set)


class PostHog:
    """One PostHog project over a store."""

    name = "posthog"
    resources = ("events", "persons")
    archivable = frozenset({"persons"})
    faults = frozenset({*BAD_ENDS, "link_refused"})

    def __init__(
        self, store: Store, per_minute: int | None, per_hour: int | None, polls: int
    ) -> None:
        self._store, self._polls, self._unlimited = store, polls, per_minute is None
        self._minute, self._hour = Window(per_minute, 60), Window(per_hour, 3600)
        self._runs: dict[str, Run] = {}
        self._made: OrderedDict[str, list[pa.Table]] = OrderedDict()
        routes = []
        for scope in ("environments", "projects"):
            base = f"/api/{scope}/{{project}}/file_download_batch_exports"
            for end in ("", "/"):
                routes += [
                    Route(base + end, self._order, methods=["POST"]),
                    Route(base + "/{run}" + end, self._state),
                    Route(base + "/{run}/download" + end, self._download),
                    Route(base + "/{run}/download/{part}" + end, self._download),
                ]
        routes.append(Route(FILES + "/{run}/{part}", self._file))
        self.app = Router(routes, redirect_slashes=False, default=_not_found)

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return the base URL, a personal API key, the project and where that begins."""
        found = {
            "SOURCES__POSTHOG__BASE_URL": f"{base_url}/posthog",
            "SOURCES__POSTHOG__PERSONAL_API_KEY": API_KEY,
            "SOURCES__POSTHOG__PROJECT_ID": PROJECT_ID,
            "SOURCES__POSTHOG__START_DATE": self._store.first_moment.date().isoformat(),
        }
        if self._unlimited:
            found["SOURCES__POSTHOG__CALLS_PER_MINUTE"] = "100000"
        return found

    def put(self, resource: str, record: Any) -> None:
        """Insert rows of an export: one or a list; members may be malformed or new."""
        self._store.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of the row of a distinct id; events cannot be looked up."""
        return self._store.record(resource, identity)

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the group keys that a user of the made-up world carries."""
        return self._store.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without the key, 403 for another project; files are the store's own."""
        given = request.headers.get("authorization", "")
        if FILES in request.url.path:
            if not given:
                return None
            return _xml(400, "InvalidArgument", "Only one auth mechanism allowed")
        if given != f"Bearer {API_KEY}":
            return self.unauthorized(request)
        parts = request.url.path.removeprefix(request.scope.get("root_path", "")).split("/")
        if len(parts) > 3 and parts[3] != PROJECT_ID:
            if not parts[3].isdigit():
                return error(400, "validation_error", "invalid_project", "Invalid Project ID.",
                             "project_id")  # fmt: skip
            return error(404, "invalid_request", "not_found", "Not found.")
        return None

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        detail = "Invalid personal API key."
        return error(401, "authentication_error", "invalid_personal_api_key", detail)

    def over_limit(self, request: Request) -> Response | None:
        """Count the call; return the vendor's 429 when it is one too many."""
        if FILES in request.url.path:
            return None
        for window in (self._minute, self._hour):
            if window.full:
                return self.limited(request)
            window.count()
        return None

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429."""
        seconds = max(1, math.ceil(self._minute.seconds * 0.7))
        detail = f"Request was throttled. Expected available in {seconds} seconds."
        answer = error(429, "throttled_error", "throttled", detail)
        answer.headers["Retry-After"] = str(seconds)
        return answer

    def empty(self, request: Request) -> Response:
        """Return an export without files; an order and a file are never empty."""
        return JSONResponse({"status": "Completed", "files": [], "error": None})

    def headers(self, request: Request) -> dict[str, str]:
        """Return no header of its own."""
        return {}

    # ---- endpoints ----

    async def _order(self, request: Request) -> Response:
        try:
            asked = await request.json()
            model, start, end, form, compression = _read(asked)
        except (ValueError, TypeError, KeyError) as problem:
            named = problem.args[0] if problem.args else ""
            return error(400, "validation_error", "invalid_input", str(named), None)
        wanted = (model, start, min(end, self._store.now_ms + 1), asked.get("include") or (),
                  asked.get("exclude") or ())  # fmt: skip
        identity = str(uuid.UUID(int=(0x0191 << 112) + len(self._runs)))
        self._runs[identity] = Run(wanted, form, compression, self._polls)
        return JSONResponse({"id": identity}, 202)

    async def _state(self, request: Request) -> Response:
        run = self._runs.get(request.path_params["run"])
        if run is None:
            return error(404, "invalid_request", "not_found", "Not found.")
        fault = request.scope.get("sandbox.fault")
        if fault in BAD_ENDS:
            run.ended = fault
        if run.ended:
            status, said = BAD_ENDS[run.ended]
            return JSONResponse({"status": status, "files": [], "error": said})
        if run.polls > 0:
            run.polls -= 1
            return JSONResponse({"status": "Running", "files": [], "error": None})
        tables = await self._tables(request.path_params["run"], run)
        files = [str(uuid.UUID(int=(0x0192 << 112) + number)) for number in range(len(tables))]
        return JSONResponse({"status": "Completed", "files": files, "error": None})

    async def _download(self, request: Request) -> Response:
        identity = request.path_params["run"]
        run = self._runs.get(identity)
        if run is None:
            return error(404, "invalid_request", "not_found", "Not found.")
        if run.polls > 0:
            return _invalid("Batch export run is still in progress")
        if run.ended:
            return _invalid("Batch export run has failed")
        part = request.path_params.get("part", "0")
        if not part.isdigit() or int(part) >= len(await self._tables(identity, run)):
            return _invalid(f"No files with index {part}")
        signature = token("", 0, identity, part, len(run.signatures), length=40)
        if request.scope.get("sandbox.fault") != "link_refused":
            run.signatures.add(signature)
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
        return RedirectResponse(
            f"{base}{FILES}/{identity}/{part}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300"
            f"&X-Amz-Signature={signature}",
            302,
        )

    async def _file(self, request: Request) -> Response:
        run = self._runs.get(request.path_params["run"])
        if run is None:
            return _xml(404, "NoSuchKey", "The specified key does not exist.")
        if request.query_params.get("X-Amz-Signature") not in run.signatures:
            return _xml(403, "AccessDenied", "Request has expired")
        tables = await self._tables(request.path_params["run"], run)
        table = tables[int(request.path_params["part"])]
        body = await run_in_threadpool(packed, table, run.form, run.compression)
        return Response(body, media_type="binary/octet-stream")

    async def _tables(self, identity: str, run: Run) -> list[pa.Table]:
        """The files of an export; only those of the last few are kept."""
        found = self._made.get(identity)
        if found is None:
            found = await run_in_threadpool(self._store.files, *run.asked)
            self._made[identity] = found
            while len(self._made) > KEPT_RUNS:
                self._made.popitem(last=False)
        return found


def _read(asked: dict[str, Any]) -> tuple[str, int, int, str, str | None]:
    """What an order asks for; ValueError says what is wrong with it."""
    model, file = asked.get("model", "events"), asked.get("file") or {}
    form, compression = file.get("format", "JSONLines"), file.get("compression")
    if model not in MODELS:
        raise ValueError(f'"{model}" is not a valid choice.')
    if form not in FORMATS:
        raise ValueError(f'"{form}" is not a valid choice.')
    if compression not in COMPRESSIONS[form]:
        raise ValueError(f"Compression {compression} is not supported for file format {form}")
    start, end = (_moment(asked[f"data_interval_{name}"]) for name in ("start", "end"))
    if start >= end:
        raise ValueError("data_interval_start must be before data_interval_end")
    if end - start > LONGEST:
        raise ValueError("The interval between start and end must not be longer than 1 week")
    if model != "events" and (asked.get("include") or asked.get("exclude")):
        raise ValueError("include and exclude are only supported for events")
    return model, _milliseconds(start), _milliseconds(end), form, compression


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    return math.ceil(moment.timestamp() * 1000)


def error(status: int, kind: str, code: str, detail: str, attr: str | None = None) -> JSONResponse:
    """Return an error in the vendor's shape."""
    return JSONResponse({"type": kind, "code": code, "detail": detail, "attr": attr}, status)


def _invalid(detail: str) -> Response:
    return error(400, "validation_error", "invalid_input", detail)


def _xml(status: int, code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Response(body, status, media_type="application/xml")


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await error(404, "invalid_request", "not_found", "Endpoint not found.")(scope, receive, send)
