"""Stripe's protocol: lists, cursors, expansion, both spellings, events, deletions, errors."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import NOW, Client, small

OLD = "2024-06-20"
RESOURCES = (
    "customers", "subscriptions", "products", "prices", "invoices", "charges", "refunds", "coupons",
    "credit_notes", "disputes", "invoice_payments", "events",
)  # fmt: skip


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_list_is_newest_first_and_its_cursor_loses_nothing(shared: Client, resource: str):
    body = shared.stripe(f"/v1/{resource}").json()
    assert body["object"] == "list"
    assert body["url"] == f"/v1/{resource}"
    rows = shared.stripe_all(f"/v1/{resource}?")
    assert body["data"] == rows[:10]
    assert body["has_more"] is (len(rows) > 10)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids))
    created = [row["created"] for row in rows]
    assert created == sorted(created, reverse=True)
    assert all(moment <= NOW.timestamp() for moment in created)


def test_ending_before_walks_back(shared: Client):
    ids = [row["id"] for row in shared.stripe_all("/v1/invoices?")]
    body = shared.stripe(f"/v1/invoices?limit=3&ending_before={ids[10]}").json()
    assert [row["id"] for row in body["data"]] == ids[7:10]
    assert body["has_more"] is True
    body = shared.stripe(f"/v1/invoices?limit=50&ending_before={ids[2]}").json()
    assert [row["id"] for row in body["data"]] == ids[:2]
    assert body["has_more"] is False


@pytest.mark.parametrize(
    ("bound", "keeps"),
    [
        ("gt", lambda at, edge: at > edge),
        ("gte", lambda at, edge: at >= edge),
        ("lt", lambda at, edge: at < edge),
        ("lte", lambda at, edge: at <= edge),
    ],
)
def test_created_is_filtered_to_the_second(shared: Client, bound: str, keeps: Any):
    rows = shared.stripe_all("/v1/charges?")
    edge = rows[len(rows) // 2]["created"]
    found = shared.stripe_all(f"/v1/charges?created[{bound}]={edge}")
    assert [row["id"] for row in found] == [r["id"] for r in rows if keeps(r["created"], edge)]


def test_cancelled_subscriptions_show_only_with_status_all(shared: Client):
    every = shared.stripe_all("/v1/subscriptions?status=all")
    shown = shared.stripe_all("/v1/subscriptions?")
    ended = shared.stripe_all("/v1/subscriptions?status=canceled")
    assert {row["status"] for row in ended} == {"canceled"}
    hidden = {row["id"] for row in every} - {row["id"] for row in shown}
    assert {row["id"] for row in ended} <= hidden
    assert all(
        row["status"] in ("canceled", "incomplete_expired") for row in every if row["id"] in hidden
    )


def test_rows_are_filtered_by_their_parents(shared: Client):
    invoices = shared.stripe_all("/v1/invoices?")
    customer, count = Counter(row["customer"] for row in invoices).most_common(1)[0]
    assert len(shared.stripe_all(f"/v1/invoices?customer={customer}")) == count
    one = invoices[0]["parent"]["subscription_details"]["subscription"]
    found = shared.stripe_all(f"/v1/invoices?subscription={one}")
    assert {row["parent"]["subscription_details"]["subscription"] for row in found} == {one}
    inactive = shared.stripe_all("/v1/prices?active=false")
    assert inactive
    assert all(row["active"] is False for row in inactive)


def test_new_versions_put_fields_elsewhere(shared: Client):
    query = "/v1/subscriptions?status=all&expand[]=data.discounts"
    old = {row["id"]: row for row in shared.stripe_all(query, OLD)}
    basil = {row["id"]: row for row in shared.stripe_all(query, "2025-03-31.basil")}
    clover = {row["id"]: row for row in shared.stripe_all(query)}
    assert old.keys() == basil.keys() == clover.keys()
    for identity, row in old.items():
        item = clover[identity]["items"]["data"][0]
        assert "current_period_start" not in clover[identity]
        assert "current_period_start" not in row["items"]["data"][0]
        assert item["current_period_start"] == row["current_period_start"]
        assert item["current_period_end"] == row["current_period_end"]
    reduced = [identity for identity, row in old.items() if row["discounts"]]
    assert reduced
    for identity in reduced:
        whole = old[identity]["discounts"][0]["coupon"]
        assert basil[identity]["discounts"][0]["coupon"] == whole
        assert clover[identity]["discounts"][0]["source"] == {
            "type": "coupon",
            "coupon": whole["id"],
        }


def test_invoices_and_lines_point_to_their_subscription_in_both_spellings(shared: Client):
    old = shared.stripe("/v1/invoices?limit=100", OLD).json()["data"]
    new = shared.stripe("/v1/invoices?limit=100").json()["data"]
    for one, two in zip(old, new, strict=True):
        assert one["subscription"] == two["parent"]["subscription_details"]["subscription"]
        assert not {"subscription", "charge", "payment_intent", "paid", "tax"} & two.keys()
        for line, other in zip(one["lines"]["data"], two["lines"]["data"], strict=True):
            assert line["price"]["id"] == other["pricing"]["price_details"]["price"]
            assert line["price"]["product"] == other["pricing"]["price_details"]["product"]
            assert "price" not in other
            details = other["parent"][other["parent"]["type"]]
            assert details["proration"] == line["proration"]


def test_payments_of_an_invoice_have_their_own_resource_in_new_versions(shared: Client):
    payments = {row["invoice"]: row for row in shared.stripe_all("/v1/invoice_payments?")}
    charges = shared.stripe_all("/v1/charges?", OLD)
    for charge in charges:
        assert payments[charge["invoice"]]["payment"]["payment_intent"] == charge["payment_intent"]
    assert all("invoice" not in row for row in shared.stripe_all("/v1/charges?"))


def test_hidden_fields_show_when_expanded(shared: Client):
    plain = shared.stripe_all("/v1/prices?")
    assert all("tiers" not in row for row in plain)
    rows = shared.stripe_all("/v1/prices?expand[]=data.tiers&expand[]=data.product")
    modes = {row["tiers_mode"] for row in rows if row["tiers"]}
    assert modes == {"volume", "graduated"}
    assert all(row["tiers"][-1]["up_to"] is None for row in rows if row["tiers"])
    assert all(row["product"]["object"] == "product" for row in rows)
    coupons = shared.stripe_all("/v1/coupons?expand[]=data.applies_to")
    assert any(row["applies_to"] for row in coupons)
    query = "/v1/subscriptions?status=all&expand[]=data.discounts.source.coupon"
    kinds = [d["source"]["coupon"] for row in shared.stripe_all(query) for d in row["discounts"]]
    assert kinds
    assert all(kind["object"] == "coupon" for kind in kinds)
    customers = shared.stripe_all("/v1/customers?expand[]=data.subscriptions")
    assert any(row["subscriptions"]["data"] for row in customers)


def test_too_deep_or_unknown_expansions_are_refused(shared: Client):
    for path in ("data.items.data.price.tiers", "tiers", "data.nonsense"):
        answer = shared.stripe(f"/v1/subscriptions?expand[]={path}")
        assert answer.status_code == 400
        assert "expand" in answer.json()["error"]["message"]


def test_more_than_ten_items_and_lines_go_on_in_child_lists(own: Client):
    items = [
        {"id": f"si_{number}", "object": "subscription_item", "quantity": 1} for number in range(13)
    ]
    own.box.put("stripe", "subscriptions", {
        "id": "sub_many", "object": "subscription", "customer": "cus_x", "status": "active",
        "created": int(NOW.timestamp()),
        "items": {"object": "list", "data": items, "has_more": False, "url": "/v1/x"},
    })  # fmt: skip
    rows = own.stripe_all("/v1/subscription_items?subscription=sub_many")
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    answer = own.stripe("/v1/subscription_items")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "subscription")


def test_subscriptions_with_more_than_ten_items_show_ten_of_them_inside():
    with small(companies=300, months=24, seed=7) as box:
        client = Client(box)
        big = [
            row
            for row in client.stripe_all("/v1/subscriptions?status=all")
            if row["items"]["has_more"]
        ]
        assert big
        assert all(len(row["items"]["data"]) == 10 for row in big)
        whole = client.stripe_all(big[0]["items"]["url"])
        assert whole[:10] == big[0]["items"]["data"]
        assert len(whole) > 10
        sent = client.stripe(f"/v1/invoices?subscription={big[0]['id']}").json()["data"][-1]
        assert sent["lines"]["has_more"] is True
        lines = client.stripe_all(sent["lines"]["url"] + "?")
        assert sum(line["amount"] for line in lines) == sent["subtotal"]


def test_one_object_comes_by_id_like_in_the_list(shared: Client):
    for resource in RESOURCES:
        row = shared.stripe(f"/v1/{resource}?limit=1").json()["data"]
        if row:
            assert shared.stripe(f"/v1/{resource}/{row[0]['id']}").json() == row[0]


def test_unknown_things_are_refused_in_the_vendors_words(shared: Client):
    answer = shared.stripe("/v1/customers/cus_none")
    assert answer.status_code == 404
    problem = answer.json()["error"]
    assert (problem["code"], problem["param"]) == ("resource_missing", "id")
    assert problem["message"] == "No such customer: 'cus_none'"
    for path, status, code in (
        ("/v1/customers?limit=101", 400, "parameter_invalid_integer"),
        ("/v1/customers?foo=1", 400, "parameter_unknown"),
        ("/v1/customers?starting_after=cus_none", 400, "resource_missing"),
        ("/v1/customers?created[gte]=yesterday", 400, "parameter_invalid_integer"),
    ):
        answer = shared.stripe(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert shared.stripe("/v1/unicorns").status_code == 404
    assert (
        shared.stripe("/nothing").json()["error"]["message"].startswith("Unrecognized request URL")
    )


def test_the_key_comes_as_token_or_as_user_and_else_it_is_401(shared: Client):
    url = shared.env["SOURCES__STRIPE__BASE_URL"] + "/v1/products"
    key = shared.env["SOURCES__STRIPE__API_KEY"]
    assert requests.get(url, auth=(key, ""), timeout=10).status_code == 200
    answer = requests.get(url, headers={"Authorization": "Bearer rk_wrong_key_1234"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "Invalid API Key provided: rk_wrong****1234"
    assert requests.get(url, timeout=10).status_code == 401


def test_answers_carry_request_id_and_version(shared: Client):
    answer = shared.stripe("/v1/products", OLD)
    assert answer.headers["Stripe-Version"] == OLD
    assert answer.headers["Request-Id"].startswith("req_")


def test_events_reach_back_thirty_days_in_the_accounts_own_spelling(shared: Client):
    events = shared.stripe_all("/v1/events?")
    assert min(row["created"] for row in events) >= NOW.timestamp() - 30 * 86_400
    assert {row["api_version"] for row in events} == {OLD}
    changed = [row for row in events if row["type"] == "customer.subscription.updated"]
    assert changed
    for row in changed:
        assert row["data"]["previous_attributes"]
        assert "current_period_start" in row["data"]["object"], "spelt as the account's version"
    created = shared.stripe_all("/v1/events?type=invoice.created")
    assert {row["type"] for row in created} == {"invoice.created"}
    recent = {row["id"] for row in shared.stripe_all(
        f"/v1/invoices?created[gte]={int(NOW.timestamp()) - 30 * 86_400}")}  # fmt: skip
    assert {row["data"]["object"]["id"] for row in created} == recent
    both = "/v1/events?types[]=invoice.paid&types[]=invoice.created"
    assert {row["type"] for row in shared.stripe_all(both)} == {"invoice.paid", "invoice.created"}


def test_every_change_between_two_days_has_its_event(own: Client):
    before = {row["id"]: row for row in own.stripe_all("/v1/subscriptions?status=all")}
    own.box.advance(days=20)
    since = int(NOW.timestamp())
    touched = {
        row["data"]["object"]["id"] for row in own.stripe_all(f"/v1/events?created[gt]={since}")
    }
    after = {row["id"]: row for row in own.stripe_all("/v1/subscriptions?status=all")}
    changed = {identity for identity, row in after.items() if before.get(identity) != row}
    assert changed
    assert changed <= touched


def test_a_deleted_customer_leaves_the_list_and_answers_with_a_stub(own: Client):
    identity = own.stripe("/v1/customers?limit=1").json()["data"][0]["id"]
    own.box.remove("stripe", "customers", identity)
    assert identity not in {row["id"] for row in own.stripe_all("/v1/customers?")}
    assert own.stripe(f"/v1/customers/{identity}").json() == {
        "id": identity, "object": "customer", "deleted": True,
    }  # fmt: skip
    (event,) = own.stripe("/v1/events?type=customer.deleted").json()["data"]
    assert event["data"]["object"]["id"] == identity


def test_a_put_object_is_listed_found_and_reported_as_an_event(own: Client):
    row = own.box.record(
        "stripe", "subscriptions", own.stripe("/v1/subscriptions").json()["data"][0]["id"]
    )
    assert row is not None
    row["metadata"] = {"note": "=HYPERLINK()"}
    row["surprise"] = [1, 2]
    own.box.put("stripe", "subscriptions", row)
    own.box.put("stripe", "customers", {"id": "cus_new", "object": "customer", "created": "soon"})
    own.box.put("stripe", "customers", {"object": "customer", "email": None})
    assert own.stripe(f"/v1/subscriptions/{row['id']}").json() == row
    rows = own.stripe_all("/v1/customers?")
    assert {"object": "customer", "email": None} in [{**r} for r in rows if "id" not in r]
    events = own.stripe(f"/v1/events?created[gte]={int(NOW.timestamp())}&limit=100").json()["data"]
    kinds = {(e["type"], e["data"]["object"].get("id")) for e in events}
    assert ("customer.subscription.updated", row["id"]) in kinds
    assert ("customer.created", "cus_new") in kinds


def test_an_archived_price_is_inactive(own: Client):
    identity = own.stripe("/v1/prices?active=true&limit=1").json()["data"][0]["id"]
    own.box.archive("stripe", "prices", identity)
    assert own.stripe(f"/v1/prices/{identity}").json()["active"] is False
    with pytest.raises(ValueError, match="cannot archive"):
        own.box.archive("stripe", "customers", "cus_1")
