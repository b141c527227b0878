"""Stripe billing: customers, what they subscribe to, what they are invoiced and what they pay.

No object of Stripe says when it changed. The first pull lists everything; later ones read the
events since the last pull and fetch each object that one of them is about, since what an event
carries is rendered by another version of the API. Events are kept for 30 days: after a longer gap
everything is listed again, and so it is every `reconcile_days`, for an object can change without
an event. Products, prices and coupons are few and are listed each time.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ingestion import settings
from ingestion.http import Cursor, Limit, Pace, Vendor
from ingestion.pull import BATCH, Pull, in_batches
from ingestion.sources import stripe_shapes as shapes
from ingestion.sources.stripe_pages import SavedPages
from ingestion.sources.stripe_tables import (
    CHARGES,
    COUPONS,
    CREDIT_NOTES,
    CUSTOMERS,
    EVENTS,
    INVOICE_LINES,
    INVOICES,
    PRICES,
    PRODUCTS,
    REFUNDS,
    SUBSCRIPTION_ITEMS,
    SUBSCRIPTIONS,
    TABLES,
)
from ingestion.tables import Table

__all__ = ["TABLES", "resources"]

SOURCE = "stripe"
API_VERSION = "2026-10-28.endive"
PAGE = 100
# Events are neither ordered nor complete to the second.
OVERLAP = timedelta(hours=1)
# A day less than Stripe keeps them.
EVENTS_KEPT = timedelta(days=29)
# Objects that changed without an event are found after so many days.
RECONCILE_DAYS = "7"
# A live account may ask one endpoint 25 times a second.
CALLS_PER_SECOND = 23.0


@dataclass(frozen=True)
class Followed:
    """A kind of object that is followed by its events.

    `kind` is what an event calls it, `parameters` and `expand` what its list is asked with. `shape`
    makes one record of what any version of the API sends; `children` are the rows inside it.
    """

    table: Table
    kind: str
    parameters: tuple[tuple[str, str], ...] = ()
    expand: tuple[str, ...] = ()
    shape: Callable[[Any], Any] = lambda record: record
    child: Table | None = None
    children: Callable[[shapes.Inside, Any], Iterator[Any]] = lambda _, __: iter(())


# What an object says of itself when it is about others: the members that hold their ids.
ABOUT_OTHERS = {
    "discount": ("customer", "subscription", "invoice"),
    "invoice_payment": ("invoice",),
    "dispute": ("charge",),
}


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Stripe, one per table."""
    api = _Api()
    news = _News(pull, api)
    pages = SavedPages(pull, api.account, EVENTS_KEPT) if news.everything() else None
    found: dict[str, list[pa.Table]] = {}

    def followed(follow: Followed) -> Callable[[], Iterator[pa.Table]]:
        return lambda: _rows(pull, api, news, pages, follow, found)

    def inside(parent: Followed, child: Table) -> Callable[[], Iterator[pa.Table]]:
        def rows() -> Iterator[pa.Table]:
            pull.wait_for(parent.table.name)
            yield from found[child.name]

        return rows

    def listed(table: Table, *expand: str) -> Callable[[], Iterator[pa.Table]]:
        return lambda: pull.replacement(table, api.listed(table.name, (), expand))

    return [
        *(pull.resource(follow.table, followed(follow)) for follow in FOLLOWED),
        *(pull.resource(one.child, inside(one, one.child)) for one in FOLLOWED if one.child),
        pull.resource(PRODUCTS, listed(PRODUCTS)),
        pull.resource(PRICES, listed(PRICES, "tiers")),
        pull.resource(COUPONS, listed(COUPONS, "applies_to")),
        pull.resource(EVENTS, lambda: _events(pull, news, pages)),
    ]


def _events(pull: Pull, news: "_News", pages: SavedPages | None) -> Iterator[pa.Table]:
    """The new events. Ends when all else has, and what was kept of the lists is not needed."""
    yield from pull.changes(EVENTS, news.events())
    if pages:
        pull.wait_for(*(table.name for table in TABLES if table is not EVENTS))
        pages.forget()
        pull.listed_all = True


def _rows(
    pull: Pull,
    api: "_Api",
    news: "_News",
    pages: SavedPages | None,
    follow: Followed,
    found: dict[str, list[pa.Table]],
) -> Iterator[pa.Table]:
    """The rows of one kind of object; those inside it are left in `found`."""
    table, child = follow.table, follow.child
    reader = pull.reader(table)
    child_reader = pull.reader(child) if child else None
    seen: set[str] = set()
    if pages:
        records = _all(api, news, pages, follow)
    elif pull.stored.count(table.name):
        records = news.touched(follow)
    else:
        # It may have met an empty answer; asking again costs one call.
        records = api.listed(table.name, follow.parameters, follow.expand)
    for batch in in_batches(records, BATCH):
        seen.update(str(record.get("id")) for record in batch if isinstance(record, dict))
        yield from pull.read_changes(reader, map(follow.shape, batch))
        if child_reader and child:
            inside = [(record, list(follow.children(api.inside, record))) for record in batch]
            rows = found.setdefault(child.name, [])
            rows += pull.read_changes(child_reader, chain.from_iterable(kids for _, kids in inside))
            childless = {
                str(record.get("id")) for record, kids in inside if _is_empty(record, kids)
            }
            rows += pull.emptied(child_reader, childless)
    reader.check()
    if child_reader and child:
        child_reader.check()
        found.setdefault(child.name, [])
    gone = news.gone(follow, seen)
    yield from pull.marked(table, gone, {"deleted": True})


def _all(api: "_Api", news: "_News", pages: SavedPages, follow: Followed) -> Iterator[Any]:
    """All objects of one kind; those that have changed since an earlier pull listed them, as they
    are now."""
    touched: dict[str, Any] = {}
    if pages.resumed:
        touched = {str(one.get("id")): one for one in news.touched(follow, pages.began - OVERLAP)}
        yield from touched.values()
    since = touched.keys() | news.deleted(follow)
    name, parameters, expand = follow.table.name, follow.parameters, follow.expand
    for record in pages.listed(
        name,
        lambda behind: api.pages(name, parameters, expand, behind),
        lambda key: not _is_gone(api.one(follow, key)),
    ):
        if not (isinstance(record, dict) and str(record.get("id")) in since):
            yield record


def _is_empty(record: Any, children: list[Any]) -> bool:
    return isinstance(record, dict) and bool(record.get("id")) and not children


class _News:
    """What the events say has happened since the last pull. Read once, by whoever asks first."""

    def __init__(self, pull: Pull, api: "_Api") -> None:
        self._pull = pull
        self._api = api
        self._lock = threading.Lock()
        self._events: list[Any] | None = None
        self._deleted: dict[str, set[str]] = {}

    def everything(self) -> bool:
        """Whether all has to be listed: events do not reach back to the last pull, or that was done
        too long ago."""
        listed = self._pull.stored.pulled_through(listed_all=True)
        days = timedelta(days=float(settings.option(SOURCE, "reconcile_days", RECONCILE_DAYS)))
        return self._is_gap() or listed is None or self._pull.now - listed >= days

    def _is_gap(self) -> bool:
        through = self._pull.stored.pulled_through()
        return through is None or self._pull.now - through > EVENTS_KEPT

    def events(self) -> list[Any]:
        """The events that are not stored yet."""
        with self._lock:
            if self._events is None:
                listed = {
                    str(event.get("id")): event
                    for event in self._api.listed("events", self._since(), ())
                    if isinstance(event, dict)
                }
                new = self._pull.stored.unknown_keys(EVENTS.name, "id", listed)
                self._events = [event for key, event in listed.items() if key in new]
        return self._events

    def touched(self, follow: Followed, since: datetime | None = None) -> Iterator[Any]:
        """The objects of one kind that an event (`since` a moment) is about, as they are now."""
        told = [event for event in self.events() if since is None or _is_since(event, since)]
        for key in sorted({key for event in told for key in _about(event, follow.kind)}):
            record = self._api.one(follow, key)
            if _is_gone(record):
                self._deleted.setdefault(follow.kind, set()).add(key)
            else:
                yield record

    def deleted(self, follow: Followed) -> set[str]:
        """Ids of the objects that `touched` has found to be no more."""
        return self._deleted.get(follow.kind, set())

    def gone(self, follow: Followed, seen: set[str]) -> list[str]:
        """Ids of stored objects that no longer exist."""
        if not self.everything():
            return sorted(self.deleted(follow))
        sql = f"select id from {self._pull.stored.relation(follow.table.name)}"
        stored = {row[0] for row in self._pull.stored.rows(f"{sql} where deleted is not true")}
        gone = stored - seen
        self._pull.guard(follow.table.name, len(stored), len(stored) - len(gone))
        return sorted(gone)

    def _since(self) -> tuple[tuple[str, str], ...]:
        through = self._pull.stored.pulled_through()
        if through is None or self._is_gap():
            return ()
        return (("created[gte]", str(int((through - OVERLAP).timestamp()))),)


class _Api:
    """The calls to Stripe, in its words."""

    def __init__(self) -> None:
        self._client = _client()
        self.account = "/".join(
            (self._client.base_url or "", settings.credential(SOURCE, "api_key"))
        )

    def listed(
        self, name: str, parameters: tuple[tuple[str, str], ...], expand: tuple[str, ...]
    ) -> Iterator[Any]:
        """All objects of a list, newest first."""
        return chain.from_iterable(self.pages(name, parameters, expand))

    def pages(
        self,
        name: str,
        parameters: tuple[tuple[str, str], ...],
        expand: tuple[str, ...],
        behind: str = "",
    ) -> Iterator[list[Any]]:
        """The pages of a list, from its beginning or behind one object."""
        cursor = Cursor(
            SOURCE,
            cursor_path="data[-1].id",
            cursor_param="starting_after",
            has_more_path="has_more",
        )
        asked: dict[str, Any] = {"limit": PAGE, **dict(parameters)}
        if behind:
            asked["starting_after"] = behind
        if expand:
            asked["expand[]"] = [f"data.{member}" for member in expand]
        path = f"/v1/{name}"
        return self._client.paginate(path, params=asked, paginator=cursor, data_selector="data")

    def one(self, follow: Followed, key: str) -> Any:
        """One object as it is now, None when it is no more."""
        asked = {"expand[]": list(follow.expand)} if follow.expand else {}
        answer = self._client.get(f"/v1/{follow.table.name}/{key}", params=asked)
        return None if answer.status_code == 404 else answer.json()

    def inside(
        self, part: Any, path: str, expand: tuple[str, ...] = (), **parameters: str
    ) -> Iterator[Any]:
        """The rows of a list inside an object, which ends after ten."""
        if not isinstance(part, dict):
            return iter(())
        if part.get("has_more") is True:
            return self.listed(path, tuple(parameters.items()), expand)
        return iter(part.get("data") or ())


def _client() -> RESTClient:
    names = [table.name for table in TABLES]
    return Vendor(
        SOURCE,
        settings.option(SOURCE, "base_url", "https://api.stripe.com"),
        BearerTokenAuth(settings.credential(SOURCE, "api_key")),
        # Stripe gives no Retry-After; its own client waits half a second, then up to five.
        Limit(lambda _, attempt: min(0.5 * 2 ** (attempt - 1), 5.0), give_up_after=60),
        headers={"Stripe-Version": settings.option(SOURCE, "api_version", API_VERSION)},
        paces={f"/v1/{name}": Pace(CALLS_PER_SECOND) for name in names},
    ).client()


def _is_gone(record: Any) -> bool:
    return record is None or record.get("deleted") is True


def _is_since(event: Any, moment: datetime) -> bool:
    made = event.get("created")
    return not isinstance(made, int) or made >= moment.timestamp()


def _about(event: Any, kind: str) -> Iterator[str]:
    subject = (event.get("data") or {}).get("object") or {}
    name = subject.get("object")
    if name == kind:
        others = [subject.get("id")]
    else:
        others = [subject.get(kind)] if kind in ABOUT_OTHERS.get(str(name), ()) else []
    for other in others:
        found = shapes.id_of(other)
        if found:
            yield found


FOLLOWED = (
    Followed(CUSTOMERS, "customer"),
    Followed(CHARGES, "charge", shape=shapes.charge),
    Followed(REFUNDS, "refund", shape=lambda one: shapes.with_references(one, "charge")),
    Followed(
        CREDIT_NOTES, "credit_note", shape=lambda one: shapes.with_references(one, "customer")
    ),
    Followed(
        SUBSCRIPTIONS,
        "subscription",
        parameters=(("status", "all"),),
        expand=("discounts", "items.data.discounts"),
        shape=shapes.subscription,
        child=SUBSCRIPTION_ITEMS,
        children=shapes.items,
    ),
    Followed(INVOICES, "invoice", shape=shapes.invoice, child=INVOICE_LINES, children=shapes.lines),
)
