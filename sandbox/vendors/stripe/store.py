"""What the billing system holds at the clock: rows by resource, newest first, and their events."""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.billing import Charge, Customer, Ledger
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import token
from sandbox.universe.contracts import Discount, Subscription
from sandbox.universe.invoicing import Invoice
from sandbox.universe.world import World
from sandbox.vendors.stripe import shapes
from sandbox.vendors.stripe.shapes import Json, Shape

VENDOR = "stripe"
EVENT_DAYS = 30
EVENT_PREFIX = {
    "customers": "customer", "subscriptions": "customer.subscription", "invoices": "invoice",
    "charges": "charge", "refunds": "refund", "credit_notes": "credit_note", "coupons": "coupon",
    "products": "product", "prices": "price", "disputes": "charge.dispute",
}  # fmt: skip
RESOURCES = (
    *EVENT_PREFIX, "subscription_items", "invoice_payments", "balance_transactions", "events",
)  # fmt: skip
Render = Callable[[int, Shape], Any]
Happening = tuple[int, str]


@dataclass(slots=True)
class Row:
    """One object: its id, creation, how to render it at a moment, and what happened to it when."""

    id: str
    created: int
    render: Render
    happenings: list[Happening]


class Store:
    """Reads the world and the overlay; rows are kept until the clock or the overlay changes."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock, account_version: str) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self.account_version = account_version
        self.ledger = Ledger(world.frame.seed, world.customers)
        self.made = world.frame.start - 40 * DAY
        self._kept: dict[str, tuple[tuple[int, int], list[Row]]] = {}
        self._indexes: dict[str, tuple[list[Row], dict[str, Row]]] = {}
        self._discounts = _discounts(world.customers)
        self._subscriptions = {
            sub.id: sub for customer in world.customers for sub in customer.subscriptions
        }

    @property
    def now(self) -> int:
        """The clock in epoch seconds."""
        return self._clock.seconds

    def rows(self, resource: str) -> list[Row]:
        """Return the rows that a list call shows, newest first."""
        state = (self.now, self._overlay.version)
        kept = self._kept.get(resource)
        if kept is None or kept[0] != state:
            self.ledger.extend(self.now)
            made = self._events() if resource == "events" else self._rows(resource)
            made.sort(key=lambda row: (row.created, row.id), reverse=True)
            kept = self._kept[resource] = (state, made)
        return kept[1]

    def _index(self, resource: str) -> dict[str, Row]:
        rows = self.rows(resource)
        kept = self._indexes.get(resource)
        if kept is None or kept[0] is not rows:
            kept = self._indexes[resource] = (rows, {row.id: row for row in rows})
        return kept[1]

    def find(self, resource: str, identity: str, shape: Shape) -> Any | None:
        """Return one object by id; a deleted customer is a stub, anything unknown None."""
        row = self._index(resource).get(identity)
        if row is not None:
            return row.render(self.now, shape)
        deleted = {c.id for c in self._world.customers if c.deleted and c.deleted <= self.now}
        deleted |= self._overlay.layer(VENDOR, "customers").removed.keys()
        if resource == "customers" and identity in deleted:
            return {"id": identity, "object": "customer", "deleted": True}
        return None

    def put(self, resource: str, record: Any) -> None:
        """Insert one object, or override the one with its id."""
        identity = record.get("id") if isinstance(record, dict) else None
        known = identity is not None and (
            self.find(resource, str(identity), Shape(self.account_version)) is not None
        )
        self._overlay.put(VENDOR, resource, record, self.now, known)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, id, state) of every customer of the made-up world by now."""
        for customer in self._world.customers:
            if customer.created <= self.now:
                gone = customer.deleted is not None and customer.deleted <= self.now
                yield customer.company.key, customer.id, "gone" if gone else "live"

    def subscription_items(self, subscription: str, shape: Shape) -> list[Any] | None:
        """Return all items of a subscription in their order, None for an unknown one."""
        put = self._overlay.layer(VENDOR, "subscription_items").put.values()
        own = [one.record for one in put if _owner(one.record) == subscription]
        if subscription in self._overlay.layer(VENDOR, "subscriptions").put:
            record = self._overlay.layer(VENDOR, "subscriptions").put[subscription].record
            return [*_inside(record, "items"), *own]
        sub = self._subscriptions.get(subscription)
        if sub is None or sub.created > self.now:
            return own or None
        shown = [
            shapes.item(one, sub, self.now, self.made, shape)
            for one in sub.items
            if one.created <= self.now
        ]
        return shown + own

    def lines(self, invoice: str, shape: Shape) -> list[Any] | None:
        """Return all lines of an invoice in their order, None for an unknown one."""
        put = self._overlay.layer(VENDOR, "invoices").put.get(invoice)
        if put is not None:
            return _inside(put.record, "lines")
        self.ledger.extend(self.now)
        thing = self.ledger.by_id.get(invoice)
        if thing is None or thing.created > self.now:
            return None
        return [shapes.line(one, thing, self.made, shape) for one in thing.lines]

    def tiers(self, price: str) -> list[Json] | None:
        """Return the tiers of a price."""
        known = self._world.catalogue.prices_by_id.get(price)
        return shapes.tiers(known) if known else None

    def coupon_products(self, coupon: str) -> Json | None:
        """Return `applies_to` of a coupon."""
        known = self._world.catalogue.coupons.get(coupon)
        return {"products": list(known.products)} if known and known.products else None

    def discount(self, identity: str, shape: Shape) -> Json | None:
        """Return a discount by id, whether it is in force or not."""
        known = self._discounts.get(identity)
        return shapes.discount(*known, self.made, shape) if known else None

    def _rows(self, resource: str) -> list[Row]:
        layer = self._overlay.layer(VENDOR, resource)
        hidden = layer.put.keys() | layer.removed.keys()
        shown = [
            row
            for row in self._world_rows(resource)
            if row.created <= self.now and row.id not in hidden
        ]
        for row in shown:
            if row.id in layer.archived:
                row.render = partial(_inactive, row.render)
                happened = (layer.archived[row.id], f"{EVENT_PREFIX[resource]}.updated")
                row.happenings = [*row.happenings, happened]
        for key, put in layer.put.items():
            prefix = EVENT_PREFIX.get(resource)
            kind = "updated" if put.replaces else "created"
            happenings = [(put.at, f"{prefix}.{kind}")] if prefix else []
            created = put.record.get("created") if isinstance(put.record, dict) else None
            stamp = created if isinstance(created, int) else put.at
            shown.append(Row(key, stamp, partial(_as_put, put.record), happenings))
        return shown

    def _world_rows(self, resource: str) -> list[Row]:
        catalogue, made = self._world.catalogue, self.made
        ledger = self.ledger
        match resource:
            case "products":
                return [_fixed(p.id, made, "product", shapes.product(p, made))
                        for p in catalogue.products.values()]  # fmt: skip
            case "prices":
                return [_fixed(p.id, made, "price", shapes.price(p, made))
                        for p in catalogue.prices_by_id.values()]  # fmt: skip
            case "coupons":
                return [_fixed(c.id, made, "coupon", shapes.coupon(c, made))
                        for c in catalogue.coupons.values()]  # fmt: skip
            case "customers":
                return [self._customer(c) for c in self._world.customers
                        if not (c.deleted and c.deleted <= self.now)]  # fmt: skip
            case "subscriptions":
                return [self._subscription(sub) for sub in self._subscriptions.values()]
            case "invoices":
                return [self._invoice(one) for one in ledger.invoices]
            case "charges":
                return [self._charge(one) for one in ledger.charges]
            case "refunds":
                return [_fixed(one.refund[0], one.refund[1], "refund", shapes.refund(one))
                        for one in ledger.charges if one.refund]  # fmt: skip
            case "disputes":
                return [_fixed(*one.dispute, "charge.dispute", shapes.dispute(one))
                        for one in ledger.charges if one.dispute]  # fmt: skip
            case "credit_notes":
                return [_fixed(one.id, one.at, "credit_note", shapes.credit_note(one))
                        for one in ledger.credit_notes]  # fmt: skip
            case "balance_transactions":
                return [_fixed(body["id"], body["created"], "", body)
                        for one in ledger.charges
                        for body in shapes.balance_transactions(
                            one, self.now, self._world.frame.seed)]  # fmt: skip
            case "invoice_payments":
                return [self._payment(one) for one in ledger.charges
                        if one is ledger.charges_of[one.invoice.id][0]]  # fmt: skip
        return []

    def _customer(self, thing: Customer) -> Row:
        happenings = [(thing.created, "customer.created")]
        if thing.renamed:
            happenings.append((thing.renamed[0], "customer.updated"))
        render: Render = lambda at, shape: shapes.customer(thing, at, self.made, shape)  # noqa: E731
        return Row(thing.id, thing.created, render, happenings)

    def _subscription(self, sub: Subscription) -> Row:
        def render(at: int, shape: Shape) -> Json:
            sent = self.ledger.invoices_of.get(sub.id, [])
            position = bisect_right([invoice.created for invoice in sent], at)
            latest = sent[position - 1].id if position else None
            return shapes.subscription(sub, at, self.made, shape, latest)

        moments = sorted({*sub.lapses(), *(c for c in sub.cycles if c > sub.created)})
        happenings = [
            (at, f"customer.subscription.{_step(sub, at)}")
            for at in moments
            if sub.ended_at is None or at <= sub.ended_at
        ]
        return Row(sub.id, sub.created, render, happenings)

    def _invoice(self, thing: Invoice) -> Row:
        tries = self.ledger.charges_of.get(thing.id, [])
        happenings = [(thing.created, "invoice.created")]
        happenings += [
            (moment, f"invoice.{name}")
            for moment, name in (
                (thing.finalized, "finalized"), (thing.paid, "paid"), (thing.voided, "voided"),
                (thing.uncollectible, "marked_uncollectible"),
            )
            if moment is not None
        ]  # fmt: skip
        happenings += [(one.at, "invoice.payment_failed") for one in tries if not one.paid]
        render: Render = lambda at, shape: shapes.invoice(thing, at, self.made, shape, tries)  # noqa: E731
        return Row(thing.id, thing.created, render, happenings)

    def _charge(self, thing: Charge) -> Row:
        happenings = [(thing.at, "charge.succeeded" if thing.paid else "charge.failed")]
        if thing.refund:
            happenings.append((thing.refund[1], "charge.refunded"))
        return Row(thing.id, thing.at, partial(shapes.charge, thing), happenings)

    def _payment(self, first: Charge) -> Row:
        identity = token("inpay_", self._world.frame.seed, first.invoice.id, length=24)

        def render(at: int, shape: Shape) -> Json:
            return shapes.invoice_payment(first.invoice, identity, first.intent, at)

        return Row(identity, first.invoice.finalized or first.invoice.created, render, [])

    def _events(self) -> list[Row]:
        since = self.now - EVENT_DAYS * DAY
        found = []
        for resource in EVENT_PREFIX:
            for row in self.rows(resource):
                for at, kind in row.happenings:
                    if since <= at <= self.now:
                        found.append(self._event(row.id, at, kind, row.render))
            for identity, at in self._overlay.layer(VENDOR, resource).removed.items():
                stub = {
                    "id": identity,
                    "object": EVENT_PREFIX[resource].split(".")[-1],
                    "deleted": True,
                }
                kind = f"{EVENT_PREFIX[resource]}.deleted"
                found.append(self._event(identity, at, kind, partial(_as_put, stub)))
        for customer in self._world.customers:
            if customer.deleted and since <= customer.deleted <= self.now:
                row = self._customer(customer)
                found.append(self._event(row.id, customer.deleted, "customer.deleted", row.render))
        return found + [
            Row(key, put.at, partial(_as_put, put.record), [])
            for key, put in self._overlay.layer(VENDOR, "events").put.items()
        ]

    def _event(self, identity: str, at: int, kind: str, render: Render) -> Row:
        name = token("evt_", self._world.frame.seed, identity, at, kind, length=24)

        def show(now: int, shape: Shape) -> Json:
            # events keep the spelling of the account's own version, whatever the caller asks for
            spelling = Shape(self.account_version)
            data: Json = {"object": render(at, spelling)}
            if kind.endswith(".updated") and isinstance(data["object"], dict):
                before = render(at - 1, spelling)
                data["previous_attributes"] = {
                    key: before.get(key)
                    for key, value in data["object"].items()
                    if before.get(key) != value
                }
            return {
                "id": name, "object": "event", "api_version": self.account_version,
                "created": at, "data": data, "livemode": True, "pending_webhooks": 0,
                "request": {"id": None, "idempotency_key": None}, "type": kind,
            }  # fmt: skip

        return Row(name, at, show, [])


def _discounts(customers: list[Customer]) -> dict[str, tuple[Discount, str, str | None]]:
    found: dict[str, tuple[Discount, str, str | None]] = {}
    for customer in customers:
        if customer.discount:
            found[customer.discount.id] = (customer.discount, customer.id, None)
        for sub in customer.subscriptions:
            found |= {one.id: (one, customer.id, sub.id) for one in sub.discounts}
    return found


def _fixed(identity: str, created: int, prefix: str, body: Json) -> Row:
    return Row(identity, created, partial(_as_put, body), [(created, f"{prefix}.created")])


def _step(sub: Subscription, at: int) -> str:
    if at == sub.created:
        return "created"
    return "deleted" if at == sub.ended_at and sub.reason != "incomplete" else "updated"


def _as_put(record: Any, at: int, shape: Shape) -> Any:
    return copy.deepcopy(record)


def _inactive(render: Render, at: int, shape: Shape) -> Any:
    return {**render(at, shape), "active": False}


def _owner(record: Any) -> str | None:
    return record.get("subscription") if isinstance(record, dict) else None


def _inside(record: Any, name: str) -> list[Any]:
    block = record.get(name) if isinstance(record, dict) else None
    data = block.get("data") if isinstance(block, dict) else block
    return copy.deepcopy(data) if isinstance(data, list) else []
