"""The workspace's HTTP surface: searches, the scroll, single records, teammates."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from time import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox.vendors.intercom.scroll import ScrollExists, Scrolls, UnknownScroll
from sandbox.vendors.intercom.search import BadSearch, Search
from sandbox.vendors.intercom.shapes import Json
from sandbox.vendors.intercom.store import RESOURCES, Store

ACCESS_TOKEN = "dG9rOnNhbmRib3g="
API_VERSION = "2.16"
WINDOW_SECONDS = 10
MOST_LISTED = 10_000
RESTART = "Request failed due to an internal network error. Please restart the scroll operation."


class Intercom:
    """One Intercom workspace over a world."""

    name = "intercom"
    resources = RESOURCES
    archivable = frozenset({"contacts", "conversations"})
    faults = frozenset({"scroll_lost"})

    def __init__(self, store: Store, options: Mapping[str, Any]) -> None:
        self._store = store
        self._allowed: int | None = options.get("per_10_seconds", 1667)
        self._window, self._calls = 0, 0
        self._zone = options.get("time_zone", "America/Los_Angeles")
        lag = options.get("search_lag_seconds", 0)
        self._searches = {
            kind: Search(store, kind, self._zone, lag) for kind in ("contacts", "conversations")
        }
        self._scrolls = Scrolls(options.get("one_scroll", True), options.get("scroll_seconds", 60))
        self.app = Router(
            [
                Route("/me", self._me),
                Route("/admins", self._admins),
                Route("/admins/{id}", self._admin),
                Route("/contacts/search", self._search_contacts, methods=["POST"]),
                Route("/contacts/{id}/companies", self._companies_of),
                Route("/contacts/{id}", self._contact),
                Route("/companies/scroll", self._scroll),
                Route("/companies/list", self._list_companies, methods=["POST"]),
                Route("/companies/{id}/contacts", self._contacts_of),
                Route("/companies/{id}", self._company),
                Route("/conversations/search", self._search_conversations, methods=["POST"]),
                Route("/conversations/deleted", self._deleted),
                Route("/conversations/{id}", self._conversation),
            ],
            redirect_slashes=False,
            default=_unknown_path,
        )

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL and token."""
        return {
            "SOURCES__INTERCOM__BASE_URL": f"{base_url}/intercom",
            "SOURCES__INTERCOM__ACCESS_TOKEN": ACCESS_TOKEN,
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert or override one record; without a date of its own it was changed now."""
        self._store.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one record."""
        return self._store.copy_of(resource, identity)

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the companies of the made-up world."""
        return self._store.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without the workspace's bearer token."""
        if request.headers.get("authorization") == f"Bearer {ACCESS_TOKEN}":
            return None
        return self.unauthorized(request)

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        return error(401, "unauthorized", "Access Token Invalid")

    def over_limit(self, request: Request) -> Response | None:
        """Count the call in the window of ten seconds."""
        window = int(time()) // WINDOW_SECONDS
        if window != self._window:
            self._window, self._calls = window, 0
        if self._allowed is not None and self._calls >= self._allowed:
            return self.limited(request)
        self._calls += 1
        return None

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429: no Retry-After, but when the window ends."""
        allowed = self._allowed or 1667
        message = f"Exceeded rate limit of {allowed} in {WINDOW_SECONDS}_seconds"
        answer = error(429, "rate_limit_exceeded", message)
        answer.headers.update(self._counts(allowed, 0))
        return answer

    def empty(self, request: Request) -> Response:
        """Return a page without rows."""
        pages = {"type": "pages", "page": 1, "per_page": 50, "total_pages": 0}
        body: Json = {"type": "list", "data": [], "total_count": 0, "pages": pages}
        path = request.url.path
        if "/conversations" in path:
            body = {"type": "conversation.list", "conversations": [], "total_count": 0,
                    "pages": pages}  # fmt: skip
        elif path.endswith("/admins"):
            body = {"type": "admin.list", "admins": []}
        elif path.endswith("/companies/scroll"):
            body |= {"pages": None, "total_count": None, "scroll_param": str(uuid.uuid4())}
        return JSONResponse(body)

    def headers(self, request: Request) -> dict[str, str]:
        """Return the rate-limit headers and the version that answers."""
        given = {"Intercom-Version": request.headers.get("intercom-version", API_VERSION)}
        if self._allowed is None:
            return given
        return given | self._counts(self._allowed, self._allowed - self._calls)

    def _counts(self, allowed: int, left: int) -> dict[str, str]:
        ends = (int(time()) // WINDOW_SECONDS + 1) * WINDOW_SECONDS
        return {
            "X-RateLimit-Limit": str(allowed),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Reset": str(ends),
        }

    # ---- contacts ----

    async def _search_contacts(self, request: Request) -> Response:
        return await self._search(request, "contacts", "list", "data")

    async def _contact(self, request: Request) -> Response:
        identity = request.path_params["id"]
        found = self._store.get("contacts", identity)
        if found is not None:
            if request.query_params.get("include_merge_history") == "true":
                history = self._store.merge_history(identity)
                listed = [{"type": "merge_history", "source_contact_id": one} for one in history]
                found = {**found, "merge_history": {"type": "list", "data": listed}}
            return JSONResponse(found)
        into = self._store.merged_into(identity)
        if into is None:
            return error(404, "not_found", "User Not Found")
        message = "This contact has been merged. See the 'Link' header for the canonical contact."
        answer = error(410, "contact_merged", message)
        answer.headers["Link"] = f'</contacts/{into}>; rel="canonical"'
        return answer

    async def _companies_of(self, request: Request) -> Response:
        found = self._store.companies_of(request.path_params["id"])
        if found is None:
            return error(404, "not_found", "User Not Found")
        return self._numbered(request, found, 50)

    # ---- companies ----

    async def _scroll(self, request: Request) -> Response:
        if request.scope.get("sandbox.fault") == "scroll_lost":
            self._scrolls.lose()
            return error(500, "server_error", RESTART)
        name = request.query_params.get("scroll_param")
        try:
            if name:
                page = self._scrolls.next(name)
            else:
                name, page = self._scrolls.begin(self._store.all("companies"))
        except ScrollExists:
            message = "scroll already exists for this workspace"
            return error(400, "scroll_exists", message)
        except UnknownScroll:
            return error(404, "not_found", "scroll parameter not found")
        return JSONResponse(
            {"type": "list", "data": page, "pages": None, "total_count": None, "scroll_param": name}
        )

    async def _list_companies(self, request: Request) -> Response:
        rows = self._store.all("companies")
        asked = _number(request, "page", 1) * _number(request, "per_page", 15)
        if asked > MOST_LISTED:
            return error(400, "page_limit_reached", "Only the first 10,000 companies are listed")
        return self._numbered(request, rows, 15, 60)

    async def _company(self, request: Request) -> Response:
        found = self._store.get("companies", request.path_params["id"])
        return JSONResponse(found) if found is not None else _no_company()

    async def _contacts_of(self, request: Request) -> Response:
        identity = request.path_params["id"]
        if self._store.get("companies", identity) is None:
            return _no_company()
        return self._numbered(request, self._store.contacts_of(identity), 50)

    # ---- conversations ----

    async def _search_conversations(self, request: Request) -> Response:
        return await self._search(request, "conversations", "conversation.list", "conversations")

    async def _conversation(self, request: Request) -> Response:
        identity = request.path_params["id"]
        found = self._store.get("conversations", identity)
        if found is None:
            return error(404, "not_found", "Resource Not Found")
        parts = self._store.parts(identity)
        return JSONResponse(found if parts is None else {**found, "conversation_parts": parts})

    async def _deleted(self, request: Request) -> Response:
        rows = self._store.deleted_conversations()
        if request.query_params.get("order", "desc") == "asc":
            rows.reverse()
        answer = self._page(request, rows, 20, 60)
        if answer is None:
            return _bad_page(60)
        shown, pages = answer
        return JSONResponse(
            {"type": "conversations.list", "total_count": len(rows), "pages": pages,
             "conversations": shown}
        )  # fmt: skip

    # ---- the workspace ----

    async def _me(self, request: Request) -> Response:
        first = self._store.all("admins")[0]
        app = {"type": "app", "id_code": "sandbox1", "name": "Sandbox", "timezone": self._zone,
               "region": "US", "created_at": 1_600_000_000, "secure": True,
               "identity_verification": True}  # fmt: skip
        return JSONResponse({**first, "email_verified": True, "app": app})

    async def _admins(self, request: Request) -> Response:
        return JSONResponse({"type": "admin.list", "admins": self._store.all("admins")})

    async def _admin(self, request: Request) -> Response:
        found = self._store.get("admins", request.path_params["id"])
        if found is None:
            return error(404, "admin_not_found", "Admin not found")
        return JSONResponse(found)

    # ---- pages ----

    async def _search(self, request: Request, kind: str, type_: str, member: str) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            return error(400, "bad_request", "body is not JSON")
        try:
            rows, total, pages = self._searches[kind].page(body)
        except BadSearch as problem:
            return error(400, "parameter_invalid", str(problem))
        answer = {"type": type_, member: rows, "total_count": total, "pages": pages}
        return JSONResponse(answer)

    def _numbered(
        self, request: Request, rows: list[Any], usual: int, most: int = 150
    ) -> Response:  # fmt: skip
        found = self._page(request, rows, usual, most)
        if found is None:
            return _bad_page(most)
        shown, pages = found
        return JSONResponse(
            {"type": "list", "data": shown, "total_count": len(rows), "pages": pages}
        )

    def _page(
        self, request: Request, rows: list[Any], usual: int, most: int
    ) -> tuple[list[Any], Json] | None:
        """Return a numbered page and its `pages`, None when it may not be asked for."""
        page, size = _number(request, "page", 1), _number(request, "per_page", usual)
        if page < 1 or not 1 <= size <= most:
            return None
        shown = rows[(page - 1) * size : page * size]
        total = -(-len(rows) // size)
        pages: Json = {"type": "pages", "page": page, "per_page": size, "total_pages": total}
        address = request.url.include_query_params(page=page + 1, per_page=size)
        pages["next"] = str(address) if page < total else None
        return shown, pages


def error(status: int, code: str, message: str) -> Response:
    """Return an error in the vendor's shape."""
    errors = [{"code": code, "message": message}]
    body = {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": errors}
    return JSONResponse(body, status)


def _no_company() -> Response:
    return error(404, "company_not_found", "Company Not Found")


def _bad_page(most: int) -> Response:
    return error(400, "parameter_invalid", f"per_page must be between 1 and {most}")


def _number(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query_params.get(name, default))
    except ValueError:
        return 0


async def _unknown_path(scope: Any, receive: Any, send: Any) -> None:
    await error(404, "not_found", "The requested resource could not be found")(scope, receive, send)
