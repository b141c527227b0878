"""Stripe: what is pulled, in both shapes of the API, and that a change is pulled once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from requests import Response

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.http import Cursor
from sandbox import Sandbox
from tests.ingestion.support import query, rows

Point = Callable[[Sandbox], None]


def listed(box: Sandbox, resource: str) -> int:
    return sum(call.path.startswith(f"/v1/{resource}?") for call in box.requests)


# Stripe shows this many items inside a subscription; the others are in a list of their own.
INLINE = 10


def a_subscription(identity: str, box: Sandbox, items: int) -> dict[str, Any]:
    now = int(box.now.timestamp())
    price = {"id": "price_x", "object": "price", "product": "prod_x", "unit_amount": 1000}
    data = [
        {
            "id": f"si_{identity}_{number}",
            "object": "subscription_item",
            "subscription": identity,
            "quantity": number,
            "price": price,
            "created": now,
            "current_period_start": now,
            "current_period_end": now + 2592000,
            "discounts": [],
            "metadata": {},
        }
        for number in range(items)
    ]
    for item in data:
        box.put("stripe", "subscription_items", item)
    return {
        "id": identity,
        "object": "subscription",
        "customer": "cus_x",
        "status": "active",
        "created": now,
        "start_date": now,
        "currency": "usd",
        "discounts": [],
        "metadata": {},
        "items": {"object": "list", "has_more": items > INLINE, "data": data[:INLINE]},
    }


def test_invoices_add_up_to_their_lines_and_belong_to_stored_customers(later: Sandbox) -> None:
    assert rows("stripe", "invoices")
    assert query(
        "stripe",
        """select count(*) from (
            select i.subtotal, sum(l.amount) as lines from invoices i
            join invoice_lines l on l.invoice = i.id group by i.id, i.subtotal
        ) where subtotal <> lines""",
    ) == [(0,)]
    assert query(
        "stripe", "select count(*) from invoices where customer not in (select id from customers)"
    ) == [(0,)]
    assert query(
        "stripe",
        "select count(*) from subscription_items anti join subscriptions s on s.id = subscription",
    ) == [(0,)]


def test_prices_carry_their_tiers_and_discounts_their_coupon(later: Sandbox) -> None:
    tiered = rows("stripe", "prices", "tiers_mode is not null")
    assert tiered
    assert all(json.loads(row["tiers"])[-1]["up_to"] is None for row in tiered)
    coupons = {row["id"] for row in rows("stripe", "coupons")}
    discounts = [
        discount
        for row in rows("stripe", "subscriptions") + rows("stripe", "subscription_items")
        for discount in json.loads(row["discounts"])
    ]
    assert all(discount["source"]["coupon"] in coupons for discount in discounts)


def test_a_second_pull_adds_nothing_and_lists_nothing_that_has_events(later: Sandbox) -> None:
    result = pipeline.pull("stripe")
    assert result.rows == {}
    assert result.new_columns == []
    assert listed(later, "invoices") == listed(later, "customers") == 0


def test_both_shapes_of_the_api_give_the_same_rows(
    later: Sandbox, data_dir: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = {
        "invoices": "id, subscription, tax, total",
        "invoice_lines": "id, price, product, subscription, subscription_item, proration",
        "subscription_items": "id, price, current_period_start, current_period_end",
    }
    new = {
        table: query("stripe", f"select {names} from {table} order by id")
        for table, names in tables.items()
    }
    assert all(new.values())
    monkeypatch.setenv("SOURCES__STRIPE__API_VERSION", "2024-06-20")
    monkeypatch.setenv("C360_DATA_DIR", str(data_dir / "old"))
    pipeline.pull("stripe")
    for table, names in tables.items():
        assert query("stripe", f"select {names} from {table} order by id") == new[table], table


def test_a_changed_object_is_fetched_again_and_arrives_once(later: Sandbox, at: Point) -> None:
    later.advance(hours=2)
    later.put("stripe", "subscriptions", a_subscription("sub_new", later, items=3))
    at(later)
    result = pipeline.pull("stripe")
    assert result.rows["subscription_items"] >= 3
    assert rows("stripe", "subscriptions", "id = 'sub_new'")
    again = a_subscription("sub_new", later, items=2) | {"status": "past_due"}
    later.put("stripe", "subscriptions", again)
    pipeline.pull("stripe")
    (row,) = rows("stripe", "subscriptions", "id = 'sub_new'")
    assert row["status"] == "past_due"
    items = rows("stripe", "subscription_items", "subscription = 'sub_new'")
    assert [item["quantity"] for item in items] == [0, 1]
    assert pipeline.pull("stripe").rows == {}


def test_more_items_than_a_subscription_shows_inline_are_listed(later: Sandbox) -> None:
    later.put("stripe", "subscriptions", a_subscription("sub_big", later, items=13))
    pipeline.pull("stripe")
    assert len(rows("stripe", "subscription_items", "subscription = 'sub_big'")) == 13


def test_items_beyond_the_inline_ten_are_asked_for_with_the_terms_of_their_discounts(
    later: Sandbox,
) -> None:
    later.put("stripe", "subscriptions", a_subscription("sub_wide", later, items=13))
    pipeline.pull("stripe")
    asked = [unquote(path) for _, _, path, _ in later.requests if "sub_wide" in path]
    items = [path for path in asked if "/v1/subscription_items" in path]
    assert items
    assert all("expand[]=data.discounts" in path for path in items)


def test_after_a_gap_that_events_do_not_span_everything_is_listed_again(
    later: Sandbox, at: Point
) -> None:
    gone = rows("stripe", "customers")[0]["id"]
    later.remove("stripe", "customers", gone)
    later.advance(days=40)
    at(later)
    pipeline.pull("stripe")
    assert listed(later, "invoices") > 0
    assert rows("stripe", "customers", f"id = '{gone}'")[0]["deleted"] is True
    stored = {row["id"]: row["status"] for row in rows("stripe", "subscriptions")}
    for identity, status in stored.items():
        record = later.record("stripe", "subscriptions", identity)
        assert record
        assert record["status"] == status


def test_a_page_that_promises_more_and_is_empty_stops_the_source(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows("stripe", "products")
    monkeypatch.setattr(
        "ingestion.http._parsed", lambda _: {"object": "list", "data": [], "has_more": True}
    )
    with pytest.raises(PullError) as stopped:
        pipeline.pull("stripe")
    assert stopped.value.kind == "bad_answer"
    assert rows("stripe", "products") == before


def test_pages_that_lead_in_a_circle_stop_the_source() -> None:
    cursor = Cursor("stripe", cursor_path="data[-1].id", has_more_path="has_more")
    page = Response()
    page.json = lambda **_: {"data": [{"id": "same"}], "has_more": True}  # type: ignore[method-assign]
    cursor.update_state(page)
    with pytest.raises(PullError, match="circle") as stopped:
        cursor.update_state(page)
    assert stopped.value.kind == "bad_answer"
