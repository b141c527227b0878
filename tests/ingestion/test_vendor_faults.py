"""A vendor that misbehaves: survived when it passes, reported in plain words when it stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from requests import Response

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.http import Pace
from ingestion.sources import hubspot_login, mixpanel
from sandbox import Sandbox
from tests.ingestion.support import PACED, contents, rows


@pytest.mark.parametrize(
    ("source", "fault", "kind"),
    [
        ("hubspot", "down", "unreachable"),
        ("stripe", "server_error", "unreachable"),
        ("mixpanel", "rate_limit", "rate_limited"),
    ],
)
def test_faults_that_stay_are_named_and_change_nothing(
    source: str, fault: str, kind: str, later: Sandbox
) -> None:
    before = contents(source)
    later.fault(source, fault, times=None)
    with pytest.raises(PullError) as stopped:
        pipeline.pull(source)
    assert stopped.value.kind == kind
    assert stopped.value.source == source
    later.clear_faults()
    assert contents(source) == before
    assert len(rows(source, "pulls")) == 1


def test_credentials_that_expire_in_mid_pull_change_nothing_and_are_named(later: Sandbox) -> None:
    before = contents("stripe")
    later.put("stripe", "customers", {"id": "cus_new", "object": "customer"})
    later.fault("stripe", "unauthorized", times=None, path="prices")
    with pytest.raises(PullError) as stopped:
        pipeline.pull("stripe")
    assert stopped.value.kind == "credentials"
    assert "[sources.stripe] in .dlt/secrets.toml" in str(stopped.value)
    assert contents("stripe") == before
    later.clear_faults()
    pipeline.pull("stripe")
    assert rows("stripe", "customers", "id = 'cus_new'")


@pytest.mark.parametrize(
    ("source", "part", "table"),
    [
        ("stripe", "/v1/charges", "charges"),
        ("mixpanel", "export", "events"),
    ],
)
def test_a_first_pull_that_met_an_empty_answer_is_made_up_for(
    source: str, part: str, table: str, box: Sandbox, pulled_once: Path
) -> None:
    box.fault(source, "empty_page", times=None, path=part)
    pipeline.pull(source)
    assert not rows(source, table)
    box.clear_faults()
    pipeline.pull(source)
    found = contents(source)[table]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(pulled_once))
        assert found == contents(source)[table]


def test_one_source_that_stops_does_not_stop_another(later: Sandbox) -> None:
    later.fault("stripe", "down", times=None)
    with pytest.raises(PullError):
        pipeline.pull("stripe")
    assert pipeline.pull("hubspot").source == "hubspot"


def test_an_undeclared_column_is_held_to_its_type(later: Sandbox) -> None:
    for number in range(30):
        customer = {"id": f"cus_{number}", "object": "customer", "loyalty": number}
        later.put("stripe", "customers", customer)
    result = pipeline.pull("stripe")
    assert "customers.loyalty" in result.new_columns
    before = contents("stripe")
    later.put("stripe", "customers", {"id": "cus_0", "object": "customer", "loyalty": "gold"})
    assert pipeline.pull("stripe").rejected == {"customers": 1}
    (reject,) = rows("stripe", "quarantine")
    assert (reject["record_key"], reject["reason"]) == ("cus_0", "loyalty was bigint before")
    assert rows("stripe", "customers", "id = 'cus_0'")[0]["loyalty"] == 0
    for number in range(30):
        customer = {"id": f"cus_{number}", "object": "customer", "loyalty": "gold"}
        later.put("stripe", "customers", customer)
    with pytest.raises(PullError, match=r"customers\.loyalty") as stopped:
        pipeline.pull("stripe")
    assert stopped.value.kind == "type_changed"
    assert contents("stripe")["customers"] == before["customers"]


def answer(body: str) -> Response:
    response = Response()
    response._content = body.encode()
    return response


def test_waits_are_those_the_vendors_ask_for() -> None:
    assert hubspot_login.wait(answer('{"policyName": "TEN_SECONDLY_ROLLING"}'), 1) == 10
    assert hubspot_login.wait(answer('{"policyName": "SECONDLY"}'), 1) == 1
    assert hubspot_login.wait(answer('{"policyName": "DAILY"}'), 1) == float("inf")
    assert hubspot_login.wait(answer("<html>"), 1) == 10
    hour = "61/60 queries running in the last hour"
    assert mixpanel._wait(answer(f'{{"error": "{hour}"}}'), 1) == 60


def test_calls_pass_no_faster_than_their_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(Pace, "wait", PACED)
    monkeypatch.setattr("ingestion.http.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("ingestion.http.time.sleep", slept.append)
    pace = Pace(4)
    for _ in range(4):
        pace.wait()
    assert slept == [0, 0.25, 0.5, 0.75]
