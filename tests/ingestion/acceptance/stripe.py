"""Stripe in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from ingestion.sources.stripe import PAGE
from sandbox import Sandbox
from sandbox.universe.billing import Ledger
from tests.ingestion.acceptance import Stands, stands

# The smallest one with a refund and a credit note in it.
WORLD = {"companies": 30, "months": 9, "seed": 10}
WITHOUT = {
    "merge": "customers cannot be merged",
    "expire": "a key does not expire by itself",
}
UNSEEN = {
    "customers": "phone description deleted discount",
    "products": "description",
    "subscriptions": "schedule deleted cancel_at canceled_at ended_at cancellation_reason "
    "pause_collection",
    "subscription_items": "removed",
    "invoice_lines": "removed",
    "invoices": "deleted voided_at marked_uncollectible_at",
    "charges": "invoice deleted",
    "refunds": "deleted",
    "credit_notes": "deleted",
    "coupons": "max_redemptions redeem_by",
}


def counts(box: Sandbox) -> dict[str, int]:
    """Objects that were made by now and are not gone; events of the last days, as listed."""
    now = int(box.now.timestamp())
    world = box.world
    ledger = Ledger(world.frame.seed, world.customers)
    ledger.extend(now)
    invoices = [one for one in ledger.invoices if one.created <= now]
    charges = [one for one in ledger.charges if one.at <= now]
    subscriptions = [
        one for customer in world.customers for one in customer.subscriptions if one.created <= now
    ]
    gone = [one for one in world.customers if one.deleted and one.deleted <= now]
    return {
        "customers": sum(one.created <= now for one in world.customers) - len(gone),
        "subscriptions": len(subscriptions),
        "subscription_items": sum(
            item.created <= now for one in subscriptions for item in one.items
        ),
        "invoices": len(invoices),
        "invoice_lines": sum(len(one.lines) for one in invoices),
        "charges": len(charges),
        "refunds": sum(one.refund is not None and one.refund[1] <= now for one in charges),
        "credit_notes": sum(one.at <= now for one in ledger.credit_notes),
        "products": len(world.catalogue.products),
        "prices": len(world.catalogue.prices_by_id),
        "coupons": len(world.catalogue.coupons),
        "events": sum(1 for _ in all_of(box, "events")),
    }


def update(box: Sandbox) -> Iterator[Stands]:
    """Another status."""
    found = next(all_of(box, "subscriptions"))
    box.put("stripe", "subscriptions", found | {"status": "past_due"})
    yield stands("subscriptions", f"id = '{found['id']}'", 1, status="past_due")


def late(box: Sandbox) -> Iterator[Stands]:
    """An invoice dated long ago; an event dated half an hour before the last pull."""
    made = int((box.now - timedelta(days=60)).timestamp())
    box.put("stripe", "invoices", {"id": "in_late", "object": "invoice", "created": made})
    yield stands("invoices", "id = 'in_late'", 1, created=made)
    box.put("stripe", "events", an_event("evt_late", box.now - timedelta(hours=2.5)))
    yield stands("events", "id = 'evt_late'")


def ties(box: Sandbox) -> Iterator[Stands]:
    """A page of customers and one more, made in one second."""
    for number in range(PAGE + 1):
        box.put("stripe", "customers", a_customer(f"cus_tie_{number}", box.now))
    yield stands("customers", "id like 'cus_tie_%'", PAGE + 1, created=int(box.now.timestamp()))


def soft_delete(box: Sandbox) -> Iterator[Stands]:
    """A product that is no longer sold."""
    identity = next(all_of(box, "products"))["id"]
    box.archive("stripe", "products", identity)
    yield stands("products", f"id = '{identity}'", 1, active=False)


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """A customer keeps its row and is flagged; a coupon leaves the table."""
    customer = list(all_of(box, "customers"))[-1]["id"]
    box.remove("stripe", "customers", customer)
    yield stands("customers", f"id = '{customer}'", 1, deleted=True)
    coupon = next(all_of(box, "coupons"))["id"]
    box.remove("stripe", "coupons", coupon)
    yield stands("coupons", f"id = '{coupon}'", 0)


def future(box: Sandbox) -> Iterator[Stands]:
    """An event that has not happened yet."""
    box.put("stripe", "events", an_event("evt_future", datetime(2099, 1, 1, tzinfo=UTC)))
    yield stands("events", "id = 'evt_future'")


def flip(box: Sandbox) -> str:
    """Words for a flag."""
    for number in range(25):
        customer = a_customer(f"cus_flip_{number}", box.now) | {"delinquent": "perhaps"}
        box.put("stripe", "customers", customer)
    return "customers"


def a_customer(identity: str, moment: datetime) -> dict[str, Any]:
    """A customer made at `moment`."""
    return {"id": identity, "object": "customer", "created": int(moment.timestamp())}


def an_event(identity: str, moment: datetime) -> dict[str, Any]:
    """An event about a customer that does not exist."""
    return {
        "id": identity,
        "object": "event",
        "type": "customer.updated",
        "created": int(moment.timestamp()),
        "data": {"object": {"id": "cus_nobody", "object": "customer"}},
    }


def all_of(box: Sandbox, name: str) -> Iterator[dict[str, Any]]:
    """All live objects of one kind, by requests of the test's own."""
    variables = box.environment()
    asked: dict[str, Any] = {"limit": 100}
    while True:
        page = requests.get(
            f"{variables['SOURCES__STRIPE__BASE_URL']}/v1/{name}",
            params=asked,
            auth=(variables["SOURCES__STRIPE__API_KEY"], ""),
            headers={"Stripe-Version": variables["SOURCES__STRIPE__API_VERSION"]},
            timeout=60,
        ).json()
        yield from page["data"]
        if not page["has_more"]:
            return
        asked["starting_after"] = page["data"][-1]["id"]
