"""The calls to Intercom, in its words."""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any, Literal

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    JSONResponseCursorPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from requests import Response

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Cursor, Limit, StartOver, Vendor, once_more_after

SOURCE = "intercom"
API_VERSION = "2.16"
SEARCH_PAGE, NUMBERED_PAGE = 150, 60
# A scroll that nobody goes on with is forgotten after a minute; until then no other may begin.
SCROLL_RETRY_SECONDS = 20.0
WINDOW_SECONDS = 10.0
_CANONICAL = re.compile(r'<[^>]*/contacts/([^/>?]+)>\s*;\s*rel="?canonical"?')


class Api:
    """One workspace, by its token."""

    def __init__(self) -> None:
        self._client = _client()

    def search(self, name: str, after: datetime | None, until: datetime | None) -> Iterator[Any]:
        """Conversations or contacts updated between two moments, both included, oldest first.

        The cursor stands behind the last row of a page: a row that is updated meanwhile moves to
        the end of the search or out of it, and lets none be skipped.
        """
        since = int(after.timestamp()) - 1 if after else 0
        filters = [_filter("updated_at", ">", since)]
        if until:
            filters.append(_filter("updated_at", "<", int(until.timestamp()) + 1))
        body = {
            "query": {"operator": "AND", "value": filters},
            "sort": {"field": "updated_at", "order": "ascending"},
            "pagination": {"per_page": SEARCH_PAGE},
        }
        cursor = Cursor(
            SOURCE,
            cursor_path="pages.next.starting_after",
            cursor_body_path="pagination.starting_after",
        )
        member = "conversations" if name == "conversations" else "data"
        pages = self._client.paginate(
            f"/{name}/search", "POST", json=body, paginator=cursor, data_selector=member
        )
        return chain.from_iterable(pages)

    def count(self, name: str) -> int:
        """How many there are that a search can find."""
        body = {"query": _filter("updated_at", ">", 0), "pagination": {"per_page": 1}}
        return int(self._client.post(f"/{name}/search", json=body).json().get("total_count", 0))

    def one(self, name: str, key: str) -> Any:
        """One record as it is now, None when it is no more, or the id that it was merged into."""
        answer = self._client.get(f"/{name}/{key}")
        if answer.status_code == 404:
            return None
        if answer.status_code != 410:
            return answer.json()
        found = _CANONICAL.search(answer.headers.get("Link", ""))
        if not found:
            raise PullError(SOURCE, "bad_answer", f"/{name} does not say what a merged one became.")
        return found.group(1)

    def companies(self) -> Iterator[Any]:
        """All companies that have contacts, each once.

        Every call moves the scroll on, so none can be repeated: what breaks begins from the start.
        """
        told: set[str] = set()
        try:
            for attempt in once_more_after(StartOver):
                with attempt:
                    for page in self._scroll():
                        keys = {key_of(record) for record in page}
                        yield from (r for r in page if not key_of(r) or key_of(r) not in told)
                        told |= keys
        except StartOver as problem:
            raise PullError(
                SOURCE,
                "unreachable",
                f"/companies/scroll breaks off each time (last: {problem}). Pull again later, and "
                "see that nothing else scrolls through this workspace's companies meanwhile.",
            ) from None

    def _scroll(self) -> Iterator[list[Any]]:
        paginator = JSONResponseCursorPaginator(
            cursor_path="scroll_param", cursor_param="scroll_param", stop_after_empty_page=True
        )
        seen: set[str] = set()
        pages = self._client.paginate(
            "/companies/scroll", paginator=paginator, data_selector="data"
        )
        for page in pages:
            keys = {key_of(record) for record in page}
            if page and keys <= seen:
                raise PullError(SOURCE, "bad_answer", "the pages of a list lead in a circle.")
            seen |= keys
            yield page

    def admins(self) -> Iterator[Any]:
        """All teammates of today."""
        pages = self._client.paginate(
            "/admins", paginator=SinglePagePaginator(), data_selector="admins"
        )
        return chain.from_iterable(pages)

    def deleted(self) -> Iterator[Any]:
        """All conversations that were deleted, by id: the list has no order by time."""
        return self.numbered("/conversations/deleted", "conversations", order="desc")

    def numbered(self, path: str, member: str, **parameters: str) -> Iterator[Any]:
        """All records of a list with numbered pages."""
        paginator = PageNumberPaginator(
            base_page=1, page_param="page", total_path="pages.total_pages"
        )
        asked = {"per_page": NUMBERED_PAGE, **parameters}
        pages = self._client.paginate(path, params=asked, paginator=paginator, data_selector=member)
        return chain.from_iterable(pages)


def _client() -> RESTClient:
    return Vendor(
        SOURCE,
        settings.option(SOURCE, "base_url", "https://api.intercom.io"),
        BearerTokenAuth(settings.credential(SOURCE, "access_token")),
        Limit(_wait, give_up_after=180),
        headers={
            "Accept": "application/json",
            "Intercom-Version": settings.option(SOURCE, "api_version", API_VERSION),
        },
        meaning=_meaning,
        once=("/companies/scroll",),
    ).client()


def _meaning(response: Response) -> PullError | Literal["wait"] | None:
    """What the code inside an error says beyond its status."""
    if response.status_code == 400 and b"scroll_exists" in response.content:
        # Another scroll is open: that of a pull that was killed, or somebody else's.
        return "wait"
    if response.status_code == 403 and b"api_plan_restricted" in response.content:
        said = "the workspace has no active subscription, or one without this part of the API."
        return PullError(SOURCE, "credentials", said)
    return None


def _wait(response: Response, attempt: int) -> float:
    """Intercom counts in windows of ten seconds and says when this one ends, by its own clock."""
    if response.status_code == 400:
        return SCROLL_RETRY_SECONDS
    try:
        ends = float(response.headers["X-RateLimit-Reset"])
        seconds = ends - parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return WINDOW_SECONDS
    return min(max(seconds, 1.0), 6 * WINDOW_SECONDS)


def key_of(record: Any) -> str:
    """The id of a record as text, empty when it has none."""
    found = record.get("id") if isinstance(record, dict) else None
    return str(found).strip() if isinstance(found, str | int) else ""


def _filter(field: str, operator: str, value: int) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}
