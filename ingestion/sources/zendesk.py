"""Zendesk Support: tickets with the moments that measure them, ratings, people, organizations.

Everything but ratings comes from the incremental exports, which say what was touched since a
moment, deletions too. That moment is the newest stamp in the raw table, less a lag. Of tickets it
is the export's own stamp: what the system itself does to a ticket leaves `updated_at` alone.
Tickets and users are paged by the export's cursor, which is not kept for the next pull: unlike a
moment it cannot be set back by a lag, nor be told when it leads into the future.

Organizations and metric events have no such cursor. Their pages begin at the second in which the
last one ended, and a second with more rows than a page would hold them for ever: its rows are then
taken from the list, whose pages have cursors. Ratings are listed by the day they were given and can
change afterwards, so that the last days are read again.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Cursor
from ingestion.pull import Pull
from ingestion.sources.zendesk_client import SOURCE, client
from ingestion.sources.zendesk_tables import (
    ORGANIZATIONS,
    SATISFACTION_RATINGS,
    TABLES,
    TICKET_METRIC_EVENTS,
    TICKETS,
    USERS,
)
from ingestion.tables import Table

__all__ = ["TABLES", "resources"]

EXPORT_PAGE, LIST_PAGE = 1000, 100
LAG = timedelta(minutes=10)
# The exports refuse a moment of the last minute, and hold back what changed in it.
WITHHELD = timedelta(seconds=60)
RATINGS_CHANGE_FOR = timedelta(days=30)


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Zendesk, one per table."""
    api = _Api(pull.now)

    def changes(
        table: Table, stamp: str, export: Callable[[Table, datetime | None], Iterator[list[Any]]]
    ) -> DltResource:
        def rows() -> Iterator[pa.Table]:
            reader = pull.reader(table)
            newest = _newest(pull, table, stamp)
            for page in export(table, newest and newest - LAG):
                yield from pull.read_changes(reader, map(_SHAPES.get(table.name, _as_sent), page))
            reader.check()

        return pull.resource(table, rows)

    return [
        changes(TICKETS, "generated_at", api.by_cursor),
        changes(USERS, "updated_at", api.by_cursor),
        changes(ORGANIZATIONS, "updated_at", api.by_time),
        changes(TICKET_METRIC_EVENTS, "time", api.by_time),
        pull.resource(SATISFACTION_RATINGS, lambda: _ratings(pull, api)),
    ]


def _newest(pull: Pull, table: Table, stamp: str) -> datetime | None:
    # A record dated in the future would hide every later change of the others.
    sql = f"select max({stamp}) from {pull.stored.relation(table.name)} where {stamp} <= ?"
    found: datetime | None = pull.stored.rows(sql, pull.now)[0][0]
    return found


def _ratings(pull: Pull, api: "_Api") -> Iterator[pa.Table]:
    """Ratings of the last days as they are now; those that are no longer among them are gone."""
    newest = _newest(pull, SATISFACTION_RATINGS, "created_at")
    since = newest and newest - RATINGS_CHANGE_FOR
    seen: set[str] = set()

    def noted() -> Iterator[Any]:
        for record in api.ratings(since):
            if isinstance(record, dict):
                seen.add(str(record.get("id")))
            yield record

    yield from pull.changes(SATISFACTION_RATINGS, noted())
    if since is None:
        return
    sql = f"select id from {pull.stored.relation(SATISFACTION_RATINGS.name)}"
    where = "created_at >= ? and created_at <= ? and deleted is not true"
    # What was rated just before the pull may not be listed yet, nor what lies on the edge.
    listed = (since + LAG, pull.now - LAG)
    stored = {row[0] for row in pull.stored.rows(f"{sql} where {where}", *listed)}
    pull.guard(SATISFACTION_RATINGS.name, len(stored), len(stored & seen))
    yield from pull.marked(SATISFACTION_RATINGS, sorted(stored - seen), {"deleted": True})


class _Api:
    """The calls to Zendesk, in its words."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._client = client()

    def by_cursor(self, table: Table, since: datetime | None) -> Iterator[list[Any]]:
        """Pages of an export that has cursors."""
        asked: dict[str, Any] = {"start_time": self._start(table, since), "per_page": EXPORT_PAGE}
        if table is TICKETS:
            asked["support_type_scope"] = "all"
        path = f"/api/v2/incremental/{table.name}/cursor"
        yield from self._client.paginate(
            path, params=asked, paginator=_EndOfStream(), data_selector=table.name
        )

    def by_time(self, table: Table, since: datetime | None) -> Iterator[list[Any]]:
        """Pages of an export that has none, without the rows that a page repeats."""
        before: dict[str, Any] = {}
        for page in self._from_second_to_second(table, since):
            yield [row for row in page if before.get(_id_of(row)) != row]
            before = {_id_of(row): row for row in page}

    def _from_second_to_second(self, table: Table, since: datetime | None) -> Iterator[list[Any]]:
        path = f"/api/v2/incremental/{table.name}"
        start: int | None = self._start(table, since)
        while start is not None:
            paginator = _FromSecond(start, self._now)
            asked = {"start_time": start, "per_page": EXPORT_PAGE}
            yield from self._client.paginate(
                path, params=asked, paginator=paginator, data_selector=table.name
            )
            start = None
            if paginator.held_up_at is not None:
                yield from self._of_second(table, paginator.held_up_at)
                following = datetime.fromtimestamp(paginator.held_up_at + 1, UTC)
                start = self._start(table, following) if following <= self._now - WITHHELD else None

    def _of_second(self, table: Table, second: int) -> Iterator[list[Any]]:
        """The rows of one second and perhaps others, from pages that end within it."""
        if table is ORGANIZATIONS:
            yield from self._listed(f"/api/v2/{table.name}", table.name, {})
            return
        path = f"/api/v2/incremental/{table.name}"
        after = datetime.fromtimestamp(second + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for page in self._listed(path, table.name, {"start_time": second}):
            yield page
            if any(isinstance(row, dict) and str(row.get("time")) >= after for row in page):
                return

    def ratings(self, since: datetime | None) -> Iterator[Any]:
        """Ratings given since a moment, without those that were only asked for."""
        asked: dict[str, Any] = {"score": "received"}
        if since is not None:
            asked["start_time"] = int(since.timestamp())
        for page in self._listed("/api/v2/satisfaction_ratings", "satisfaction_ratings", asked):
            yield from page

    def _listed(self, path: str, name: str, asked: dict[str, Any]) -> Iterator[list[Any]]:
        cursor = Cursor(
            SOURCE,
            cursor_path="meta.after_cursor",
            cursor_param="page[after]",
            has_more_path="meta.has_more",
        )
        yield from self._client.paginate(
            path, params=asked | {"page[size]": LIST_PAGE}, paginator=cursor, data_selector=name
        )

    def _start(self, table: Table, since: datetime | None) -> int:
        # Tickets of any age have people and organizations.
        bounded = table in (TICKETS, TICKET_METRIC_EVENTS)
        first = settings.option(SOURCE, "start_date", "") if bounded else ""
        if since is None and first:
            since = datetime.fromisoformat(first).replace(tzinfo=UTC)
        if since is None:
            return 0
        return int(min(since, self._now - 2 * WITHHELD).timestamp())


class _EndOfStream(Cursor):
    """Follows `after_cursor`, which an export gives at its end too, until `end_of_stream`."""

    def __init__(self) -> None:
        super().__init__(SOURCE, cursor_path="after_cursor", cursor_param="cursor")

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        if response.json().get("end_of_stream") is True:
            self._has_next_page = False
            return
        super().update_state(response, data)
        if not self._has_next_page:
            raise PullError(SOURCE, "bad_answer", "an export says that more follows, not where.")

    def update_request(self, request: Request) -> None:
        super().update_request(request)
        request.params.pop("start_time", None)


class _FromSecond(BasePaginator):
    """Asks again from `end_time` on until `end_of_stream`.

    `held_up_at` is the second that a page began and ended with though more follow.
    """

    def __init__(self, start: int, now: datetime) -> None:
        super().__init__()
        self._start = start
        self._last = int((now - WITHHELD).timestamp())
        self.held_up_at: int | None = None

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        answer = response.json()
        end = answer.get("end_time")
        self._has_next_page = False
        if answer.get("end_of_stream") is True:
            return
        if not isinstance(end, int) or end < self._start:
            raise PullError(SOURCE, "bad_answer", "an export says that more follows, not where.")
        if end == self._start:
            self.held_up_at = end
        elif end < self._last:
            self._start = end
            self._has_next_page = True

    def update_request(self, request: Request) -> None:
        request.params["start_time"] = self._start


def _id_of(record: Any) -> str:
    return str(record.get("id")) if isinstance(record, dict) else ""


def _as_sent(record: Any) -> Any:
    return record


def _with_channel(record: Any) -> Any:
    """A ticket with the channel it came by; the rest of `via` is addresses."""
    via = record.get("via") if isinstance(record, dict) else None
    return record | {"channel": via.get("channel")} if isinstance(via, dict) else record


_SHAPES: dict[str, Callable[[Any], Any]] = {TICKETS.name: _with_channel}
