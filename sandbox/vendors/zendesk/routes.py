"""The help desk's HTTP surface: login, incremental exports, lists and single records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from sandbox.limits import Window
from sandbox.vendors.zendesk import login
from sandbox.vendors.zendesk.login import Login
from sandbox.vendors.zendesk.pages import (
    BadPage,
    by_cursor,
    by_offset,
    by_time,
    exported_by_cursor,
)
from sandbox.vendors.zendesk.shapes import iso
from sandbox.vendors.zendesk.store import RESOURCES, VENDOR, Row, Store

SINGULAR = {name: name.removesuffix("s") for name in RESOURCES}
LISTED = ("tickets", "users", "organizations", "satisfaction_ratings")
CURSOR_EXPORTS = ("tickets", "users")
TIME_EXPORTS = ("tickets", "users", "organizations", "ticket_metric_events")
INVALID_TOKEN = {
    "error": "invalid_token",
    "error_description": "The access token provided is expired, revoked, malformed or invalid for "
    "other reasons.",
}


class Zendesk:
    """One Zendesk account over a world."""

    name = VENDOR
    resources = RESOURCES
    archivable = frozenset(("tickets", "users", "organizations"))
    faults = frozenset(("token_expired", "maintenance"))

    def __init__(
        self,
        store: Store,
        accounts: Login,
        incremental_per_minute: int | None,
        requests_per_minute: int | None,
        splits_seconds: bool,
    ) -> None:
        self._store, self._login = store, accounts
        self._all = Window(requests_per_minute, 60)
        self._incremental = Window(incremental_per_minute, 60)
        self._splits_seconds = splits_seconds
        routes = [
            Route("/oauth/tokens", self._token, methods=["POST"]),
            Route("/api/v2/incremental/{resource}/cursor", self._cursor_export),
            Route("/api/v2/incremental/{resource}/cursor.json", self._cursor_export),
            Route("/api/v2/incremental/{resource}", self._time_export),
            Route("/api/v2/{resource}/{id}", self._one),
            Route("/api/v2/{resource}", self._list),
        ]
        self.app = Router(routes, redirect_slashes=False, default=_no_endpoint)

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL, credentials, and the limit that this account has on exports."""
        found = {
            "SOURCES__ZENDESK__BASE_URL": f"{base_url}/zendesk",
            "SOURCES__ZENDESK__CLIENT_ID": login.CLIENT_ID,
            "SOURCES__ZENDESK__CLIENT_SECRET": login.CLIENT_SECRET,
        }
        if self._incremental.allowed is not None:
            found["SOURCES__ZENDESK__EXPORTS_PER_MINUTE"] = str(self._incremental.allowed)
        return found

    def put(self, resource: str, record: Any) -> None:
        """Insert or override one record; exports give it out as changed a minute ago.

        A metric event has happened when its own `time` says. A ticket whose `generated_timestamp`
        lies in the future keeps it.
        """
        self._store.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one record."""
        return self._store.copy_of(resource, identity)

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the organizations of the made-up world."""
        return self._store.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without a good token; who asks for one needs none."""
        if _path(request) == "/oauth/tokens":
            return None
        authorization = request.headers.get("authorization", "")
        if self._login.accepts(authorization):
            return None
        if authorization.lower().startswith("bearer"):
            return JSONResponse(INVALID_TOKEN, 401)
        return self.unauthorized(request)

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        return JSONResponse({"error": "Couldn't authenticate you"}, 401)

    def over_limit(self, request: Request) -> Response | None:
        """Count the call, and against the limit of the exports when it is one."""
        for window in (self._all, self._incremental) if _exports(request) else (self._all,):
            if window.full:
                return self._too_many(request, 60)
        self._all.count()
        if _exports(request):
            self._incremental.count()
        return None

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429, which asks for a second's patience."""
        return self._too_many(request, 1)

    def _too_many(self, request: Request, seconds: int) -> Response:
        text = "Number of allowed API requests per minute exceeded"
        if _exports(request):
            text = "Number of allowed incremental ticket export API requests per minute exceeded"
        return PlainTextResponse(text, 429, {"Retry-After": str(seconds)})

    def empty(self, request: Request) -> Response:
        """Return a page without rows."""
        path = _path(request).removesuffix(".json")
        if path.endswith("/cursor"):
            name = path.split("/")[-2]
            return JSONResponse({name: [], "after_cursor": None, "end_of_stream": True})
        name = path.split("/")[-1]
        if _exports(request):
            return JSONResponse({name: [], "count": 0, "end_time": None, "end_of_stream": True})
        return JSONResponse({name: [], "count": 0, "meta": {"has_more": False}, "links": {}})

    def headers(self, request: Request) -> dict[str, str]:
        """Return the rate-limit headers."""
        allowed = self._all.allowed
        if allowed is None:
            return {}
        left = str(max(0, allowed - self._all.used))
        return {
            "x-rate-limit": str(allowed),
            "x-rate-limit-remaining": left,
            "ratelimit-limit": str(allowed),
            "ratelimit-remaining": left,
            "ratelimit-reset": "60",
        }

    # ---- endpoints ----

    async def _token(self, request: Request) -> Response:
        body = await request.body()
        try:
            asked = dict(json.loads(body))
        except (ValueError, TypeError):
            asked = dict(parse_qsl(body.decode("utf-8", "replace")))
        granted = self._login.grant(asked)
        if granted is None:
            said = "Client authentication failed due to unknown client or wrong secret."
            return JSONResponse({"error": "invalid_client", "error_description": said}, 401)
        return JSONResponse(granted)

    async def _cursor_export(self, request: Request) -> Response:
        resource = _resource(request)
        if resource not in CURSOR_EXPORTS:
            return _not_found("InvalidEndpoint")
        return self._page(request, resource, self._store.exported(resource), exported_by_cursor)

    async def _time_export(self, request: Request) -> Response:
        resource = _resource(request)
        if resource not in TIME_EXPORTS:
            return _not_found("InvalidEndpoint")
        rows = self._store.exported(resource)
        if request.query_params.get("exclude_deleted") == "true" and resource == "tickets":
            rows = [row for row in rows if not _is_deleted(row[2])]
        if "page[size]" in request.query_params:
            start = request.query_params.get("start_time", "0")
            rows = [row for row in rows if row[0] >= int(start or 0)]
            return self._page(request, resource, rows, by_cursor)
        return self._page(request, resource, rows, by_time)

    async def _list(self, request: Request) -> Response:
        resource = _resource(request)
        if resource not in LISTED:
            return _not_found("InvalidEndpoint")
        rows = [row for row in self._store.rows(resource) if not _is_deleted(row[2])]
        rows.sort(key=lambda row: row[1])
        if resource == "satisfaction_ratings":
            rows = _asked_ratings(request, rows)
        how = by_cursor if "page[size]" in request.query_params else by_offset
        return self._page(request, resource, rows, how)

    async def _one(self, request: Request) -> Response:
        resource = _resource(request)
        if resource not in LISTED:
            return _not_found("InvalidEndpoint")
        identity = request.path_params["id"].removesuffix(".json")
        found = self._store.get(resource, identity)
        if found is None or (_is_deleted(found) and resource != "users"):
            return _not_found("RecordNotFound")
        return JSONResponse({SINGULAR[resource]: found})

    def _page(self, request: Request, resource: str, rows: list[Row], how: Any) -> Response:
        fault = request.scope.get("sandbox.fault")
        if fault == "token_expired":
            self._login.revoke(request.headers.get("authorization", ""))
            return JSONResponse(INVALID_TOKEN, 401)
        if fault == "maintenance":
            html = "<html><body><h1>We'll be back soon</h1></body></html>"
            return HTMLResponse(html, 503, {"Retry-After": "1"})
        try:
            page = how(request, rows, self._store.now, self._splits_seconds)
        except BadPage as problem:
            return _problem(*problem.args)
        return JSONResponse({resource: page.pop("rows"), **page})


def _exports(request: Request) -> bool:
    return "/incremental/" in request.url.path


def _path(request: Request) -> str:
    return request.url.path.removeprefix(request.scope.get("root_path", ""))


def _resource(request: Request) -> str:
    return str(request.path_params["resource"]).removesuffix(".json")


def _is_deleted(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    gone = record.get("status") == "deleted" or record.get("deleted_at") is not None
    return gone or record.get("active") is False


def _asked_ratings(request: Request, rows: list[Row]) -> list[Row]:
    """Return the ratings with the score and the days of creation that were asked for."""
    asked, score = request.query_params, request.query_params.get("score")
    scores = {"received": ("good", "bad"), None: None}.get(score, (str(score),))
    since, until = (_moment(asked.get(name)) for name in ("start_time", "end_time"))

    def fits(record: Any) -> bool:
        if not isinstance(record, dict):
            return True
        made = str(record.get("created_at"))
        wanted = scores is None or record.get("score") in scores
        return wanted and (since is None or made >= since) and (until is None or made < until)

    return [row for row in rows if fits(row[2])]


def _moment(epoch: str | None) -> str | None:
    return iso(int(epoch)) if epoch and epoch.isdigit() else None


def _problem(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "description": description}, status)


def _not_found(error: str) -> Response:
    return _problem(404, error, "Not found")


async def _no_endpoint(scope: Any, receive: Any, send: Any) -> None:
    await _not_found("InvalidEndpoint")(scope, receive, send)
