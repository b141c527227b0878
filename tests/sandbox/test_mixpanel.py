"""Mixpanel's protocol: the raw export and the pages of profiles."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.sandbox.conftest import NOW, Client, small

DAY = "2026-11-10"


def _events(answer: requests.Response) -> list[dict]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_range_holds_both_its_ends_and_nothing_else(shared: Client):
    three = _events(shared.export("2026-11-09", "2026-11-11"))
    days = Counter(
        datetime.fromtimestamp(event["properties"]["time"], UTC).date().isoformat()
        for event in three
    )
    assert sorted(days) == ["2026-11-09", "2026-11-10", "2026-11-11"]
    single = _events(shared.export(DAY, DAY))
    assert len(single) == days[DAY]
    assert [e for e in three if e in single] == single


def test_an_event_has_the_fields_of_the_fact_sheet(shared: Client):
    events = _events(shared.export(DAY, DAY))
    known = next(event for event in events if "$user_id" in event["properties"])
    assert set(known) == {"event", "properties"}
    properties = known["properties"]
    assert {"time", "distinct_id", "$device_id", "$user_id", "mp_processing_time_ms", "mp_lib",
            "$mp_api_endpoint", "company_id"} <= properties.keys()  # fmt: skip
    assert properties["mp_processing_time_ms"] > properties["time"] * 1000
    linked = [e for e in events if e["event"] in ("integration_synced", "integration_connected")]
    assert all(event["properties"]["integration"] for event in linked)


def test_a_day_before_the_beginning_is_an_empty_200(shared: Client):
    answer = shared.export("2020-01-01", "2020-01-01")
    assert (answer.status_code, answer.content) == (200, b"")


def test_today_shows_only_what_has_arrived_by_now(shared: Client):
    events = _events(shared.export("2026-11-18", "2026-11-18"))
    now_ms = NOW.timestamp() * 1000
    assert events
    assert all(event["properties"]["mp_processing_time_ms"] <= now_ms for event in events)


def test_a_bad_range_or_parameter_is_400(shared: Client):
    answer = shared.export(DAY, "2026-11-19")
    assert answer.status_code == 400
    assert answer.json()["error"] == "to_date cannot be later than today"
    assert answer.json()["request"].startswith("/api/2.0/export?from_date=2026-11-10")
    assert shared.export("2026-11-19", "2026-11-20").json()["error"].startswith("from_date cannot")
    assert shared.export(DAY, "2026-11-09").status_code == 400
    assert shared.export("10/11/2026", DAY).status_code == 400
    assert shared.export(DAY, DAY, limit="100001").status_code == 400
    assert shared.export(DAY, DAY, event="report_viewed").status_code == 400


def test_event_limit_where_and_milliseconds_narrow_the_export(shared: Client):
    whole = _events(shared.export(DAY, DAY))
    names = ["report_viewed", "report_created"]
    some = _events(shared.export(DAY, DAY, event=json.dumps(names)))
    assert some == [event for event in whole if event["event"] in names]
    assert _events(shared.export(DAY, DAY, limit="7")) == whole[:7]
    assert len(_events(shared.export("2026-11-01", DAY, limit="300"))) == 300
    team = _events(shared.export(DAY, DAY, where='properties["plan"] == "team"'))
    assert team == [event for event in whole if event["properties"].get("plan") == "team"]
    fine = _events(shared.export(DAY, DAY, time_in_ms="true"))
    assert [e["properties"]["time"] // 1000 for e in fine] == [
        e["properties"]["time"] for e in whole
    ]


def test_the_export_is_packed_only_when_asked_and_worth_it():
    with small(companies=25, options={"mixpanel": {"gzip": True}}) as box:
        client = Client(box)
        plain = client.session.send(_prepared(client, "identity", DAY, DAY), stream=True)
        packed = client.session.send(_prepared(client, "gzip", DAY, DAY), stream=True)
        past = _prepared(client, "gzip", "2020-01-01", "2020-01-01")
        tiny = client.session.send(past, stream=True)
        body = packed.raw.read(decode_content=False)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body) == plain.raw.read(decode_content=False)
        assert "Content-Encoding" not in plain.headers
        assert "Content-Encoding" not in tiny.headers


def _prepared(client: Client, encoding: str, first: str, last: str) -> requests.PreparedRequest:
    request = client.export(first, last).request
    request.headers["Accept-Encoding"] = encoding
    return request


def test_a_project_with_its_own_time_zone_cuts_and_writes_local_time():
    zone = ZoneInfo("America/New_York")
    with small(companies=40, options={"mixpanel": {"timezone": "America/New_York"}}) as box:
        local = _events(Client(box).export(DAY, DAY))
    with small(companies=40) as box:
        around = _events(Client(box).export("2026-11-09", "2026-11-11"))
    expected = Counter()
    for event in around:
        at = datetime.fromtimestamp(event["properties"]["time"], UTC).astimezone(zone)
        if at.date().isoformat() == DAY:
            wall = int(at.replace(tzinfo=UTC).timestamp())
            expected[event["event"], event["properties"]["distinct_id"], wall] += 1
    got = Counter(
        (e["event"], e["properties"]["distinct_id"], e["properties"]["time"]) for e in local
    )
    assert got == expected
    assert got


def test_the_day_of_a_zone_ahead_begins_before_that_of_utc():
    with small(companies=5, options={"mixpanel": {"timezone": "Asia/Tokyo"}}) as box:
        client = Client(box)
        assert client.export("2026-11-19", "2026-11-19").status_code == 200
        assert client.export("2026-11-20", "2026-11-20").status_code == 400


def test_profiles_come_in_pages_of_one_session():
    with small(companies=200, months=18) as box:
        client = Client(box)
        first = client.engage().json()
        assert (first["page"], first["page_size"], first["status"]) == (0, 1000, "ok")
        rows, page = first["results"], 0
        while len(rows) == (page + 1) * 1000:
            page += 1
            rows += client.engage(session_id=first["session_id"], page=str(page)).json()["results"]
        ids = [row["$distinct_id"] for row in rows]
        assert len(set(ids)) == len(ids) == first["total"] > 1000
        answer = client.engage(page="1")
        assert answer.status_code == 400
        assert answer.json()["error"] == "request for page in uncached query for params"
        other = client.engage(
            page="1", session_id=first["session_id"], where='properties["x"] == 1'
        )
        assert other.status_code == 400


def test_profiles_are_filtered_and_cut_to_properties(shared: Client):
    rows = shared.engage().json()["results"]
    key = rows[0]["$properties"]["company_id"]
    found = shared.engage(where=f'properties["company_id"] == "{key}"').json()
    assert found["total"] == sum(row["$properties"]["company_id"] == key for row in rows)
    mail = shared.engage(output_properties='["$email"]').json()["results"]
    assert {frozenset(row["$properties"]) for row in mail} <= {frozenset(), frozenset({"$email"})}
    assert shared.engage(where="drop table").status_code == 400


def test_the_service_account_and_its_project_are_needed(shared: Client):
    url = shared.env["SOURCES__MIXPANEL__QUERY_BASE_URL"] + "/api/query/engage"
    right = (
        shared.env["SOURCES__MIXPANEL__SERVICE_ACCOUNT"],
        shared.env["SOURCES__MIXPANEL__SERVICE_SECRET"],
    )
    answer = requests.post(url, auth=("a", "b"), params={"project_id": "2526451"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Invalid service account credentials", "status": "error"}
    assert requests.post(url, auth=right, timeout=10).status_code == 400
    assert requests.post(url, auth=right, params={"project_id": "1"}, timeout=10).status_code == 403


def test_put_events_and_raw_lines_join_the_day_they_belong_to(own: Client):
    at = int(datetime(2026, 11, 10, 12, tzinfo=UTC).timestamp())
    own.box.put("mixpanel", "events", [
        {"event": "report_viewed", "time": at, "distinct_id": "x1", "$insert_id": "zzz1"},
        {"event": "odd", "properties": {"time": at, "distinct_id": "x2", "deep": {"a": [1]}}},
        '{"event": "broken", "properties": {"time": ',
    ])  # fmt: skip
    lines = own.export(DAY, DAY).text.splitlines()
    assert json.loads(lines[-2])["properties"]["$insert_id"] == "zzz1"
    assert json.loads(lines[-1])["properties"]["deep"] == {"a": [1]}
    today = own.export("2026-11-18", "2026-11-18").text.splitlines()
    assert today[-1] == '{"event": "broken", "properties": {"time": '
    assert "odd" in {e["event"] for e in _events(own.export(DAY, DAY, event='["odd"]'))}


def test_deleted_events_and_profiles_are_gone(own: Client):
    line = _events(own.export(DAY, DAY))[0]
    user = line["properties"]["distinct_id"]
    own.box.remove("mixpanel", "events", user)
    assert user not in own.export(DAY, DAY).text
    person = own.engage().json()["results"][0]["$distinct_id"]
    own.box.remove("mixpanel", "profiles", person)
    own.box.put("mixpanel", "profiles", {"$distinct_id": "new", "$properties": {"$email": None}})
    ids = {row["$distinct_id"] for row in own.engage().json()["results"]}
    assert person not in ids
    assert "new" in ids


@pytest.mark.parametrize("resource", ["events", "profiles"])
def test_nothing_can_be_archived(own: Client, resource: str):
    with pytest.raises(ValueError, match="cannot archive"):
        own.box.archive("mixpanel", resource, "x")
