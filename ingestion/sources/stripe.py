"""Stripe billing: customers, what they subscribe to, what they are invoiced and what they pay.

No object of Stripe says when it changed. The first pull lists everything; later ones read the
events since the last pull and fetch each object that one of them is about, since what an event
carries is rendered by another version of the API. Events are kept for 30 days: after a longer gap
everything is listed again. Products, prices and coupons are few and are listed each time.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ingestion import settings
from ingestion.http import Cursor, Limit, Pace, Vendor
from ingestion.pull import BATCH, Pull, in_batches
from ingestion.tables import Column, Kind, Table, of_kind, texts

SOURCE = "stripe"
API_VERSION = "2026-10-28.endive"
PAGE = 100
# Events are neither ordered nor complete to the second.
OVERLAP = timedelta(hours=1)
# A day less than Stripe keeps them.
EVENTS_KEPT = timedelta(days=29)
# A live account may ask one endpoint 25 times a second.
CALLS_PER_SECOND = 23.0


def _epochs(names: str) -> tuple[Column, ...]:
    return of_kind("bigint", names, "epoch")


def _table(name: str, *columns: tuple[Column, ...], **more: Any) -> Table:
    ignored = ("object", *more.pop("ignored", ()))
    return Table(name, (Column("id"), *chain(*columns)), ("id",), ignored=ignored, **more)


def _inside(name: str, path: str, kind: Kind = "text") -> tuple[Column, ...]:
    return (Column(name, kind, tuple(path.split("."))),)


CUSTOMERS = _table(
    "customers",
    texts("name email phone currency description address__country tax_exempt"),
    _epochs("created"),
    of_kind("bool", "delinquent deleted livemode"),
    of_kind("json", "metadata discount"),
    texts("metadata__hubspot_company_id metadata__product_account_id"),
)
PRODUCTS = _table(
    "products",
    texts("name description"),
    of_kind("bool", "active"),
    _epochs("created updated"),
    of_kind("json", "metadata"),
    write="whole",
)
PRICES = _table(
    "prices",
    texts("product currency type billing_scheme tiers_mode nickname"),
    of_kind("bool", "active"),
    of_kind("bigint", "unit_amount recurring__interval_count"),
    (Column("unit_amount_decimal", means="number"),),
    texts("recurring__interval recurring__usage_type recurring__meter"),
    of_kind("json", "tiers transform_quantity metadata"),
    _epochs("created"),
    write="whole",
)
SUBSCRIPTIONS = _table(
    "subscriptions",
    texts("customer status currency collection_method latest_invoice schedule"),
    _epochs("created start_date cancel_at canceled_at ended_at trial_start trial_end"),
    of_kind("bool", "cancel_at_period_end deleted"),
    _inside("cancellation_reason", "cancellation_details.reason"),
    of_kind("json", "pause_collection discounts metadata"),
    ignored=("items",),
)
SUBSCRIPTION_ITEMS = _table(
    "subscription_items",
    texts("subscription"),
    of_kind("bigint", "quantity"),
    _inside("price", "price_id"),
    _inside("price_object", "price", "json"),
    _epochs("created current_period_start current_period_end"),
    of_kind("json", "discounts metadata"),
    write="by_parent",
    parent="subscription",
    ignored=("plan",),
)
INVOICES = _table(
    "invoices",
    texts("customer subscription status billing_reason currency number collection_method"),
    of_kind("bigint", "amount_due amount_paid amount_remaining subtotal total tax attempt_count"),
    _epochs("created due_date period_start period_end"),
    *(
        (Column(name, "bigint", ("status_transitions", name), "epoch"),)
        for name in ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")
    ),
    of_kind("bool", "deleted"),
    ignored=("lines",),
)
INVOICE_LINES = _table(
    "invoice_lines",
    texts("invoice subscription subscription_item price product currency description"),
    of_kind("bigint", "amount quantity"),
    of_kind("bool", "proration"),
    *((Column(f"period_{end}", "bigint", ("period", end), "epoch"),) for end in ("start", "end")),
    of_kind("json", "discount_amounts"),
    write="by_parent",
    parent="invoice",
    ignored=("plan",),
)
CHARGES = _table(
    "charges",
    texts("customer invoice payment_intent currency status failure_code"),
    of_kind("bigint", "amount amount_refunded"),
    _epochs("created"),
    of_kind("bool", "captured paid refunded disputed deleted"),
    ignored=("refunds",),
)
REFUNDS = _table(
    "refunds",
    texts("charge payment_intent currency status reason"),
    of_kind("bigint", "amount"),
    _epochs("created"),
    of_kind("bool", "deleted"),
)
CREDIT_NOTES = _table(
    "credit_notes",
    texts("invoice customer currency status type reason"),
    of_kind("bigint", "amount total"),
    _epochs("created"),
    of_kind("bool", "deleted"),
    ignored=("lines",),
)
COUPONS = _table(
    "coupons",
    texts("name currency duration"),
    of_kind("double", "percent_off"),
    of_kind("bigint", "amount_off duration_in_months max_redemptions"),
    _epochs("redeem_by created"),
    of_kind("bool", "valid"),
    (Column("applies_to", "json", ("applies_to", "products")),),
    of_kind("json", "metadata"),
    write="whole",
)
EVENTS = _table(
    "events",
    texts("type api_version"),
    _epochs("created"),
    _inside("object_id", "data.object.id"),
    _inside("object_type", "data.object.object"),
    _inside("payload", "data.object", "json"),
    ignored=("livemode", "pending_webhooks", "request", "account", "context"),
)
TABLES = (
    CUSTOMERS,
    PRODUCTS,
    PRICES,
    SUBSCRIPTIONS,
    SUBSCRIPTION_ITEMS,
    INVOICES,
    INVOICE_LINES,
    CHARGES,
    REFUNDS,
    CREDIT_NOTES,
    COUPONS,
    EVENTS,
)


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
    children: Callable[["_Api", Any], Iterator[Any]] = lambda _, __: iter(())


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
    found: dict[str, list[pa.Table]] = {}

    def followed(follow: Followed) -> Callable[[], Iterator[pa.Table]]:
        return lambda: _rows(pull, api, news, follow, found)

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
        pull.resource(EVENTS, lambda: pull.changes(EVENTS, news.events())),
    ]


def _rows(
    pull: Pull, api: "_Api", news: "_News", follow: Followed, found: dict[str, list[pa.Table]]
) -> Iterator[pa.Table]:
    """The rows of one kind of object; those inside it are left in `found`."""
    table, child = follow.table, follow.child
    reader = pull.reader(table)
    child_reader = pull.reader(child) if child else None
    seen: set[str] = set()
    if news.everything():
        records = api.listed(table.name, follow.parameters, follow.expand)
    else:
        records = news.touched(follow)
    for batch in in_batches(records, BATCH):
        seen.update(str(record.get("id")) for record in batch if isinstance(record, dict))
        yield from pull.read_changes(reader, map(follow.shape, batch))
        if child_reader and child:
            inside = chain.from_iterable(follow.children(api, record) for record in batch)
            found.setdefault(child.name, []).extend(pull.read_changes(child_reader, inside))
    reader.check()
    if child_reader and child:
        child_reader.check()
        found.setdefault(child.name, [])
    gone = news.gone(follow, seen)
    yield from pull.marked(table, gone, {"deleted": True})


class _News:
    """What the events say has happened since the last pull. Read once, by whoever asks first."""

    def __init__(self, pull: Pull, api: "_Api") -> None:
        self._pull = pull
        self._api = api
        self._lock = threading.Lock()
        self._events: list[Any] | None = None
        self._deleted: dict[str, set[str]] = {}

    def everything(self) -> bool:
        """Whether events do not reach back to the last pull, so that all has to be listed."""
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

    def touched(self, follow: Followed) -> Iterator[Any]:
        """The objects of one kind that an event is about, as they are now."""
        for key in sorted({key for event in self.events() for key in _about(event, follow.kind)}):
            record = self._api.one(follow, key)
            if record is None or record.get("deleted") is True:
                self._deleted.setdefault(follow.kind, set()).add(key)
            else:
                yield record

    def gone(self, follow: Followed, seen: set[str]) -> list[str]:
        """Ids of stored objects that no longer exist."""
        if not self.everything():
            return sorted(self._deleted.get(follow.kind, ()))
        sql = f"select id from {self._pull.stored.relation(follow.table.name)}"
        stored = {row[0] for row in self._pull.stored.rows(f"{sql} where deleted is not true")}
        gone = stored - seen
        self._pull.guard(follow.table.name, len(stored), len(stored) - len(gone))
        return sorted(gone)

    def _since(self) -> tuple[tuple[str, str], ...]:
        through = self._pull.stored.pulled_through()
        if through is None or self.everything():
            return ()
        return (("created[gte]", str(int((through - OVERLAP).timestamp()))),)


class _Api:
    """The calls to Stripe, in its words."""

    def __init__(self) -> None:
        self._client = _client()

    def listed(
        self, name: str, parameters: tuple[tuple[str, str], ...], expand: tuple[str, ...]
    ) -> Iterator[Any]:
        """All objects of a list, newest first."""
        cursor = Cursor(
            SOURCE,
            cursor_path="data[-1].id",
            cursor_param="starting_after",
            has_more_path="has_more",
        )
        asked: dict[str, Any] = {"limit": PAGE, **dict(parameters)}
        if expand:
            asked["expand[]"] = [f"data.{member}" for member in expand]
        path = f"/v1/{name}"
        pages = self._client.paginate(path, params=asked, paginator=cursor, data_selector="data")
        return chain.from_iterable(pages)

    def one(self, follow: Followed, key: str) -> Any:
        """One object as it is now, None when it is no more."""
        asked = {"expand[]": list(follow.expand)} if follow.expand else {}
        answer = self._client.get(f"/v1/{follow.table.name}/{key}", params=asked)
        return None if answer.status_code == 404 else answer.json()

    def inside(self, part: Any, path: str, **parameters: str) -> Iterator[Any]:
        """The rows of a list inside an object, which ends after ten."""
        if not isinstance(part, dict):
            return iter(())
        if part.get("has_more") is True:
            return self.listed(path, tuple(parameters.items()), ())
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


def _about(event: Any, kind: str) -> Iterator[str]:
    subject = (event.get("data") or {}).get("object") or {}
    name = subject.get("object")
    if name == kind:
        others = [subject.get("id")]
    else:
        others = [subject.get(kind)] if kind in ABOUT_OTHERS.get(str(name), ()) else []
    for other in others:
        found = _id_of(other)
        if found:
            yield found


def _id_of(reference: Any) -> Any:
    """The id in a reference, which is the id itself or, expanded, the object."""
    return reference.get("id") if isinstance(reference, dict) else reference


def _first(*candidates: Any) -> Any:
    return next((found for found in candidates if found is not None), None)


def _down(record: Any, *path: str) -> Any:
    for part in path:
        record = record.get(part) if isinstance(record, dict) else None
    return record


def _with_references(record: Any, *names: str) -> Any:
    """`record` with ids in place of the objects that some lists expand."""
    if not isinstance(record, dict):
        return record
    return record | {name: _id_of(record[name]) for name in names if name in record}


def _subscription(record: Any) -> Any:
    """Before the version of 2025-03-31 a subscription had one `discount` of its own."""
    if not isinstance(record, dict):
        return record
    alone = record.get("discount")
    discounts = record.get("discounts") or ([alone] if alone else [])
    shaped: Any = _with_references(record, "customer", "latest_invoice", "schedule")
    return shaped | ({"discounts": discounts} if discounts else {})


def _items(api: "_Api", record: Any) -> Iterator[Any]:
    """Items with their price. The current period moved here from the subscription in 2025."""
    if not isinstance(record, dict) or not record.get("id"):
        return
    listed = api.inside(record.get("items"), "subscription_items", subscription=record["id"])
    for item in listed:
        if not isinstance(item, dict):
            yield item
            continue
        period = {
            name: _first(item.get(name), record.get(name))
            for name in ("current_period_start", "current_period_end")
        }
        inside = {"subscription": record["id"], "price_id": _id_of(item.get("price"))}
        yield item | period | inside


def _invoice(record: Any) -> Any:
    """The subscription and the taxes of an invoice moved in the version of 2025-03-31."""
    if not isinstance(record, dict):
        return record
    details = _down(record, "parent", "subscription_details", "subscription")
    subscription = _first(record.get("subscription"), details)
    taxes = record.get("total_taxes")
    tax = record.get("tax")
    if tax is None and taxes and isinstance(taxes, list):
        amounts = [_down(part, "amount") for part in taxes]
        tax = sum(amounts) if all(isinstance(amount, int) for amount in amounts) else None
    shaped: Any = _with_references(record, "customer", "charge", "payment_intent")
    moved = {"subscription": _id_of(subscription), "tax": tax}
    return shaped | {name: found for name, found in moved.items() if found is not None}


def _lines(api: "_Api", record: Any) -> Iterator[Any]:
    """Lines with their price, subscription and proration from wherever the version has them."""
    if not isinstance(record, dict) or not record.get("id"):
        return
    for line in api.inside(record.get("lines"), f"invoices/{record['id']}/lines"):
        if not isinstance(line, dict):
            yield line
            continue
        item = _down(line, "parent", "subscription_item_details")
        extra = _down(line, "parent", "invoice_item_details")
        price = _first(line.get("price"), _down(line, "pricing", "price_details", "price"))
        product = _down(line, "pricing", "price_details", "product")
        owner = _first(
            line.get("subscription"), _down(item, "subscription"), _down(extra, "subscription")
        )
        yield line | {
            "invoice": record["id"],
            "price": _id_of(price),
            "product": _id_of(_first(_down(price, "product"), product)),
            "subscription": _id_of(owner),
            "subscription_item": _first(
                line.get("subscription_item"), _down(item, "subscription_item")
            ),
            "proration": _first(
                line.get("proration"), _down(item, "proration"), _down(extra, "proration")
            ),
        }


def _charge(record: Any) -> Any:
    return _with_references(record, "customer", "invoice", "payment_intent")


FOLLOWED = (
    Followed(CUSTOMERS, "customer"),
    Followed(CHARGES, "charge", shape=_charge),
    Followed(REFUNDS, "refund", shape=lambda one: _with_references(one, "charge")),
    Followed(CREDIT_NOTES, "credit_note", shape=lambda one: _with_references(one, "customer")),
    Followed(
        SUBSCRIPTIONS,
        "subscription",
        parameters=(("status", "all"),),
        expand=("discounts", "items.data.discounts"),
        shape=_subscription,
        child=SUBSCRIPTION_ITEMS,
        children=_items,
    ),
    Followed(INVOICES, "invoice", shape=_invoice, child=INVOICE_LINES, children=_lines),
)
