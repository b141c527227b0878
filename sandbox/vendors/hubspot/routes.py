"""The CRM's HTTP surface, under v3/v4 paths and under the date-based ones."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, Router

from sandbox.limits import Limits, Window
from sandbox.universe.calendar import iso_ms
from sandbox.vendors.hubspot.account import TOKEN_PATHS, Account
from sandbox.vendors.hubspot.errors import error, too_many
from sandbox.vendors.hubspot.properties import ALWAYS, DEFAULTS, PROPERTIES
from sandbox.vendors.hubspot.records import Record, Records, is_archived, key_of
from sandbox.vendors.hubspot.search import MAX_BODY, MAX_ROWS, BadSearch, search

INLINE_LINKS = 100
MAX_URL = 16_000


class HubSpot:
    """One HubSpot account over a world."""

    name = "hubspot"
    resources = (*PROPERTIES, "owners", "pipelines", "associations")
    archivable = frozenset(resources)
    faults: frozenset[str] = frozenset()

    def __init__(
        self, records: Records, account: Account, limits: Limits, options: Mapping[str, Any]
    ) -> None:
        self._records, self._account = records, account
        self._search_cap = int(options.get("search_cap", MAX_ROWS))
        self._search_lag = int(options.get("search_lag", 0))
        self._burst = Window(limits.hubspot_per_10_seconds, 10)
        self._search = Window(limits.hubspot_search_per_second, 1)
        routes = []
        for objects, associations in (
            ("/crm/v3/objects", "/crm/v4/associations"),
            ("/crm/objects/2026-09", "/crm/associations/2026-09"),
        ):
            routes += [
                Route(objects + "/{kind}/search", self._search_page, methods=["POST"]),
                Route(objects + "/{kind}/batch/read", self._batch_read, methods=["POST"]),
                Route(objects + "/{kind}/{id}/associations/{to}", self._links_of_one),
                Route(objects + "/{kind}/{id}", self._one),
                Route(objects + "/{kind}", self._list),
                Route(associations + "/{from_type}/{to}/batch/read", self._links, methods=["POST"]),
            ]
        routes.append(Route("/crm/v4/objects/{kind}/{id}/associations/{to}", self._links_of_one))
        for owners, pipelines, properties in (
            ("/crm/v3/owners", "/crm/v3/pipelines", "/crm/v3/properties"),
            ("/crm/owners/2026-09", "/crm/pipelines/2026-09", "/crm/properties/2026-09"),
        ):
            routes += [
                Route(owners, self._owners),
                Route(owners + "/", self._owners),
                Route(pipelines + "/{kind}", self._pipelines),
                Route(properties + "/{kind}", self._properties),
            ]
        routes += [Route(path, account.token, methods=["POST"]) for path in TOKEN_PATHS]
        self.app = Router(routes, redirect_slashes=False, default=_not_found)

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL and token, or what an app gets its tokens with."""
        given = {"BASE_URL": f"{base_url}/hubspot", **self._account.environment()}
        return {f"SOURCES__HUBSPOT__{name}": value for name, value in given.items()}

    def put(self, resource: str, record: Any) -> None:
        """Insert or override one record; the search finds it as changed now.

        Associations are `{from_type, from_id, to_type, to_id, typeId, label, category}`, one way;
        they are removed, both ways, as `companies/1/contacts/2`.
        """
        self._records.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one record."""
        return self._records.copy_of(resource, identity)

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the companies of the made-up world."""
        return self._records.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without the account's token, 403 where it has no scope."""
        return self._account.refuse(request)

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        return self._account.unauthorized()

    def over_limit(self, request: Request) -> Response | None:
        """Count the call against the day's limit, ten seconds' and, if it searches, a second's."""
        if request.url.path.endswith(TOKEN_PATHS):
            return None
        if _searches(request):
            if self._search.full:
                return self.limited(request)
            self._search.count()
        if self._burst.full:
            return too_many("ten_secondly_rolling", "TEN_SECONDLY_ROLLING")
        self._burst.count()
        return self._account.over_day()

    def limited(self, request: Request) -> Response:
        """Return the 429 of the policy that the path falls under; no Retry-After."""
        if _searches(request):
            return too_many("secondly", "SECONDLY")
        return too_many("ten_secondly_rolling", "TEN_SECONDLY_ROLLING")

    def empty(self, request: Request) -> Response:
        """Return a page without results."""
        return JSONResponse({"total": 0, "results": []} if _searches(request) else {"results": []})

    def headers(self, request: Request) -> dict[str, str]:
        """Return the rate-limit headers, which the vendor leaves out on search."""
        if _searches(request) or self._burst.allowed is None:
            return {}
        left = self._burst.allowed - self._burst.used
        return {
            **self._account.headers(),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(self._burst.allowed),
            "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
        }

    # ---- objects ----

    async def _list(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in PROPERTIES:
            return error(400, "VALIDATION_ERROR", f"Unable to infer object type from: {kind}")
        if len(request.url.query) > MAX_URL:
            html = "<html><head><title>414 Request-URI Too Large</title></head></html>"
            return HTMLResponse(html, 414)
        limit = _limit(request, 10, 100)
        if limit is None:
            return error(400, "VALIDATION_ERROR", "limit must be between 1 and 100")
        archived = _archived(request)
        rows = self._records.visible(kind, archived)
        page, following = _page(request, rows, limit)
        shown = [_project(kind, row, _wanted(request)) for row in page]
        for other in _words(request.query_params.get("associations")):
            for row in shown:
                self._inline(request, kind, row, other)
        return _paged(request, shown, following)

    def _inline(self, request: Request, kind: str, row: Any, other: str) -> None:
        if not isinstance(row, dict) or key_of(row) is None:
            return
        links = self._records.links(kind, other, str(key_of(row)))
        if not links:
            return
        one = {"companies": "company"}.get(kind, kind[:-1])
        two = {"companies": "company"}.get(other, other[:-1])
        results = []
        for link in links[:INLINE_LINKS]:
            for sort in link["associationTypes"]:
                name = f"{one}_to_{two}" + ("" if sort["label"] else "_unlabeled")
                results.append({"id": link["toObjectId"], "type": name})
        block: Record = {"results": results}
        if len(links) > INLINE_LINKS:
            after = _cursor(links[INLINE_LINKS - 1]["toObjectId"])
            path = f"/crm/v3/objects/{kind}/{row['id']}/associations/{other}"
            address = f"{_base(request)}{path}?after={after}"
            block["paging"] = {"next": {"after": after, "link": address}}
        row.setdefault("associations", {})[other] = block

    async def _one(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        found = self._records.get(kind, request.path_params["id"]) if kind in PROPERTIES else None
        archived = _archived(request)
        if found is None or is_archived(found) != archived:
            message = "Object not found.  objectId are usually numeric."
            return error(404, "OBJECT_NOT_FOUND", message)
        return JSONResponse(_project(kind, found, _wanted(request)))

    async def _batch_read(self, request: Request) -> Response:
        kind, body = request.path_params["kind"], await _body(request)
        inputs = _inputs(body, 100)
        if kind not in PROPERTIES or inputs is None:
            return error(400, "VALIDATION_ERROR", "inputs must hold between 1 and 100 ids")
        archived = _archived(request)
        found, missing = [], []
        for item in inputs:
            record = self._records.get(kind, str(item.get("id")))
            if record is None or is_archived(record) != archived:
                missing.append(str(item.get("id")))
            else:
                found.append(_project(kind, record, body.get("properties")))
        problems = []
        if missing:
            problems.append({
                "status": "error", "category": "OBJECT_NOT_FOUND",
                "message": f"Could not get some {kind} objects, they may be deleted or not exist.",
                "context": {"ids": missing},
            })  # fmt: skip
        return self._complete(found, problems)

    async def _search_page(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in PROPERTIES:
            return error(400, "VALIDATION_ERROR", f"Unable to infer object type from: {kind}")
        if len(await request.body()) > MAX_BODY:
            return error(400, "VALIDATION_ERROR", "The request body exceeds 3000 characters")
        body = await _body(request)
        try:
            total, page, following = search(
                self._records,
                kind,
                body if isinstance(body, dict) else {},
                self._search_cap,
                self._search_lag,
            )
        except BadSearch as problem:
            return error(400, "VALIDATION_ERROR", str(problem))
        wanted = body.get("properties") or None
        answer: Record = {"total": total, "results": [_project(kind, row, wanted) for row in page]}
        if following is not None:
            answer["paging"] = {"next": {"after": str(following)}}
        return JSONResponse(answer)

    # ---- associations ----

    async def _links(self, request: Request) -> Response:
        from_type, to = request.path_params["from_type"], request.path_params["to"]
        body = await _body(request)
        inputs = _inputs(body, 1000)
        if inputs is None:
            return error(400, "VALIDATION_ERROR", "inputs must hold between 1 and 1000 ids")
        results, problems = [], []
        for item in inputs:
            identity = str(item.get("id"))
            links = self._records.links(from_type, to, identity)
            start = _position(links, item.get("after"), "toObjectId")
            page, more = links[start : start + 500], len(links) > start + 500
            if not links:
                one = {"companies": "company"}.get(from_type, from_type[:-1])
                two = {"companies": "company"}.get(to, to[:-1])
                problems.append({
                    "status": "error", "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": f"No {two} is associated with {one} {identity}.",
                    "context": {"fromObjectId": [identity]},
                })  # fmt: skip
                continue
            row: Record = {"from": {"id": identity}, "to": page}
            if more:
                after = _cursor(page[-1]["toObjectId"])
                row["paging"] = {"next": {"after": after}}
            results.append(row)
        return self._complete(results, problems)

    async def _links_of_one(self, request: Request) -> Response:
        kind, to = request.path_params["kind"], request.path_params["to"]
        links = self._records.links(kind, to, request.path_params["id"])
        limit = _limit(request, 500, 500)
        if limit is None:
            return error(400, "VALIDATION_ERROR", "limit must be between 1 and 500")
        page, following = _page(request, links, limit, "toObjectId")
        if "/v3/" in request.url.path:
            page = [{"id": link["toObjectId"], "type": f"{kind}_to_{to}"} for link in page]
        return _paged(request, page, following)

    # ---- settings ----

    async def _owners(self, request: Request) -> Response:
        limit = _limit(request, 100, 500)
        if limit is None:
            return error(400, "VALIDATION_ERROR", "limit must be between 1 and 500")
        archived = _archived(request)
        page, following = _page(request, self._records.visible("owners", archived), limit)
        return _paged(request, page, following)

    async def _pipelines(self, request: Request) -> Response:
        return JSONResponse({"results": self._records.pipelines(request.path_params["kind"])})

    async def _properties(self, request: Request) -> Response:
        known = PROPERTIES.get(request.path_params["kind"], {})
        return JSONResponse(
            {"results": [{"name": name, "label": name, "type": sort, "archived": False}
                         for name, sort in known.items()]}
        )  # fmt: skip

    def _complete(self, results: list[Any], problems: list[Record]) -> Response:
        now = iso_ms(self._records.now_ms)
        answer: Record = {
            "status": "COMPLETE", "startedAt": now, "completedAt": now, "results": results,
        }  # fmt: skip
        if problems:
            answer |= {"numErrors": len(problems), "errors": problems}
        return JSONResponse(answer, 207 if problems else 200)


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await HTMLResponse("<html><head><title>Error 404 Not Found</title></head></html>", 404)(
        scope, receive, send
    )


def _searches(request: Request) -> bool:
    return request.url.path.endswith("/search")


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        return None


def _inputs(body: Any, most: int) -> list[Record] | None:
    """Return the inputs of a batch, None when they are not between one and `most` objects."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or not 0 < len(inputs) <= most:
        return None
    return inputs if all(isinstance(item, dict) for item in inputs) else None


def _words(text: str | None) -> list[str]:
    return [word for word in (text or "").split(",") if word]


def _archived(request: Request) -> bool:
    # the vendor's Python client writes True
    return request.query_params.get("archived", "").lower() == "true"


def _wanted(request: Request) -> list[str] | None:
    asked = [word for value in request.query_params.getlist("properties") for word in _words(value)]
    return asked or None


def _project(kind: str, record: Any, wanted: list[str] | None) -> Any:
    """Return a record with the asked properties; unknown ones are left out, malformed rows stay."""
    properties = record.get("properties") if isinstance(record, dict) else None
    if not isinstance(properties, dict):
        return record
    names = {*wanted, *ALWAYS[kind]} if wanted else set(DEFAULTS[kind])
    known = PROPERTIES[kind]
    kept = {key: value for key, value in properties.items() if key in names or key not in known}
    return {**record, "properties": kept}


def _limit(request: Request, default: int, most: int) -> int | None:
    text = request.query_params.get("limit", str(default))
    return int(text) if text.isdigit() and 0 < int(text) <= most else None


def _cursor(identity: Any) -> str:
    return base64.urlsafe_b64encode(str(identity).encode()).decode()


def _position(rows: list[Any], after: str | None, key: str) -> int:
    if not after:
        return 0
    last = base64.urlsafe_b64decode(after.encode()).decode()
    for position, row in enumerate(rows):
        if isinstance(row, dict) and str(row.get(key)) == last:
            return position + 1
    if last.startswith("#") and last[1:].isdigit():
        return int(last[1:])
    # the record of the cursor has gone between two pages: go on behind where it stood
    ids = [int(row[key]) if _numbered(row, key) else 0 for row in rows]
    return bisect_right(ids, int(last)) if last.isdigit() else len(rows)


def _numbered(row: Any, key: str) -> bool:
    return isinstance(row, dict) and str(row.get(key)).isdigit()


def _page(
    request: Request, rows: list[Any], limit: int, key: str = "id"
) -> tuple[list[Any], str | None]:
    start = _position(rows, request.query_params.get("after"), key)
    page = rows[start : start + limit]
    if start + limit >= len(rows):
        return page, None
    last = page[-1].get(key) if isinstance(page[-1], dict) else None
    return page, _cursor(f"#{start + limit}" if last is None else last)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def _paged(request: Request, rows: list[Any], following: str | None) -> Response:
    answer: Record = {"results": rows}
    if following is not None:
        others = [(k, v) for k, v in parse_qsl(request.url.query) if k != "after"]
        query = urlencode([("after", following), *others])
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        link = f"{_base(request)}{path}?{query}"
        answer["paging"] = {"next": {"after": following, "link": link}}
    return JSONResponse(answer)
