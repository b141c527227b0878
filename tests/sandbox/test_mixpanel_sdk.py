"""Mixpanel's own Python utilities as the judge of the sandbox's Mixpanel, and its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from mixpanel_utils import MixpanelUtils

from sandbox import Limits, Sandbox
from tests.sandbox.conftest import NOW, UNLIMITED, Client, small

DAY = (NOW - timedelta(days=3)).date().isoformat()


def utilities(box: Sandbox, secret: str | None = None, retries: int = 2) -> Any:
    found = box.environment()
    client = MixpanelUtils(
        secret or found["SOURCES__MIXPANEL__SERVICE_SECRET"],
        service_account_username=found["SOURCES__MIXPANEL__SERVICE_ACCOUNT"],
        project_id=found["SOURCES__MIXPANEL__PROJECT_ID"],
        max_retries=retries,
    )
    client.raw_api = f"{box.base_url}/mixpanel/data/api"
    client.formatted_api = f"{box.base_url}/mixpanel/api"
    return client


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    # More profiles than one page holds.
    with small(companies=240, vendors=["mixpanel"], limits=UNLIMITED) as world:
        yield world


def test_the_utilities_export_the_lines_that_the_api_sends(box: Sandbox) -> None:
    asked = {"from_date": DAY, "to_date": DAY}
    events = utilities(box).query_export(dict(asked))
    lines = Client(box).export(DAY, DAY).text.splitlines()
    assert len(lines) > 100
    assert events == [json.loads(line) for line in lines]
    assert utilities(box).query_export(dict(asked), add_gzip_header=True) == events
    named = utilities(box).query_export({**asked, "event": '["report_viewed"]'})
    assert named == [one for one in events if one["event"] == "report_viewed"]
    early = {"from_date": "2015-01-01", "to_date": "2015-01-02"}
    assert utilities(box).query_export(early) == []


def test_the_utilities_read_every_page_of_profiles(box: Sandbox) -> None:
    profiles = utilities(box).query_engage()
    total = Client(box).engage().json()["total"]
    assert len({one["$distinct_id"] for one in profiles}) == len(profiles) == total > 1000
    where = 'properties["plan"] == "pro"'
    some = utilities(box).query_engage({"where": where})
    assert {one["$distinct_id"] for one in some} == {
        one["$distinct_id"] for one in profiles if one["$properties"].get("plan") == "pro"
    }


def test_the_utilities_try_again_after_a_broken_answer(box: Sandbox) -> None:
    box.fault("mixpanel", "server_error")
    assert utilities(box).query_export({"from_date": DAY, "to_date": DAY})


def test_an_export_that_ends_early_is_no_json_to_the_utilities(box: Sandbox) -> None:
    box.fault("mixpanel", "terminated_early")
    with pytest.raises(json.JSONDecodeError):
        utilities(box).query_export({"from_date": DAY, "to_date": DAY})


def test_a_wrong_secret_gets_nothing(box: Sandbox) -> None:
    seen = len(box.requests)
    client = utilities(box, secret="wrong")
    asked = {"from_date": DAY, "to_date": DAY}
    assert client.request(client.raw_api, ["export"], asked) is None
    assert [call.status for call in box.requests[seen:]] == [401]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_day_of_a_project_is_that_of_its_zone(zone: str) -> None:
    options = {"mixpanel": {"timezone": zone}}
    with small(companies=20, vendors=["mixpanel"], options=options) as box:
        for event in utilities(box).query_export({"from_date": DAY, "to_date": DAY}):
            # The wall clock of the project, written as if it were UTC.
            moment = datetime.fromisoformat("1970-01-01") + timedelta(
                seconds=event["properties"]["time"]
            )
            assert moment.date().isoformat() == DAY


def test_the_sixty_first_export_of_an_hour_is_refused() -> None:
    limits = Limits(mixpanel_export_per_second=None)
    with small(companies=3, months=2, vendors=["mixpanel"], limits=limits) as box:
        client = Client(box)
        answers = [client.export(DAY, DAY) for _ in range(61)]
        assert [one.status_code for one in answers] == [200] * 60 + [429]
        assert "61/60 queries running in the last hour" in answers[-1].json()["error"]
        assert "Retry-After" not in answers[-1].headers
        assert client.engage().status_code == 200


def test_more_queries_at_once_than_five_are_refused() -> None:
    options = {"mixpanel": {"query_seconds": 0.5}}
    with small(companies=3, months=2, vendors=["mixpanel"], options=options) as box:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: Client(box).engage(), range(8)))
        refused = [one for one in answers if one.status_code == 429]
        assert len(refused) == 3
        assert all("/5 queries running concurrently" in one.json()["error"] for one in refused)
        assert Client(box).engage().status_code == 200
