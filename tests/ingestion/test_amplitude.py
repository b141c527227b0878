"""Amplitude: hours of upload, each event once, exports in as small parts as the vendor wants."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.columnar import CutStream
from ingestion.errors import PullError
from ingestion.lines import NOT_AN_OBJECT
from ingestion.sources import amplitude
from sandbox import Sandbox
from tests.ingestion.acceptance.amplitude import counts
from tests.ingestion.support import NOW, query, rows, small_world

Point = Callable[[Sandbox], None]
UPLOADED = "2026-11-20 02:00:00.000000"


@pytest.fixture
def few(at: Point, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes small worlds that are pulled from their last two weeks on."""
    opened = []

    def make(**options: Any) -> Sandbox:
        world = small_world(vendors=["amplitude"], companies=12, options={"amplitude": options})
        opened.append(world)
        world.start()
        at(world)
        monkeypatch.setenv("SOURCES__AMPLITUDE__START_DATE", "2026-11-06")
        return world

    yield make
    for world in opened:
        world.stop()


def asked(box: Sandbox) -> list[tuple[datetime, datetime, int]]:
    """First and last hour of every export that was asked for, and the answer's status."""
    found = []
    for call in box.requests:
        start, end = (part.partition("=")[2] for part in call.path.partition("?")[2].split("&"))
        hours = [datetime.strptime(t, "%Y%m%dT%H").replace(tzinfo=UTC) for t in (start, end)]
        found.append((hours[0], hours[1], call.status))
    return found


def put(box: Sandbox, *events: Any) -> None:
    shown = {"server_upload_time": UPLOADED, "event_time": UPLOADED, "event_type": "x"}
    box.put(
        "amplitude", "events", [shown | one if isinstance(one, dict) else one for one in events]
    )


def test_hours_follow_each_other_and_none_is_asked_for_before_its_time(
    few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = few()
    # Names of groups and properties are anybody's.
    monkeypatch.setenv("SOURCES__AMPLITUDE__GROUP_TYPE", "org 'id'")
    monkeypatch.setenv("SOURCES__AMPLITUDE__EMAIL_PROPERTY", "Work.Mail")
    put(box, {"uuid": "own", "groups": {"org 'id'": ["o1"], "company": ["c1"]},
              "user_properties": {"Work.Mail": "a@b.c", "Work": {"Mail": "no"}}})  # fmt: skip
    pipeline.pull("amplitude")
    found = query("amplitude", "select group_key, email from events where uuid = 'own'")
    assert found == [("o1", "a@b.c")]
    ranges = asked(box)
    assert ranges[0][0] == datetime(2026, 11, 6, tzinfo=UTC)
    for before, after in pairwise(ranges):
        assert after[0] == before[1] + timedelta(hours=1)
    assert ranges[-1][1] == NOW - timedelta(hours=3)
    first = len(box.requests)
    assert pipeline.pull("amplitude").rows == {}
    assert asked(box)[first:] == [
        (NOW - timedelta(hours=26), NOW - timedelta(hours=3), 200),
    ]


@pytest.mark.parametrize(
    ("options", "refused"), [({"size_limit": 130 * 200}, 400), ({"timeout_hours": 400}, 504)]
)
def test_what_is_too_much_at_once_is_asked_for_in_parts_and_comes_whole(
    few: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, int], refused: int
) -> None:
    box = few(**options)
    monkeypatch.setenv("SOURCES__AMPLITUDE__START_DATE", "2026-08-01")
    pipeline.pull("amplitude")
    stopped = [hours for *hours, status in asked(box) if status == refused]
    assert stopped
    assert query("amplitude", "select count(*) from events") == [(counts(box)["events"],)]


def test_an_hour_that_is_too_large_says_what_to_do_and_one_that_times_out_is_tried_again(
    few: Any,
) -> None:
    box = few(size_limit=130 * 40)
    put(box, *({"uuid": f"e{number}"} for number in range(200)))
    with pytest.raises(PullError, match="let Amplitude export to S3") as stopped:
        pipeline.pull("amplitude")
    assert stopped.value.kind == "bad_answer"
    other = few()
    other.fault("amplitude", "timeout", times=None)
    with pytest.raises(PullError, match="even for a single hour") as stopped:
        pipeline.pull("amplitude")
    assert stopped.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("not_a_zip", "bad_answer", "2026-11-06T00 to 2026-11-12T23 kept breaking off"),
        ("unauthorized", "credentials", "SOURCES__AMPLITUDE__SECRET_KEY"),
    ],
)
def test_an_export_that_does_not_come_is_named(few: Any, fault: str, kind: str, told: str) -> None:
    few().fault("amplitude", fault, times=None)
    with pytest.raises(PullError, match=told) as stopped:
        pipeline.pull("amplitude")
    assert stopped.value.kind == kind
    assert query("amplitude", "select count(*) from events") == [(0,)]


def test_wrong_keys_may_be_those_of_the_other_region(
    few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    few()
    monkeypatch.setenv("SOURCES__AMPLITUDE__API_KEY", "other")
    with pytest.raises(PullError, match="other region"):
        pipeline.pull("amplitude")


def test_hours_that_are_suddenly_empty_are_refused_and_no_data_at_all_is_fine(few: Any) -> None:
    box = few()
    box.fault("amplitude", "empty_page", times=None)
    assert pipeline.pull("amplitude").rows == {}
    box.clear_faults()
    assert pipeline.pull("amplitude").rows["events"] > 100
    box.fault("amplitude", "empty_page", times=None)
    before = query("amplitude", "select count(*) from events")
    with pytest.raises(PullError, match="events would shrink"):
        pipeline.pull("amplitude")
    assert query("amplitude", "select count(*) from events") == before


def archive(*files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for number, body in enumerate(files):
            packed.writestr(f"1/1_2026-11-01_{number}#0.json.gz", body)
    return made.getvalue()


def test_an_archive_is_unpacked_file_by_file_whatever_its_lines_end_in(tmp_path: Path) -> None:
    one, two = b'{"a": 1}\n{"a": 2}\n', b'{"a": 3}'
    packed = archive(gzip.compress(one), gzip.compress(two), one, b"", gzip.compress(b""))
    (tmp_path / "x.zip").write_bytes(packed)
    assert amplitude._unzip(tmp_path / "x.zip", tmp_path / "x") == 5
    assert (tmp_path / "x").read_bytes() == one + two + b"\n" + one


@pytest.mark.parametrize(
    "body",
    [
        archive(gzip.compress(b"x" * 9999)[:-5]),
        archive(gzip.compress(b"x" * 9999))[:-9],
        archive(gzip.compress(b'{"a": 1}\n')).replace(b"1_2026", b"1_2O26", 1),
    ],
    ids=["a file in it is cut", "it is cut", "it is spoilt"],
)
def test_an_archive_that_is_not_whole_is_no_archive(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(body)
    with pytest.raises(CutStream):
        amplitude._unzip(tmp_path / "x.zip", tmp_path / "x")


CLEAN: dict[str, tuple[Any, dict[str, Any]]] = {
    "P anonymous": ({"user_id": None, "device_id": "d1"}, {"user_id": None, "device_id": "d1"}),
    "P user as number": ({"user_id": 7}, {"user_id": "7"}),
    "P group": ({"groups": {"company": ["acme", "beta"]}}, {"group_key": "acme"}),
    "P group as text": ({"groups": {"company": "acme"}}, {"group_key": "acme"}),
    "P no group": ({"groups": {"team": ["x"]}}, {"group_key": None}),
    "P groups null": ({"groups": None}, {"group_key": None, "groups": None}),
    "P space": ({"groups": {"company": [" acme "]}}, {"group_key": " acme "}),
    "P mail": ({"user_properties": {"email": "A@b.c"}}, {"email": "A@b.c"}),
    "P UUID": ({"user_id": "A0EE-BC99"}, {"user_id": "A0EE-BC99"}),
    "P session": ({"session_id": -1}, {"session_id": -1}),
    "P session text": ({"session_id": "soon"}, {"session_id": None}),
    "P insert id": ({"$insert_id": None}, {"insert_id": None}),
    "P bracket": ({"event_type": "[Amplitude] Start"}, {"event_type": "[Amplitude] Start"}),
    "P quote": ({"event_type": "'); drop table events; --"},
                {"event_type": "'); drop table events; --"}),
    "P 1970": ({"event_time": "1970-01-01 00:00:05"},
               {"event_time": datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)}),
    "P late": ({"event_time": "2026-10-01 00:00:00.5"},
               {"event_time": datetime(2026, 10, 1, 0, 0, 0, 500_000, tzinfo=UTC)}),
    "T3 offset": ({"event_time": "2026-11-01T12:00:00+02:00"},
                  {"event_time": datetime(2026, 11, 1, 10, tzinfo=UTC)}),
    "P nested": ({"event_properties": {"blob": '{"a": [1, {"b": 2}]}'}},
                 {"event_properties": '{"blob":"{\\"a\\": [1, {\\"b\\": 2}]}"}'}),
    "P many keys": ({"event_properties": {f"k{n}": n for n in range(1000)}}, {"event_type": "x"}),
    "P long URL": ({"event_properties": {"url": "https://example.com/?" + "q=1&" * 20_000}},
                   {"event_type": "x"}),
    "P flips": ({"event_properties": {"duration": "long"}},
                {"event_properties": '{"duration":"long"}'}),
    "P flips back": ({"event_properties": {"duration": -7}},
                     {"event_properties": '{"duration":-7}'}),
    "G16 NUL": ({"country": "a\0b"}, {"event_type": "x"}),
    "G20": ({"country": "🦊 and \u202ereversed"}, {"country": "🦊 and \u202ereversed"}),
    "G new field": ({"brand_new": [1, 2]}, {"event_type": "x"}),
}  # fmt: skip
BAD: dict[str, tuple[Any, str]] = {
    "P no event": ({"event_type": None}, "event_type is missing"),
    "P event object": ({"event_type": {"a": 1}}, "event_type is not a text"),
    "P no time": ({"event_time": None}, "event_time is missing"),
    "P time text": ({"event_time": "yesterday"}, "event_time is not a time"),
    "T6 no such day": ({"event_time": "2026-02-30 00:00:00"}, "event_time is not a time"),
    "T8 year 10000": ({"event_time": "10000-01-01 00:00:00"}, "event_time is not a time"),
    "T7 year 1": ({"event_time": "0001-01-01 00:00:00"}, "event_time is not a time"),
    "P in five years": ({"event_time": "2031-01-01 00:00:00"}, "event_time is in the future"),
    "P no upload": ({"server_upload_time": None}, "server_upload_time is missing"),
}
LINES = {
    '{"uuid": "half a line", "event_ty': NOT_AN_OBJECT,
    '["a list"]': NOT_AN_OBJECT,
    '"a text"': NOT_AN_OBJECT,
}


def test_each_bad_input_ends_as_a_row_or_with_a_reason(few: Any) -> None:
    box = few()
    put(box, *(change | {"uuid": name} for name, (change, _) in (CLEAN | BAD).items()))
    put(box, {"uuid": "twice"}, {"uuid": "twice"}, {"uuid": None}, {"uuid": " "}, {}, *LINES)
    put(box, *({"uuid": f"filler {number}"} for number in range(200)))
    box.advance(hours=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_AS_OF", box.environment()["C360_AS_OF"])
        result = pipeline.pull("amplitude")
    stored = {row["uuid"]: row for row in rows("amplitude", "events")}
    for name, (_, expected) in CLEAN.items():
        assert {column: stored[name][column] for column in expected} == expected, name
    assert "twice" in stored
    assert not stored.keys() & BAD.keys()
    away = rows("amplitude", "quarantine")
    reasons = {row["record_key"]: row["reason"] for row in away}
    assert {name: reasons.get(name) for name in BAD} == {
        name: why for name, (_, why) in BAD.items()
    }
    assert {row["payload"]: row["reason"] for row in away if row["payload"] in LINES} == LINES
    assert sum(row["reason"] == "uuid is a key and is missing" for row in away) == 3
    assert result.rejected == {"events": len(BAD) + len(LINES) + 3}
