"""The vendor's own Python client as the judge of the sandbox's Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from sandbox import Limits, Sandbox
from tests.sandbox.conftest import UNLIMITED, small


def client_of(box: Sandbox, retries: int = 0, key: str | None = None) -> stripe.StripeClient:
    found = box.environment()
    return stripe.StripeClient(
        key or found["SOURCES__STRIPE__API_KEY"],
        stripe_version=found["SOURCES__STRIPE__API_VERSION"],
        base_addresses={"api": found["SOURCES__STRIPE__BASE_URL"]},
        max_network_retries=retries,
    )


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with small(vendors=["stripe"], limits=UNLIMITED) as world:
        yield world


@pytest.fixture(scope="module")
def client(box: Sandbox) -> stripe.StripeClient:
    return client_of(box)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> Iterator[None]:
    monkeypatch.setattr(stripe.HTTPClient, "_sleep_time_seconds", lambda *_, **__: 0.0)
    yield
    box.clear_faults()


LISTS = ("customers", "subscriptions", "invoices", "charges", "prices", "events", "refunds",
         "products", "coupons", "balance_transactions")  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_the_client_pages_through_every_list(name: str, client: Any) -> None:
    service = getattr(client.v1, name)
    few = [one.id for one in service.list({"limit": 7}).auto_paging_iter()]
    many = [one.id for one in service.list({"limit": 100}).auto_paging_iter()]
    assert few == many
    assert len(set(few)) == len(few) > 0
    made = [one.created for one in service.list({"limit": 100}).auto_paging_iter()]
    assert made == sorted(made, reverse=True)


def test_filters_keep_what_they_say(client: Any) -> None:
    every = list(client.v1.invoices.list({"limit": 100}).auto_paging_iter())
    middle = sorted(one.created for one in every)[len(every) // 2]
    since = client.v1.invoices.list({"limit": 100, "created": {"gte": middle}})
    assert [one.id for one in since.auto_paging_iter()] == [
        one.id for one in every if one.created >= middle
    ]
    live = {one.status for one in client.v1.subscriptions.list({"limit": 100}).auto_paging_iter()}
    asked = client.v1.subscriptions.list({"limit": 100, "status": "all"}).auto_paging_iter()
    assert "canceled" not in live
    assert "canceled" in {one.status for one in asked}
    paid = client.v1.events.list({"types": ["invoice.paid", "charge.failed"], "limit": 100})
    assert {one.type for one in paid.auto_paging_iter()} <= {"invoice.paid", "charge.failed"}


def test_single_objects_come_with_what_is_expanded(client: Any) -> None:
    invoice = client.v1.invoices.list({"limit": 1}).data[0]
    same = client.v1.invoices.retrieve(invoice.id, {"expand": ["customer"]})
    assert same.id == invoice.id
    assert same.customer.object == "customer"
    assert isinstance(invoice.customer, str)
    tiered = [
        price
        for price in client.v1.prices.list({"limit": 100, "expand": ["data.tiers"]}).data
        if price.billing_scheme == "tiered"
    ]
    assert tiered
    assert tiered[0].tiers[-1].up_to is None
    lines = client.v1.invoices.line_items.list(invoice.id)
    assert sum(line.amount for line in lines.auto_paging_iter()) == invoice.subtotal


def test_what_a_charge_moves_on_the_account_is_its_amount_less_the_fee(client: Any) -> None:
    moved = list(client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter())
    charges = {one.id: one for one in client.v1.charges.list({"limit": 100}).auto_paging_iter()}
    assert {one.source for one in moved if one.type == "charge"} == {
        key for key, one in charges.items() if one.paid
    }
    assert all(one.net == one.amount - one.fee for one in moved)
    refunds = client.v1.balance_transactions.list({"limit": 100, "type": "refund"})
    assert [one.amount for one in refunds.auto_paging_iter()]
    assert all(one.amount < 0 for one in refunds.data)


def test_errors_are_raised_as_the_client_s_own_classes(client: Any, box: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_nobody")
    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.customers.list({"no_such_filter": "x"})
    assert unknown.value.code == "parameter_unknown"
    with pytest.raises(stripe.AuthenticationError) as refused:
        client_of(box, key="sk_test_wrong").v1.customers.list()
    assert "sk_test_wrong" not in str(refused.value)
    box.fault("stripe", "rate_limit")
    with pytest.raises(stripe.RateLimitError) as limited:
        client.v1.customers.list()
    assert limited.value.http_status == 429
    box.fault("stripe", "server_error")
    with pytest.raises(stripe.APIError):
        client.v1.customers.list()
    box.fault("stripe", "down")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()


@pytest.mark.parametrize("kind", ["rate_limit", "server_error", "down"])
def test_the_client_tries_again_what_passes(kind: str, box: Sandbox) -> None:
    box.fault("stripe", kind, times=2)
    assert client_of(box, retries=3).v1.customers.list().data


def test_a_deleted_customer_is_a_stub_to_the_client(client: Any, box: Sandbox) -> None:
    gone = client.v1.customers.list({"limit": 1}).data[0].id
    box.remove("stripe", "customers", gone)
    assert client.v1.customers.retrieve(gone).deleted is True
    deleted = client.v1.events.list({"type": "customer.deleted"}).data
    assert gone in {one.data.object.id for one in deleted}


def test_an_endpoint_has_a_limit_of_its_own() -> None:
    limits = Limits(stripe_per_second=None, stripe_per_second_and_endpoint=3)
    with small(companies=5, months=2, vendors=["stripe"], limits=limits) as box:
        client = client_of(box)
        for _ in range(3):
            client.v1.customers.list()
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.list()
        assert client.v1.products.list().data
    assert Limits().stripe_per_second_and_endpoint == 25
