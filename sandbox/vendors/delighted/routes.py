"""The survey tool's HTTP surface: responses by page number, people by a Link header, metrics."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox.limits import Window
from sandbox.vendors.delighted.records import RESPONSES, Json, Records

API_KEY = "sandbox-delighted-key"
DEFAULT_PAGE = 20
ORDERS = ("desc", "asc", "asc:updated_at", "desc:updated_at")


class Delighted:
    """One Delighted project over a world."""

    name = "delighted"
    resources = (RESPONSES,)
    archivable: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def __init__(self, records: Records, options: Mapping[str, Any]) -> None:
        self._records = records
        self._second = Window(options.get("calls_per_second"), 1)
        self._retry_after = int(options.get("retry_after", 5))
        self._largest_page = int(options.get("largest_page", 100))
        self._exclusive = options.get("updated_since", "inclusive") == "exclusive"
        self.app = Router(
            [
                Route("/v1/survey_responses.json", self._list),
                Route("/v1/survey_responses/{id}.json", self._one),
                Route("/v1/people.json", self._people),
                Route("/v1/metrics.json", self._metrics),
            ],
            redirect_slashes=False,
            default=_not_found,
        )

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL and key."""
        return {
            "SOURCES__DELIGHTED__BASE_URL": f"{base_url}/delighted",
            "SOURCES__DELIGHTED__API_KEY": API_KEY,
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert or override one response, with its person expanded."""
        self._records.put(record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one response with its person expanded."""
        return self._records.response(identity)

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return nothing: the survey tool knows people, no accounts."""
        return ()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 without the key as user name, 406 for a client that takes no JSON."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(value).decode() if kind.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        # the vendor's own client sends the key alone, without the colon of an empty password
        if given.removesuffix(":") != API_KEY:
            return self.unauthorized(request)
        accepted = request.headers.get("accept", "*/*")
        if "json" not in accepted and "*/*" not in accepted:
            return error(406, "Not acceptable")
        return None

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        return error(401, "Incorrect API credentials")

    def over_limit(self, request: Request) -> Response | None:
        """Count the call; 429 when it is one too many in its second."""
        if self._second.full:
            return self.limited(request)
        self._second.count()
        return None

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429 with the seconds to wait."""
        answer = error(429, "Too many requests")
        answer.headers["Retry-After"] = str(self._retry_after)
        return answer

    def empty(self, request: Request) -> Response:
        """Return a page without rows."""
        return JSONResponse([])

    def headers(self, request: Request) -> dict[str, str]:
        """Return no headers of its own."""
        return {}

    # ---- endpoints ----

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        try:
            size = min(int(query.get("per_page", DEFAULT_PAGE)), self._largest_page)
            page = int(query.get("page", 1))
            rows = self._filtered(request)
        except ValueError:
            return error(422, "Unprocessable entity")
        order = query.get("order", "desc")
        if size < 1 or page < 1 or order not in ORDERS:
            return error(422, "Unprocessable entity")
        if not order.endswith(":updated_at"):
            rows.sort(key=lambda row: _created(row[1]))
        if order.startswith("desc"):
            rows.reverse()
        shown = [row for _, row in rows[(page - 1) * size : page * size]]
        return JSONResponse([self._shown(row, request) for row in shown])

    def _filtered(self, request: Request) -> list[tuple[int, Any]]:
        query = request.query_params
        rows = list(self._records.responses())
        if "updated_since" in query:
            since = int(query["updated_since"]) + self._exclusive
            rows = [row for row in rows if row[0] >= since]
        if "since" in query:
            rows = [row for row in rows if _created(row[1]) >= int(query["since"])]
        if "until" in query:
            rows = [row for row in rows if _created(row[1]) <= int(query["until"])]
        return rows

    def _shown(self, row: Any, request: Request) -> Any:
        expanded = "person" in request.query_params.getlist("expand[]")
        if expanded or not isinstance(row, dict) or not isinstance(row.get("person"), dict):
            return row
        return {**row, "person": row["person"].get("id")}

    async def _one(self, request: Request) -> Response:
        found = self._records.response(request.path_params["id"])
        if found is None:
            return error(404, "Resource not found")
        return JSONResponse(self._shown(found, request))

    async def _people(self, request: Request) -> Response:
        query = request.query_params
        try:
            size = min(int(query.get("per_page", DEFAULT_PAGE)), self._largest_page)
            start = int(base64.urlsafe_b64decode(query.get("page_info", "MA==").encode()))
        except (ValueError, binascii.Error):
            return error(422, "Unprocessable entity")
        people = self._records.people()
        answer = JSONResponse(people[start : start + size])
        if start + size < len(people):
            info = base64.urlsafe_b64encode(str(start + size).encode()).decode()
            root = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
            following = urlencode({"per_page": size, "page_info": info})
            answer.headers["Link"] = f'<{root}?{following}>; rel="next"'
        return answer

    async def _metrics(self, request: Request) -> Response:
        scores = [
            row["score"]
            for _, row in self._records.responses()
            if isinstance(row, dict)
            and row.get("survey_type") == "nps"
            and isinstance(row.get("score"), int)
        ]
        counts = {
            "promoter": sum(score >= 9 for score in scores),
            "passive": sum(7 <= score <= 8 for score in scores),
            "detractor": sum(score <= 6 for score in scores),
        }
        shares = {name: 100 * count / max(1, len(scores)) for name, count in counts.items()}
        found: Json = {"nps": round(shares["promoter"] - shares["detractor"])}
        for name, count in counts.items():
            found |= {f"{name}_count": count, f"{name}_percent": round(shares[name], 1)}
        return JSONResponse(found | {"response_count": len(scores)})


def error(status: int, message: str) -> Response:
    """Return an error in the vendor's shape."""
    return JSONResponse({"status": status, "message": message}, status)


def _created(row: Any) -> float:
    at = row.get("created_at") if isinstance(row, dict) else None
    return at if isinstance(at, (int, float)) else 0


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await error(404, "Resource not found")(scope, receive, send)
