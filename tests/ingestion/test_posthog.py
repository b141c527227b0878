"""PostHog: windows of ingestion time, exports that fail, rows that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingestion import http, pipeline
from ingestion.errors import PullError
from sandbox import Sandbox
from tests.ingestion.acceptance.posthog import a_person, an_event
from tests.ingestion.support import NOW, query, rows, small_world, unpaced

Point = Callable[[Sandbox], None]


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    """A world that tests of the first pull share and leave as it is, but for its faults."""
    with small_world(vendors=["posthog"], companies=8, months=2) as box:
        yield box


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Every row after one pull of odd records of each kind, among many sound ones."""
    folder = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch, small_world(vendors=["posthog"]) as box:
        patch.setenv("C360_DATA_DIR", str(folder))
        patch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.0005")
        patch.setattr(http.Pace, "wait", unpaced)
        box.put("posthog", "events", [record for record, _ in ODD])
        box.put("posthog", "persons", [a_person("", 1), a_person("known", 2, email="a@b.example")])
        box.put("posthog", "persons", a_person("odd", 1) | {"properties": "no JSON"})
        for name, value in box.environment().items():
            patch.setenv(name, value)
        pipeline.pull("posthog")
        yield {table: rows("posthog", table) for table in ("events", "persons", "quarantine")}


def odd(uuid: Any, **more: Any) -> dict[str, Any]:
    return an_event(uuid, NOW - timedelta(hours=1), **more)


ODD: list[tuple[dict[str, Any], str | dict[str, Any]]] = [
    (odd(None, event="no uuid"), "uuid is a key and is missing"),
    (odd("  ", event="blank uuid"), "uuid is a key and is missing"),
    (odd("nameless", event=None), "event is missing"),
    (odd("timeless") | {"timestamp": None}, "timestamp is missing"),
    (odd("words") | {"timestamp": "yesterday"}, "timestamp is not a date"),
    (odd("february") | {"timestamp": "2026-02-30T00:00:00Z"}, "timestamp is not a date"),
    (odd("year 1") | {"timestamp": "0001-01-01T00:00:00Z"}, "timestamp is not a date"),
    (odd("2099") | {"timestamp": "2099-01-01T00:00:00Z"}, "timestamp is in the future"),
    (odd("half", properties='{"half": '), "properties is not a JSON object"),
    (odd("list", properties=[1, 2]), "properties is not a JSON object"),
    (odd("json in json", properties=json.dumps('{"a": 1}')), "properties is not a JSON object"),
    (odd("naive") | {"timestamp": "2026-11-01T08:00:00"}, {"timestamp": "2026-11-01 08:00"}),
    (odd("offset") | {"timestamp": "2026-11-01T10:00:00+02:00"}, {"timestamp": "2026-11-01 08:00"}),
    (odd("UPPER"), {"uuid": "upper"}),
    (odd("no group", properties={}), {"group_key": None}),
    (odd("property", properties={"company_id": "acme"}), {"group_key": "acme"}),
    (odd("nobody", distinct_id=None), {"distinct_id": None}),
    (odd("quote", event="a'); drop table events; --"), {"event": "a'); drop table events; --"}),
    (odd("wide", properties={f"p{n}": n for n in range(1000)}), {"group_key": None}),
]


@pytest.mark.parametrize(("record", "becomes"), ODD, ids=[str(one["uuid"]) for one, _ in ODD])
def test_an_odd_event_ends_as_a_row_or_with_a_reason(
    record: dict[str, Any], becomes: Any, landed: dict[str, list[dict[str, Any]]]
) -> None:
    uuid = str(record["uuid"]).lower()
    stored = [row for row in landed["events"] if row["uuid"] == uuid]
    if isinstance(becomes, str):
        assert not stored
        payloads = [
            json.loads(row["payload"]) for row in landed["quarantine"] if row["reason"] == becomes
        ]
        assert [one for one in payloads if one.get("uuid") == record["uuid"]]
        return
    (row,) = stored
    for name, value in becomes.items():
        shown = f"{row[name]:%Y-%m-%d %H:%M}" if name == "timestamp" else row[name]
        assert shown == value


def test_odd_persons_are_turned_away_and_the_others_stay(
    landed: dict[str, list[dict[str, Any]]],
) -> None:
    assert [r["email"] for r in landed["persons"] if r["distinct_id"] == "known"] == ["a@b.example"]
    reasons = {row["reason"] for row in landed["quarantine"] if row["resource"] == "persons"}
    assert reasons == {"distinct_id is a key and is missing", "properties is not a JSON object"}


def test_windows_are_a_week_at_most_without_gaps_and_overlap_the_last_pull_by_an_hour(
    world: Sandbox, at: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = http._VendorSession.send

    def send(self: Any, request: Any, **more: Any) -> Any:
        if request.method == "POST":
            asked.append(json.loads(request.body))
        return real(self, request, **more)

    monkeypatch.setattr(http._VendorSession, "send", send)
    at(world)
    pipeline.pull("posthog")
    spans = sorted(
        (one["data_interval_start"], one["data_interval_end"])
        for one in asked
        if one["model"] == "events"
    )
    assert len(spans) > 8
    assert all(end == begin for (_, end), (begin, _) in pairwise(spans))
    assert spans[-1][1] == "2026-11-20T12:00:00Z"
    asked.clear()
    pipeline.pull("posthog")
    assert {(one["data_interval_start"], one["data_interval_end"]) for one in asked} == {
        ("2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z")
    }


def test_the_key_is_not_shown_to_the_store_of_the_files(
    world: Sandbox, at: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    real = http._VendorSession.send

    def send(self: Any, request: Any, **more: Any) -> Any:
        shown.append(("_files" in request.url, "Authorization" in request.headers))
        return real(self, request, **more)

    monkeypatch.setattr(http._VendorSession, "send", send)
    at(world)
    pipeline.pull("posthog")
    assert set(shown) == {(False, True), (True, False)}


def test_an_export_that_keeps_failing_stops_the_pull(world: Sandbox, at: Point) -> None:
    at(world)
    world.fault("posthog", "export_retryable", times=None)
    with pytest.raises(PullError, match="keeps ending as FailedRetryable") as stopped:
        pipeline.pull("posthog")
    world.clear_faults()
    assert stopped.value.kind == "bad_answer"
    assert query("posthog", "select count(*) from events") == [(0,)]


def test_events_that_the_vendor_no_longer_has_stop_the_pull(at: Point) -> None:
    with small_world(vendors=["posthog"], companies=8, months=2) as box:
        box.put("posthog", "events", [an_event(f"e{n}", NOW) for n in range(40)])
        at(box)
        pipeline.pull("posthog")
        for number in range(40):
            box.remove("posthog", "events", f"e{number}")
        with pytest.raises(PullError, match="events would shrink"):
            pipeline.pull("posthog")


def test_events_that_are_excluded_are_not_pulled_and_a_new_field_arrives(
    at: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__POSTHOG__EXCLUDE_EVENTS", "$pageview,app_opened")
    with small_world(vendors=["posthog"], companies=8, months=2) as box:
        box.put("posthog", "events", an_event("new", NOW, library_version=7))
        at(box)
        assert pipeline.pull("posthog").new_columns == ["events.library_version"]
        assert query("posthog", "select library_version from events where uuid = 'new'") == [(7,)]
        names = {name for (name,) in query("posthog", "select distinct event from events")}
        assert "report_viewed" in names
        assert not {"$pageview", "app_opened"} & names
        box.put("posthog", "events", an_event("changed", NOW, library_version="seven"))
        with pytest.raises(PullError, match=r"events\.library_version has changed its type"):
            pipeline.pull("posthog")


def test_the_newer_of_two_versions_of_a_person_stays(at: Point, tmp_path: Path) -> None:
    with small_world(vendors=["posthog"], companies=8, months=2) as box:
        box.put("posthog", "persons", a_person("p", 5, email="new@b.example"))
        at(box)
        pipeline.pull("posthog")
        box.put("posthog", "persons", a_person("p", 4, email="old@b.example"))
        assert pipeline.pull("posthog").rows == {}
        assert query("posthog", "select email from persons where distinct_id = 'p'") == [
            ("new@b.example",)
        ]
