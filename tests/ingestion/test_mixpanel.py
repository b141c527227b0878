"""Mixpanel: whole days or nothing, replaced when they change."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from ingestion import pipeline
from ingestion.columnar import CutStream, Days, EventFile, save_stream, workbench
from ingestion.errors import PullError
from ingestion.sources import mixpanel
from sandbox import Sandbox
from tests.ingestion.support import NOW, query, rows, small_world

Point = Callable[[Sandbox], None]


def exported(box: Sandbox) -> list[dict[str, Any]]:
    """Every event of the world, by a request of the test's own."""
    variables = box.environment()
    answer = requests.get(
        variables["SOURCES__MIXPANEL__EXPORT_BASE_URL"] + mixpanel.EXPORT,
        params={
            "from_date": variables["SOURCES__MIXPANEL__START_DATE"],
            "to_date": box.now.date().isoformat(),
            "project_id": variables["SOURCES__MIXPANEL__PROJECT_ID"],
        },
        auth=(
            variables["SOURCES__MIXPANEL__SERVICE_ACCOUNT"],
            variables["SOURCES__MIXPANEL__SERVICE_SECRET"],
        ),
        timeout=60,
    )
    return [json.loads(line) for line in answer.text.splitlines()]


def an_event(moment: datetime, **more: Any) -> dict[str, Any]:
    properties = {"time": int(moment.timestamp()), "distinct_id": "u_late", **more}
    return {"event": "report_viewed", "properties": {"$insert_id": "late1", **properties}}


def test_every_event_arrives_with_its_duplicates(later: Sandbox) -> None:
    events = exported(later)
    assert len(events) > 1000
    stored = query(
        "mixpanel",
        'select event, epoch("time")::bigint, distinct_id, insert_id, user_id, group_key, '
        "epoch_ms(processed_at), event_date from events order by all",
    )
    sent = sorted(
        (
            one["event"],
            one["properties"]["time"],
            one["properties"].get("distinct_id"),
            one["properties"].get("$insert_id"),
            one["properties"].get("$user_id"),
            one["properties"].get("company_id"),
            one["properties"].get("mp_processing_time_ms"),
            datetime.fromtimestamp(one["properties"]["time"], UTC).date(),
        )
        for one in events
    )
    assert sorted(stored, key=repr) == sorted(sent, key=repr)


def test_profiles_arrive_page_after_page(later: Sandbox) -> None:
    stored = rows("mixpanel", "profiles")
    assert stored
    for row in stored[:20]:
        record = later.record("mixpanel", "profiles", row["distinct_id"])
        assert record
        assert row["email"] == record["$properties"].get("$email")
        assert json.loads(row["properties"]) == record["$properties"]


def test_a_second_pull_asks_for_the_last_days_and_adds_nothing(later: Sandbox) -> None:
    result = pipeline.pull("mixpanel")
    assert result.rows == {}
    (export,) = (call.path for call in later.requests if "export" in call.path)
    assert f"from_date={(NOW - timedelta(days=7)).date()}&to_date={NOW.date()}" in export


def test_a_late_event_replaces_its_day_and_arrives_once(later: Sandbox) -> None:
    before = query("mixpanel", "select count(*) from events")[0][0]
    later.put("mixpanel", "events", [an_event(NOW - timedelta(days=3))])
    assert pipeline.pull("mixpanel").rows == {"events": 1}
    assert query("mixpanel", "select count(*) from events") == [(before + 1,)]
    loads = query(
        "mixpanel",
        "select count(distinct event_date) from events "
        "where _dlt_load_id = (select max(_dlt_load_id) from events)",
    )
    assert loads == [(1,)]
    assert pipeline.pull("mixpanel").rows == {}


def test_a_day_that_gains_and_loses_events_is_the_vendor_s_day(later: Sandbox) -> None:
    day = (NOW - timedelta(days=2)).date()
    gone = rows("mixpanel", "events", f"event_date = '{day}'")[0]["insert_id"]
    later.remove("mixpanel", "events", gone)
    pipeline.pull("mixpanel")
    assert not rows("mixpanel", "events", f"insert_id = '{gone}'")
    sent = [one for one in exported(later) if one["properties"].get("$insert_id") != gone]
    assert query("mixpanel", "select count(*) from events") == [(len(sent),)]


@pytest.mark.parametrize("kind", ["cut_stream", "terminated_early"])
def test_an_export_that_breaks_off_is_asked_for_again_as_a_whole(box: Sandbox, kind: str) -> None:
    box.fault("mixpanel", kind, times=2, path="export")
    pipeline.pull("mixpanel")
    assert query("mixpanel", "select count(*) from events") == [(len(exported(box)),)]


@pytest.mark.parametrize("kind", ["cut_stream", "terminated_early"])
def test_an_export_that_keeps_breaking_off_leaves_what_was_there(later: Sandbox, kind: str) -> None:
    before = query("mixpanel", "select count(*), max(_dlt_load_id) from events")
    later.put("mixpanel", "events", [an_event(NOW - timedelta(days=1))])
    later.fault("mixpanel", kind, times=None, path="export")
    with pytest.raises(PullError, match="kept breaking off") as stopped:
        pipeline.pull("mixpanel")
    assert stopped.value.kind == "bad_answer"
    assert query("mixpanel", "select count(*), max(_dlt_load_id) from events") == before


def test_an_export_that_is_suddenly_empty_is_refused(later: Sandbox) -> None:
    before = query("mixpanel", "select count(*) from events")
    later.fault("mixpanel", "empty_page", times=None, path="export")
    with pytest.raises(PullError, match="events would shrink"):
        pipeline.pull("mixpanel")
    assert query("mixpanel", "select count(*) from events") == before


def test_a_project_with_a_zone_of_its_own_gives_true_utc(at: Point) -> None:
    with small_world(options={"mixpanel": {"timezone": "America/New_York"}}, companies=8) as world:
        at(world)
        pipeline.pull("mixpanel")
        events = exported(world)
        wall_clock = sorted(one["properties"]["time"] for one in events)
        stored = query(
            "mixpanel",
            """select epoch(timezone('America/New_York', "time"))::bigint, event_date
            from events order by 1""",
        )
        assert [row[0] for row in stored] == wall_clock
        assert all(datetime.fromtimestamp(wall, UTC).date() == day for wall, day in stored)
        assert query("mixpanel", """select count(*) from events where "time" > now()""") == [(0,)]


def stream_of(body: bytes, **headers: str) -> Any:
    from urllib3 import HTTPResponse

    raw = HTTPResponse(body=io.BytesIO(body), headers=headers, preload_content=False)
    return SimpleNamespace(headers=headers, raw=raw)


GOOD = b'{"event":"a","properties":{"time":1}}\n'


@pytest.mark.parametrize(
    ("body", "lines"),
    [(b"", 0), (GOOD * 3, 3), ((GOOD * 3)[:-1], 3), (GOOD * 40_000, 40_000)],
)
def test_a_whole_stream_is_saved_and_its_lines_counted(
    tmp_path: Path, body: bytes, lines: int
) -> None:
    assert save_stream(stream_of(body), tmp_path / "plain") == lines
    zipped = stream_of(gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert save_stream(zipped, tmp_path / "unzipped") == lines
    assert (tmp_path / "unzipped").read_bytes() == (tmp_path / "plain").read_bytes() == body


@pytest.mark.parametrize(
    "broken",
    [
        stream_of(GOOD + GOOD[:20]),
        stream_of(GOOD + b"terminated early\n"),
        stream_of(GOOD + b"export terminated early"),
        stream_of(b"<html>502</html>"),
        stream_of(gzip.compress(GOOD * 1000)[:-12], **{"Content-Encoding": "gzip"}),
        stream_of(GOOD, **{"Content-Encoding": "gzip"}),
    ],
)
def test_a_stream_without_its_end_is_no_stream(tmp_path: Path, broken: Any) -> None:
    with pytest.raises(CutStream):
        save_stream(broken, tmp_path / "cut")


def test_a_user_in_several_groups_counts_for_the_first(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(an_event(NOW, company_id=["first", "second"])) + "\n")
    days = Days(date(2026, 11, 1), date(2026, 11, 30), "UTC", NOW + timedelta(days=1), "company_id")
    with workbench(tmp_path) as connection:
        file = EventFile(connection, path, days)
        assert file.readable_to(tmp_path / "x.parquet", "load") == 1
        found = connection.execute(f"select group_key from '{tmp_path}/x.parquet'").fetchall()
    assert found == [("first",)]


def test_a_long_history_takes_ranges_that_grow_while_there_is_little(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__MIXPANEL__START_DATE", "2016-11-20")
    pipeline.pull("mixpanel")
    asked = [call.path for call in box.requests if "export" in call.path]
    # Two are on their way at once, so that they may come in another order than they were sent in.
    assert 2 < len(asked) < 15, "ten years are 118 ranges as short as the first"
    assert sum("from_date=2016-11-20" in path for path in asked) == 1
    assert sum(f"to_date={NOW.date()}" in path for path in asked) == 1
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("running", "in_the_hour", "seconds"), [("1/5", "61/60", 60.0), ("6/5", "12/60", 2.0)]
)
def test_only_a_full_hour_is_waited_for_by_the_minute(
    running: str, in_the_hour: str, seconds: float
) -> None:
    answer = requests.Response()
    answer._content = (
        f'{{"error": "Query rate limit exceeded for project_id: 1. {running} queries running '
        f'concurrently and {in_the_hour} queries running in the last hour."}}'
    ).encode()
    assert mixpanel._wait(answer, 1) == seconds
