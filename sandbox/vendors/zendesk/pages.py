"""The four ways in which the help desk pages: two exports, lists by cursor and lists by number."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from sandbox.vendors.zendesk.store import WITHHELD, Row

EXPORT_PAGE, LIST_PAGE, LIST_ROWS = 1000, 100, 10_000
Page = dict[str, Any]


class BadPage(Exception):
    """A page that cannot be given; `args` are status, error and description."""


def exported_by_cursor(request: Request, rows: list[Row], now: int, _: bool) -> Page:
    """Return an export's page behind a cursor; the cursor after it is given at the end too."""
    asked, given = request.query_params, request.query_params.get("cursor")
    if given is None:
        first = bisect_left(rows, (_start(asked.get("start_time"), now),))
    else:
        first = bisect_left(rows, (*_decoded(given, "|"), _After()))
    page = rows[first : first + _size(asked.get("per_page"), EXPORT_PAGE)]
    after = f"{page[-1][0]}.0||{page[-1][1]}|" if page else None
    cursor = base64.b64encode(after.encode()).decode() if after else given
    url = _address(request, {"cursor": cursor, "per_page": asked.get("per_page")})
    return {
        "rows": [record for _, _, record in page],
        "after_url": url if cursor else None,
        "before_url": None,
        "after_cursor": cursor,
        "before_cursor": None,
        "end_of_stream": first + len(page) >= len(rows),
    }


def by_time(request: Request, rows: list[Row], now: int, splits_seconds: bool) -> Page:
    """Return an export's page from a second on; rows that share its last second stay together."""
    asked = request.query_params
    start = _start(asked.get("start_time"), now)
    first = bisect_left(rows, (start,))
    end = min(len(rows), first + _size(asked.get("per_page"), EXPORT_PAGE))
    if first < end and not splits_seconds:
        end = bisect_left(rows, (rows[end - 1][0] + 1,))
    page = rows[first:end]
    following = {"start_time": page[-1][0] if page else start, "per_page": asked.get("per_page")}
    return {
        "rows": [record for _, _, record in page],
        "count": len(page),
        "end_of_stream": end >= len(rows),
        "next_page": _address(request, following) if page else None,
        "end_time": page[-1][0] if page else None,
    }


def by_cursor(request: Request, rows: list[Row], now: int, _: bool) -> Page:
    """Return a list's page behind `page[after]`, which leads on as long as `has_more` says so."""
    asked = request.query_params
    after = asked.get("page[after]")
    places = [row[1] for row in rows]
    first = 0
    if after is not None:
        (place,) = _decoded(after, "#")
        first = places.index(place) + 1 if place in places else bisect_left(sorted(places), place)
    size = _size(asked.get("page[size]"), LIST_PAGE)
    page = rows[first : first + size]
    more = first + len(page) < len(rows)
    cursor = base64.b64encode(f"{page[-1][1]}#".encode()).decode() if page else None
    kept = {name: text for name, text in asked.items() if name != "page[after]"}
    link = _address(request, {**kept, "page[after]": cursor})
    return {
        "rows": [record for _, _, record in page],
        "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
        "links": {"prev": None, "next": link if more else None},
    }


def by_offset(request: Request, rows: list[Row], now: int, _: bool) -> Page:
    """Return a list's numbered page; the first ten thousand rows can be reached."""
    asked = request.query_params
    number, size = int(asked.get("page", "1")), _size(asked.get("per_page"), LIST_PAGE)
    if number * size > LIST_ROWS:
        said = "Offset pagination is limited to 100 pages; use cursor pagination"
        raise BadPage(400, "InvalidPaginationDepth", said)
    first = (number - 1) * size
    page = rows[first : first + size]
    kept = {name: text for name, text in asked.items() if name != "page"}

    def link(to: int, there: bool) -> str | None:
        return _address(request, {**kept, "page": to}) if there else None

    return {
        "rows": [record for _, _, record in page],
        "next_page": link(number + 1, first + size < len(rows)),
        "previous_page": link(number - 1, number > 1),
        "count": len(rows),
    }


class _After:
    """Stands behind every record in a comparison."""

    def __lt__(self, other: Any) -> bool:
        return False

    def __gt__(self, other: Any) -> bool:
        return True


def _start(text: str | None, now: int) -> int:
    if text is None or not text.isdigit():
        raise BadPage(400, "InvalidValue", "start_time must be a Unix epoch time")
    if int(text) > now - WITHHELD:
        said = "Too recent start_time. Use a start_time older than 60 seconds"
        raise BadPage(422, "StartTimeTooRecent", said)
    return int(text)


def _size(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise BadPage(400, "InvalidValue", f"a page has between 1 and {most} rows")
    return int(text)


def _decoded(cursor: str, mark: str) -> tuple[int, ...]:
    try:
        text = base64.b64decode(cursor, validate=True).decode()
        numbers = [part.removesuffix(".0") for part in text.split(mark) if part]
        return tuple(map(int, numbers))
    except (ValueError, binascii.Error):
        raise BadPage(400, "BadRequest", "Invalid cursor") from None


def _address(request: Request, query: dict[str, Any]) -> str:
    url = request.url
    text = urlencode({name: value for name, value in query.items() if value is not None})
    return f"{url.scheme}://{url.netloc}{url.path}?{text}"
