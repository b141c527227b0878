"""The CRM's HTTP surface: login, queries, records, deletions, limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox.universe.calendar import DAY
from sandbox.vendors.salesforce.fields import Fields, described
from sandbox.vendors.salesforce.history import moment
from sandbox.vendors.salesforce.ids import ORGANISATION, long_id, record_id
from sandbox.vendors.salesforce.jobs import Jobs
from sandbox.vendors.salesforce.records import RECYCLE_DAYS, Records, Row, is_deleted
from sandbox.vendors.salesforce.sessions import CLIENT_ID, CLIENT_SECRET, BadLogin, Sessions
from sandbox.vendors.salesforce.soql import BadQuery, Query, parse, run

MAX_URL = 16_384
MOST_ROWS, FEWEST_ROWS = 2000, 200
LOCATORS = 10
WINDOW_DAYS = 30
TOKEN = "/services/oauth2/token"
DATA = "/services/data/v{version}"
Answer = dict[str, Any]


class Salesforce:
    """One Salesforce organisation over a world."""

    name = "salesforce"
    faults = frozenset({"daily_limit", "locator_expired", "job_failed"})

    def __init__(
        self, records: Records, fields: dict[str, Fields], sessions: Sessions,
        options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._records, self._fields, self.sessions = records, fields, sessions
        self.resources = tuple(fields)
        self.archivable = frozenset(fields) - {"User"}
        self._page = int(options.get("page_rows", MOST_ROWS))
        self._daily = int(options.get("daily_calls", 100_000))
        self._used: tuple[int, int] = (0, 0)
        self._locators: dict[str, tuple[Query, list[str]]] = {}
        self._opened = 0
        jobs = Jobs(records, fields, options)
        objects = DATA + "/sobjects"
        routes = [
            Route(TOKEN, self._log_in, methods=["POST"]),
            Route("/services/data", self._versions),
            Route(DATA, self._resources),
            Route(DATA + "/limits", self._limits),
            Route(objects, self._objects),
            Route(objects + "/{kind}", self._object),
            Route(objects + "/{kind}/describe", self._describe),
            Route(objects + "/{kind}/deleted", self._deleted),
            Route(objects + "/{kind}/{id}", self._one),
            *jobs.routes(DATA + "/jobs/query"),
        ]
        for name in ("query", "queryAll"):
            routes += [Route(f"{DATA}/{name}", self._query),
                       Route(f"{DATA}/{name}/{{locator}}", self._more)]  # fmt: skip
        # clients end paths with a slash as often as not
        routes += [
            Route(route.path + "/", route.endpoint, methods=list(route.methods or ()))
            for route in routes
        ]
        self.app = Router(routes, redirect_slashes=False, default=_not_found)

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL and client credentials."""
        return {
            "SOURCES__SALESFORCE__BASE_URL": f"{base_url}/salesforce",
            "SOURCES__SALESFORCE__CLIENT_ID": CLIENT_ID,
            "SOURCES__SALESFORCE__CLIENT_SECRET": CLIENT_SECRET,
            "SOURCES__SALESFORCE__PRODUCT_ID_FIELD": "Product_Account_Id__c",
            "SOURCES__SALESFORCE__BILLING_ID_FIELD": "Billing_Customer_Id__c",
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert or override one record by its `Id`; without a SystemModstamp it changed now.

        A field that the record lacks stays absent in answers. One with `IsDeleted` is in the
        recycle bin, one with `MasterRecordId` was merged.
        """
        self._records.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one record."""
        return self._records.copy_of(resource, identity)

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the accounts of the made-up world."""
        return self._records.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without a token that was given out and is still good."""
        path = request.url.path
        if path.endswith((TOKEN, "/services/data")):
            return None
        if len(request.url.query) + len(path) > MAX_URL:
            return Response("URI Too Long", 414, media_type="text/html")
        if self.sessions.accept(request.headers.get("authorization")):
            return None
        return self.unauthorized(request)

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        return error(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def over_limit(self, request: Request) -> Response | None:
        """Count the call against the day's; the vendor has no 429."""
        day = self._records.now // DAY
        used = self._used[1] if self._used[0] == day else 0
        if used >= self._daily:
            return _over_daily()
        self._used = (day, used + 1)
        return None

    def limited(self, request: Request) -> Response:
        """Return the 403 of too many calls at the same time, which passes."""
        message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return error(403, "REQUEST_LIMIT_EXCEEDED", message)

    def empty(self, request: Request) -> Response:
        """Return a page without records."""
        if request.url.path.endswith("/results"):
            headers = {"Sforce-NumberOfRecords": "0", "Sforce-Locator": "null"}
            return Response("", media_type="text/csv", headers=headers)
        return JSONResponse({"totalSize": 0, "done": True, "records": []})

    def headers(self, request: Request) -> dict[str, str]:
        """Return the day's usage, which every answer tells."""
        return {"Sforce-Limit-Info": f"api-usage={self._used[1]}/{self._daily}"}

    # ---- login and what there is ----

    async def _log_in(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            made = self.sessions.log_in(form, request.headers.get("authorization", ""))
        except BadLogin as problem:
            said = {"error": problem.code, "error_description": str(problem)}
            return JSONResponse(said, 400)
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
        user = record_id("User", 1)
        return JSONResponse({
            "access_token": made, "signature": "c2FuZGJveA==", "scope": "api",
            "token_format": "opaque", "instance_url": base, "token_type": "Bearer",
            "id": f"https://login.salesforce.com/id/{long_id(ORGANISATION[:15])}/{user}",
            "issued_at": str(self._records.now * 1000),
        })  # fmt: skip

    async def _versions(self, request: Request) -> Response:
        return JSONResponse([
            {"label": f"{number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in range(31, 68)
        ])  # fmt: skip

    async def _resources(self, request: Request) -> Response:
        base = _base(request)
        names = ("sobjects", "query", "queryAll", "limits", "jobs")
        return JSONResponse({name: f"{base}/{name}" for name in names})

    async def _limits(self, request: Request) -> Response:
        left = self._daily - self._used[1]
        return JSONResponse({
            "DailyApiRequests": {"Max": self._daily, "Remaining": left},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        })  # fmt: skip

    async def _objects(self, request: Request) -> Response:
        listed = []
        for kind, fields in self._fields.items():
            said = described(kind, fields)
            del said["fields"]
            listed.append({**said, "urls": {"sobject": f"{_base(request)}/sobjects/{kind}"}})
        return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def _object(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in self._fields:
            return _missing()
        said = described(kind, self._fields[kind])
        del said["fields"]
        return JSONResponse({"objectDescribe": said, "recentItems": []})

    async def _describe(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in self._fields:
            return _missing()
        return JSONResponse(described(kind, self._fields[kind]))

    # ---- records ----

    async def _one(self, request: Request) -> Response:
        kind, identity = request.path_params["kind"], request.path_params["id"]
        if kind not in self._fields:
            return _missing()
        found = self._records.get(kind, identity)
        if found is None:
            return error(404, "NOT_FOUND", "Provided external ID field does not exist or is not "
                         f"accessible: {identity}")  # fmt: skip
        if is_deleted(found.record):
            return error(404, "ENTITY_IS_DELETED", "entity is deleted")
        asked = request.query_params.get("fields")
        names = asked.split(",") if asked else list(self._fields[kind])
        unknown = [name for name in names if name not in self._fields[kind]]
        if unknown:
            message = f"No such column '{unknown[0]}' on sobject of type {kind}"
            return error(400, "INVALID_FIELD", message)
        return JSONResponse(_shown(request, kind, found, names))

    async def _query(self, request: Request) -> Response:
        text = request.query_params.get("q")
        if text is None:
            return error(400, "MALFORMED_QUERY", "A query string has to be specified")
        try:
            query = parse(text, self._fields)
        except BadQuery as problem:
            return error(400, problem.code, str(problem))
        everything = "queryAll" in request.url.path
        rows = [
            row
            for row in self._records.all(query.kind)
            if everything or not (is_deleted(row.record) or _archived(row.record))
        ]
        found = run(query, rows, self._fields[query.kind])
        if not query.fields:
            return JSONResponse({"totalSize": len(found), "done": True, "records": []})
        self._opened += 1
        opened = long_id(f"0r85f00000{self._opened:05d}")
        self._locators[opened] = (query, [row.key for row in found])
        while len(self._locators) > LOCATORS:
            self._locators.pop(next(iter(self._locators)))
        return self._page_of(request, opened, 0)

    async def _more(self, request: Request) -> Response:
        opened, _, place = request.path_params["locator"].partition("-")
        expired = request.scope["sandbox.fault"] == "locator_expired"
        if expired or opened not in self._locators or not place.isdigit():
            return error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page_of(request, opened, int(place))

    def _page_of(self, request: Request, opened: str, start: int) -> Response:
        """A page of what a query found, each record as it is by now."""
        if request.scope["sandbox.fault"] == "daily_limit":
            return _over_daily()
        query, keys = self._locators[opened]
        end = start + self._rows_per_page(request)
        found = [self._records.get(query.kind, key) for key in keys[start:end]]
        shown = [_shown(request, query.kind, row, query.fields) for row in found if row is not None]
        answer: Answer = {"totalSize": len(keys), "done": end >= len(keys)}
        if end < len(keys):
            answer["nextRecordsUrl"] = f"{_base(request)}/query/{opened}-{end}"
        return JSONResponse({**answer, "records": shown})

    def _rows_per_page(self, request: Request) -> int:
        asked = re.search(r"batchSize=(\d+)", request.headers.get("sforce-query-options", ""))
        if asked is None:
            return self._page
        return min(self._page, max(FEWEST_ROWS, int(asked.group(1))))

    async def _deleted(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in self._fields:
            return _missing()
        start, end = (_moment(request.query_params.get(name)) for name in ("start", "end"))
        now = self._records.now
        if start is None or end is None:
            return error(400, "INVALID_REPLICATION_DATE", "start and end have to be dates")
        if end - start < 60:
            return error(
                400,
                "INVALID_REPLICATION_DATE",
                "The end date must be at least one minute greater than the start date",
            )
        if start < now - WINDOW_DAYS * DAY:
            return error(400, "INVALID_REPLICATION_DATE",
                         "The start date must be within the last 30 days")  # fmt: skip
        listed = [
            {"id": identity, "deletedDate": moment(at)}
            for identity, at in self._records.deleted(kind, start, end)
        ]
        return JSONResponse({
            "deletedRecords": listed, "latestDateCovered": moment(min(end, now)),
            "earliestDateAvailable": moment(now - RECYCLE_DAYS * DAY),
        })  # fmt: skip


def error(status: int, code: str, message: str) -> Response:
    """Return an error in the vendor's shape, which is a list."""
    return JSONResponse([{"message": message, "errorCode": code}], status)


def _over_daily() -> Response:
    return error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def _missing() -> Response:
    return error(404, "NOT_FOUND", "The requested resource does not exist")


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await _missing()(scope, receive, send)


def _base(request: Request) -> str:
    """The path of the API's version, from the root of the instance."""
    return f"/services/data/v{request.path_params['version']}"


def _shown(request: Request, kind: str, row: Row, names: list[str]) -> Any:
    if not isinstance(row.record, dict):
        return row.record
    url = f"{_base(request)}/sobjects/{kind}/{row.record.get('Id')}"
    kept = {name: row.record[name] for name in names if name in row.record}
    return {"attributes": {"type": kind, "url": url}, **kept}


def _archived(record: Any) -> bool:
    return isinstance(record, dict) and record.get("IsArchived") is True


def _moment(text: str | None) -> int | None:
    try:
        found = datetime.fromisoformat(str(text).replace(" ", "+"))
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
