"""The ground truth agrees with what the vendors answer, computed here by another road."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest

from sandbox import Sandbox
from sandbox.universe.usage import CORE
from tests.sandbox.conftest import NOW, Client, small

MINOR = {"usd": 100, "eur": 100, "jpy": 1}
NOW_S = int(NOW.timestamp())


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with small(companies=150, months=18, seed=11) as box:
        yield Client(box)


@pytest.fixture(scope="module")
def box(client: Client) -> Sandbox:
    return client.box


def _amount(price: dict[str, Any], quantity: Decimal) -> Decimal:
    """Price one item from the API's own fields, by the rules of the price list."""
    if price["transform_quantity"]:
        packs = quantity / price["transform_quantity"]["divide_by"]
        quantity = packs.to_integral_value(ROUND_CEILING)
    if price["billing_scheme"] == "per_unit":
        return Decimal(price["unit_amount_decimal"]) * quantity
    total, floor = Decimal(0), Decimal(0)
    for tier in price["tiers"]:
        top = Decimal("Infinity") if tier["up_to"] is None else Decimal(tier["up_to"])
        unit, flat = Decimal(tier["unit_amount_decimal"]), Decimal(tier["flat_amount"] or 0)
        if price["tiers_mode"] == "volume" and floor < quantity <= top:
            return unit * quantity + flat
        if price["tiers_mode"] == "graduated" and quantity > floor:
            total += unit * (min(quantity, top) - floor) + flat
        floor = top
    return total


def _mrr(sub: dict[str, Any], prices: dict[str, Any], items: list[Any], coupons: dict[str, Any],
         fallback: dict[str, Any] | None) -> Decimal:  # fmt: skip
    pause = sub["pause_collection"]
    if sub["status"] not in ("active", "past_due") or (pause and pause["behavior"] == "void"):
        return Decimal(0)
    whole = sub["discounts"] or ([fallback] if fallback else [])
    months = {("month", 1): 1, ("month", 3): 3, ("year", 1): 12}
    total, count = Decimal(0), 1
    for item in items:
        price = prices[item["price"]["id"]]
        recurring = price["recurring"]
        if recurring["usage_type"] == "metered":
            continue
        count = months[recurring["interval"], recurring["interval_count"]]
        value = _amount(price, Decimal(item["quantity"]))
        for discount in [*item["discounts"], *whole]:
            coupon = coupons[discount["source"]["coupon"]]
            products = (coupon["applies_to"] or {}).get("products")
            reaches = not products or price["product"] in products
            if coupon["duration"] != "once" and coupon["percent_off"] and reaches:
                value *= 1 - Decimal(str(coupon["percent_off"])) / 100
        total += value
    for discount in whole:
        coupon = coupons[discount["source"]["coupon"]]
        if coupon["duration"] != "once":
            total = max(Decimal(0), total - Decimal(coupon["amount_off"] or 0))
    return total / count


def test_the_true_mrr_is_what_the_subscriptions_of_the_api_add_up_to(client: Client, box: Sandbox):
    prices = {row["id"]: row for row in client.stripe_all("/v1/prices?expand[]=data.tiers")}
    coupons = {row["id"]: row for row in client.stripe_all("/v1/coupons?expand[]=data.applies_to")}
    customers = {row["id"]: row for row in client.stripe_all("/v1/customers?")}
    query = (
        "/v1/subscriptions?status=all&expand[]=data.discounts&expand[]=data.items.data.discounts"
    )
    got: dict[str, Decimal] = defaultdict(Decimal)
    truth = box.truth
    owner = {id_: row.company for row in truth.companies.itertuples() for id_ in row.stripe_ids}
    for sub in client.stripe_all(query):
        items = sub["items"]["data"]
        if sub["items"]["has_more"]:
            more = "/v1/subscription_items?expand[]=data.discounts&subscription="
            items = client.stripe_all(more + sub["id"])
            assert len(items) > 10
        fallback = (customers.get(sub["customer"]) or {}).get("discount")
        value = _mrr(sub, prices, items, coupons, fallback)
        got[owner[sub["customer"]]] += value / MINOR[sub["currency"]]
    table = truth.mrr_monthly
    latest = table[table["at"] == NOW].set_index("company").mrr
    assert len(latest) > 80
    assert {key: round(value, 4) for key, value in got.items()} == latest.to_dict()


def test_what_is_invoiced_for_a_period_is_its_true_mrr(client: Client, box: Sandbox):
    """Licensed lines of a cycle, net of discounts that recur, divided by its months."""
    coupon = {row["id"]: row for row in client.stripe_all("/v1/coupons?")}
    prices = {row["id"]: row for row in client.stripe_all("/v1/prices?")}
    subs = client.stripe_all("/v1/subscriptions?status=all")
    per_customer: dict[str, int] = defaultdict(int)
    for sub in subs:
        per_customer[sub["customer"]] += 1
    truth = box.truth
    owner = {
        row.stripe_ids[0]: row.company
        for row in truth.companies.itertuples()
        if len(row.stripe_ids) == 1
    }
    compared = 0
    for invoice in client.stripe_all("/v1/invoices?expand[]=data.discounts"):
        if invoice["customer"] not in owner or per_customer[invoice["customer"]] > 1:
            continue
        lines = invoice["lines"]["data"]
        once = {
            d["id"]
            for d in invoice["discounts"]
            if coupon[d["source"]["coupon"]]["duration"] == "once"
        }
        kinds = [prices[line["pricing"]["price_details"]["price"]] for line in lines]
        plain = all(
            kind["recurring"] and kind["recurring"]["usage_type"] == "licensed" for kind in kinds
        )
        fresh = invoice["billing_reason"] in ("subscription_create", "subscription_cycle")
        if not plain or not fresh or invoice["lines"]["has_more"] or invoice["status"] != "paid":
            continue
        if any(line["description"].startswith("Trial") for line in lines):
            continue
        net = 0
        for line in lines:
            if line["parent"]["subscription_item_details"]["proration"]:
                continue
            cut = sum(d["amount"] for d in line["discount_amounts"] if d["discount"] not in once)
            net += line["amount"] - cut
        recurring = kinds[-1]["recurring"]
        months = {("month", 1): 1, ("month", 3): 3, ("year", 1): 12}
        count = months[recurring["interval"], recurring["interval_count"]]
        at = datetime.fromtimestamp(invoice["created"], UTC)
        true = box.truth.mrr_at(owner[invoice["customer"]], at) * count * MINOR[invoice["currency"]]
        assert abs(net - true) <= len(lines), (invoice["id"], net, true)
        compared += 1
    assert compared > 200


def test_invoices_add_up_and_charges_and_refunds_fit_them(client: Client):
    invoices = {row["id"]: row for row in client.stripe_all("/v1/invoices?", "2024-06-20")}
    for row in invoices.values():
        lines = row["lines"]["data"]
        if row["lines"]["has_more"]:
            lines = client.stripe_all(f"/v1/invoices/{row['id']}/lines?", "2024-06-20")
        cuts = sum(cut["amount"] for line in lines for cut in line["discount_amounts"])
        assert row["subtotal"] == sum(line["amount"] for line in lines)
        assert row["total"] == row["subtotal"] - cuts + (row["tax"] or 0)
        assert row["amount_due"] == row["amount_paid"] + row["amount_remaining"]
    charges = client.stripe_all("/v1/charges?", "2024-06-20")
    for charge in charges:
        assert charge["amount"] == invoices[charge["invoice"]]["total"] > 0
        assert charge["amount_refunded"] <= charge["amount"]
    paid = {charge["invoice"] for charge in charges if charge["status"] == "succeeded"}
    assert paid == {key for key, row in invoices.items() if row["amount_paid"] > 0}
    failed = sum(charge["status"] == "failed" for charge in charges)
    assert 0 < failed < len(charges) / 2


def test_after_a_churn_nothing_recurs_until_the_company_returns(box: Sandbox):
    truth = box.truth
    assert len(truth.churns) > 10
    assert set(truth.churns.kind) == {"voluntary", "involuntary"}
    for churn in truth.churns.itertuples():
        assert churn.mrr_lost > 0
        assert churn.notice_at <= churn.churned_at <= NOW
        assert truth.mrr_at(churn.company, churn.churned_at) == 0


def test_every_id_of_the_truth_is_found_in_its_system(client: Client, box: Sandbox):
    ids = box.truth.who_is_who
    live = ids[ids.state == "live"]
    crm = {row["id"] for row in client.hubspot_all("/crm/v3/objects/companies?limit=100")}
    assert set(live[live.system == "hubspot"].id) == crm
    billing = {row["id"] for row in client.stripe_all("/v1/customers?")}
    assert set(live[live.system == "stripe"].id) == billing
    keys = {row["$properties"]["company_id"] for row in client.engage().json()["results"]}
    assert keys <= set(live[live.system == "mixpanel"].id)
    assert not ids.duplicated(["system", "id"]).any()


def test_explicit_ids_in_metadata_name_the_same_true_company(client: Client, box: Sandbox):
    owner = {row.id: row.company for row in box.truth.who_is_who.itertuples()}
    pairs = [
        (row["id"], value)
        for row in client.stripe_all("/v1/customers?")
        for value in row["metadata"].values()
    ]
    assert len(pairs) > 50
    assert all(owner[one] == owner[other] for one, other in pairs)


def test_active_users_are_those_with_a_core_event_in_the_export(client: Client, box: Sandbox):
    day = "2026-11-10"
    users: dict[str, set[str]] = defaultdict(set)
    for line in client.export(day, day).text.splitlines():
        event = json.loads(line)
        properties = event["properties"]
        if event["event"] in CORE and "$user_id" in properties:
            users[properties["company_id"]].add(properties["$user_id"])
    truth = box.truth
    owner = {row.id: row.company for row in truth.who_is_who.itertuples()}
    table = truth.active_users
    there = table[(table.day.astype(str) == day) & (table.active_users_received > 0)]
    counted = there.set_index("company").active_users_received.to_dict()
    assert {owner[key]: len(found) for key, found in users.items()} == counted
    assert (table.active_users_received <= table.active_users).all()
