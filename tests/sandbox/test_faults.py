"""Limits and faults: what a client meets when it is too fast or the vendor has a bad day."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from sandbox import Limits
from sandbox.limits import Window
from tests.sandbox.conftest import Client, small

DAY = "2026-11-10"
CALLS: dict[str, Callable[[Client], requests.Response]] = {
    "hubspot": lambda client: client.hubspot("GET", "/crm/v3/objects/deals?limit=100"),
    "stripe": lambda client: client.stripe("/v1/invoices?limit=100"),
    "mixpanel": lambda client: client.export(DAY, DAY),
}


@pytest.mark.parametrize("vendor", CALLS)
def test_a_fault_hits_as_often_as_ordered_and_then_no_more(own: Client, vendor: str):
    own.box.fault(vendor, "server_error", times=2)
    call = CALLS[vendor]
    answers = [call(own) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [502, 502, 200]
    assert answers[0].text.startswith("<html>")


@pytest.mark.parametrize("vendor", CALLS)
def test_a_fault_without_a_number_lasts_until_it_is_cleared(own: Client, vendor: str):
    own.box.fault(vendor, "unauthorized", times=None)
    assert [CALLS[vendor](own).status_code for _ in range(5)] == [401] * 5
    own.box.clear_faults()
    assert CALLS[vendor](own).status_code == 200


def test_a_fault_hits_only_its_vendor_and_path(own: Client):
    own.box.fault("stripe", "server_error", times=None, path="/v1/charges")
    assert own.stripe("/v1/invoices").status_code == 200
    assert own.hubspot("GET", "/crm/v3/owners").status_code == 200
    assert own.stripe("/v1/charges").status_code == 502


@pytest.mark.parametrize("vendor", CALLS)
def test_a_vendor_that_is_down_closes_the_connection_without_an_answer(own: Client, vendor: str):
    own.box.fault(vendor, "down")
    with pytest.raises(requests.ConnectionError):
        CALLS[vendor](own)
    assert CALLS[vendor](own).status_code == 200
    assert [call.status for call in own.box.requests if call.vendor == vendor] == [0, 200]


@pytest.mark.parametrize("vendor", CALLS)
def test_a_cut_stream_ends_in_the_middle_and_the_client_can_tell(own: Client, vendor: str):
    whole = CALLS[vendor](own).content
    own.box.fault(vendor, "cut_stream")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        CALLS[vendor](own)
    assert CALLS[vendor](own).content == whole


def test_an_export_that_ends_early_says_so_with_200(own: Client):
    whole = own.export(DAY, DAY).text.splitlines()
    own.box.fault("mixpanel", "terminated_early")
    answer = own.export(DAY, DAY)
    lines = answer.text.splitlines()
    assert answer.status_code == 200
    assert lines[-1] == "terminated early"
    assert lines[:-1] == whole[: len(lines) - 1]
    assert 0 < len(lines) - 1 < len(whole)


def test_an_empty_page_looks_like_the_end(own: Client):
    for vendor in CALLS:
        own.box.fault(vendor, "empty_page")
    assert CALLS["hubspot"](own).json() == {"results": []}
    assert CALLS["stripe"](own).json() == {
        "object": "list", "data": [], "has_more": False, "url": "/v1/invoices",
    }  # fmt: skip
    assert CALLS["mixpanel"](own).content == b""


def test_a_slow_vendor_still_answers(own: Client):
    own.box.fault("hubspot", "slow", seconds=0.3)
    begun = time.monotonic()
    assert CALLS["hubspot"](own).status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_an_unknown_fault_is_refused(own: Client):
    for vendor, kind in (("sap", "down"), ("stripe", "flood"), ("stripe", "terminated_early")):
        with pytest.raises(ValueError):
            own.box.fault(vendor, kind)


def test_too_many_calls_are_429_in_each_vendors_own_words():
    limits = Limits(
        hubspot_per_10_seconds=4, hubspot_search_per_second=2, stripe_per_second=3,
        mixpanel_export_per_hour=2, mixpanel_export_per_second=None, mixpanel_query_per_hour=1,
    )  # fmt: skip
    with small(companies=5, months=2, limits=limits) as box:
        client = Client(box)
        searches = [
            client.hubspot("POST", "/crm/v3/objects/deals/search", json={}) for _ in range(3)
        ]
        assert [answer.status_code for answer in searches] == [200, 200, 429]
        assert searches[2].json()["message"] == "You have reached your secondly limit."
        assert searches[2].json()["policyName"] == "SECONDLY"
        assert "X-HubSpot-RateLimit-Max" not in searches[0].headers
        lists = [client.hubspot("GET", "/crm/v3/owners") for _ in range(3)]
        assert [answer.status_code for answer in lists] == [200, 200, 429]
        assert lists[0].headers["X-HubSpot-RateLimit-Max"] == "4"
        assert lists[0].headers["X-HubSpot-RateLimit-Remaining"] == "1"
        body = lists[2].json()
        assert (body["errorType"], body["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
        assert "Retry-After" not in lists[2].headers
        bills = [client.stripe("/v1/products") for _ in range(4)]
        assert [answer.status_code for answer in bills] == [200, 200, 200, 429]
        assert bills[3].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        assert bills[3].json()["error"]["code"] == "rate_limit"
        exports = [client.export(DAY, DAY) for _ in range(3)]
        assert [answer.status_code for answer in exports] == [200, 200, 429]
        assert "3/2 queries running in the last hour" in exports[2].json()["error"]
        assert [client.engage().status_code for _ in range(2)] == [200, 429]


def test_the_limit_of_one_endpoint_is_apart():
    with small(companies=5, months=2, limits=Limits(stripe_per_second_and_endpoint=2)) as box:
        client = Client(box)
        answers = [client.stripe("/v1/products") for _ in range(3)]
        assert answers[2].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert client.stripe("/v1/prices").status_code == 200


def test_an_ordered_429_looks_like_a_real_one(own: Client):
    for vendor in CALLS:
        own.box.fault(vendor, "rate_limit")
        assert CALLS[vendor](own).status_code == 429
        assert CALLS[vendor](own).status_code == 200


def test_a_window_forgets_what_lies_behind_it(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr("sandbox.limits.time.monotonic", lambda: now[0])
    window = Window(2, 10)
    window.count()
    now[0] = 105.0
    window.count()
    assert window.full
    now[0] = 110.1
    assert not window.full
    assert window.used == 1


def test_the_public_limits_are_the_defaults():
    limits = Limits()
    assert (limits.hubspot_per_10_seconds, limits.hubspot_search_per_second) == (190, 5)
    assert limits.stripe_per_second == 100
    assert (limits.mixpanel_export_per_hour, limits.mixpanel_export_per_second) == (60, 3)


def test_every_call_is_logged_with_its_query_and_status(own: Client):
    own.stripe("/v1/invoices?limit=1")
    own.hubspot("POST", "/crm/v3/objects/deals/search", json={})
    own.stripe("/v1/nothing/1")
    assert [tuple(call) for call in own.box.requests] == [
        ("stripe", "GET", "/v1/invoices?limit=1", 200),
        ("hubspot", "POST", "/crm/v3/objects/deals/search", 200),
        ("stripe", "GET", "/v1/nothing/1", 404),
    ]
