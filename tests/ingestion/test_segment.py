"""Segment: log files in a bucket or a folder, each read once, each call one row."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.lines import NOT_AN_OBJECT
from ingestion.sources import segment
from tests.ingestion.support import NOW, contents, query, rows
from tests.ingestion.test_kills import killed_pull

TODAY = "2026-11-20"


class Bucket:
    """A folder that looks like the bucket of one Segment source."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "segment-logs").mkdir(parents=True)

    def write(self, name: str, body: bytes, day: str = TODAY, source: str = "web") -> Path:
        """Leaves a file in the folder of a day."""
        begins = datetime.fromisoformat(day).replace(tzinfo=UTC) if "-" in day else None
        folder = str(int(begins.timestamp()) * 1000) if begins else day
        path = self.root / "segment-logs" / source / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not changed in place: an object store has no such thing.
        path.with_suffix(".new").write_bytes(body)
        path.with_suffix(".new").replace(path)
        return path

    def calls(self, name: str, *calls: Any, **more: Any) -> Path:
        """Leaves a file of calls, packed."""
        return self.write(name, gzip.compress(lines(*calls)), **more)


def lines(*calls: Any) -> bytes:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in calls]
    return "".join(text + "\n" for text in texts).encode()


def call(message: str | None, **more: Any) -> dict[str, Any]:
    stamps = dict.fromkeys(("timestamp", "receivedAt"), "2026-11-20T08:00:00.000Z")
    return {"type": "track", "event": "x", "messageId": message, "userId": "u1"} | stamps | more


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("C360_AS_OF", NOW.isoformat())
    monkeypatch.setenv("SOURCES__SEGMENT__BUCKET_URL", str(tmp_path / "bucket"))
    return Bucket(tmp_path / "bucket")


def stored() -> set[str]:
    return {row[0] for row in query("segment", "select message_id from calls")}


def test_files_are_read_by_what_they_are_and_not_by_their_names(bucket: Bucket) -> None:
    bucket.calls("packed.gz", call("packed"))
    bucket.write("unpacked by a client.gz", lines(call("plain")))
    bucket.write("no end", gzip.compress(lines(call("a"))) + gzip.compress(lines(call("b"))[:-1]))
    bucket.write("empty.gz", gzip.compress(b""))
    bucket.write("nothing.gz", b"")
    result = pipeline.pull("segment")
    assert stored() == {"packed", "plain", "a", "b"}
    assert result.rows == {"calls": 4, "files": 5}
    counted = {row["key"].rpartition("/")[2]: row["lines"] for row in rows("segment", "files")}
    assert counted == {"packed.gz": 1, "unpacked by a client.gz": 1, "no end": 2, "empty.gz": 0,
                       "nothing.gz": 0}  # fmt: skip


def test_a_file_that_is_not_whole_waits_in_quarantine_until_it_is(bucket: Bucket) -> None:
    whole = gzip.compress(lines(*(call(f"late {n}") for n in range(500))))
    bucket.calls("good.gz", call("good"))
    for name in ("broken.gz", "broken for good.gz"):
        bucket.write(name, whole[: len(whole) // 2])
    assert pipeline.pull("segment").rejected == {"files": 2}
    assert stored() == {"good"}
    away = rows("segment", "quarantine")
    assert {(row["resource"], row["reason"]) for row in away} == {
        ("files", "the file is no whole gzip")
    }
    assert {row["record_key"].rpartition("/")[2] for row in away} == {
        "broken.gz", "broken for good.gz"
    }  # fmt: skip
    bucket.write("broken.gz", whole)
    again = pipeline.pull("segment")
    assert (again.rows, again.rejected) == ({"calls": 500, "files": 1}, {"files": 1})
    assert len(rows("segment", "quarantine")) == 2


def test_a_day_receives_files_after_its_end_and_old_folders_are_left_alone(
    bucket: Bucket,
) -> None:
    for day in ("2024-11-18", "2024-11-20", "2026-10-01", "2026-11-19", "replayed"):
        path = bucket.calls("1.gz", call(f"first of {day}"), day=day)
    # The first pull goes back two years.
    first = {f"first of {day}" for day in ("2024-11-20", "2026-10-01", "2026-11-19", "replayed")}
    pipeline.pull("segment")
    assert stored() == first
    bucket.calls("2.gz", call("too late to be looked for"), day="2026-10-01")
    bucket.calls("2.gz", call("late"), day="2026-11-19")
    bucket.calls("2.gz", call("in a folder that is no day"), day="replayed")
    bucket.calls("1.gz", call("from another source"), source="server")
    # A file that is taken away takes no calls with it.
    path.unlink()
    assert pipeline.pull("segment").rows == {"calls": 3, "files": 3}
    assert stored() == first | {"late", "in a folder that is no day", "from another source"}


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("1795132800000", date(2026, 11, 20)),
        ("1795132800", date(2026, 11, 20)),
        ("2026-11-20", None),
        ("9" * 30, None),
    ],
)
def test_a_folder_is_named_after_its_day_in_milliseconds_or_seconds(
    name: str, day: date | None
) -> None:
    assert segment._day(name) == day


def test_a_replay_and_a_file_written_anew_double_nothing(bucket: Bucket) -> None:
    bucket.calls("1.gz", call("a"), call("b"), call("b"), day="2026-11-18")
    pipeline.pull("segment")
    bucket.calls("replay.gz", call("a", receivedAt="2026-11-20T09:00:00Z", projectId="again"))
    bucket.calls("older.gz", call("b", receivedAt="2026-11-01T00:00:00Z", projectId="older"))
    bucket.calls("1.gz", call("a"), call("b"), call("c"), day="2026-11-18")
    assert pipeline.pull("segment").rows == {"calls": 2, "files": 3}
    found = query("segment", "select message_id, source_id from calls order by 1")
    assert found == [("a", "again"), ("b", None), ("c", None)]


def test_many_files_come_in_batches_and_a_call_in_two_of_them_once(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "FILES_PER_BATCH", 3)
    monkeypatch.setenv("SOURCES__SEGMENT__EMAIL_TRAIT", "work.mail")
    traits = {"work.mail": "a@b.c", "email": "no@b.c"}
    for number in range(10):
        bucket.calls(f"{number}.gz", call(f"m{number}", traits=traits), call("everywhere"))
    assert pipeline.pull("segment").rows == {"calls": 11, "files": 10}
    assert query("segment", "select distinct email from calls order by 1") == [("a@b.c",), (None,)]
    assert not (Path(os.environ["C360_DATA_DIR"]) / "exports" / "segment").exists()


AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
CLEAN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "own group": ({"type": "group", "groupId": "g", "context": {"groupId": "c"}},
                  {"group_id": "g"}),
    "group of context": ({"context": {"groupId": " c "}}, {"group_id": " c "}),
    "context is text": ({"context": "odd"}, {"group_id": None}),
    "identify": ({"type": "identify", "event": None, "traits": {"email": "A@b.c", "n": 1}},
                 {"email": "A@b.c", "traits": '{"email":"A@b.c","n":1}'}),
    "traits of context": ({"context": {"traits": {"email": "t@b.c"}}}, {"email": "t@b.c"}),
    "alias": ({"type": "alias", "previousId": "p"}, {"previous_id": "p", "user_id": "u1"}),
    "page": ({"type": "page", "event": None, "name": "Home"}, {"name": "Home", "event": None}),
    "anonymous": ({"userId": None, "anonymousId": "d"}, {"user_id": None, "anonymous_id": "d"}),
    "number": ({"userId": 7}, {"user_id": "7"}),
    "computed time": ({"timestamp": None, "originalTimestamp": "2026-11-20T07:00:00Z",
                       "sentAt": "2026-11-20T07:30:00Z"},
                      {"occurred_at": AT - timedelta(minutes=30)}),
    "no time but receipt": ({"timestamp": None}, {"occurred_at": AT}),
    "offset": ({"timestamp": "2026-11-20T10:00:00+02:00"}, {"occurred_at": AT}),
    "naive": ({"timestamp": "2026-11-20T08:00:00"}, {"occurred_at": AT}),
    "1970": ({"timestamp": "1970-01-01T00:00:05Z"},
             {"occurred_at": datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)}),
    "hours ahead": ({"timestamp": "2026-11-21T11:00:00Z"},
                    {"occurred_at": AT + timedelta(hours=27)}),
    "bad clock of client": ({"originalTimestamp": "never", "sentAt": 5},
                            {"original_timestamp": None, "sent_at": None, "occurred_at": AT}),
    "unknown type": ({"type": "delete", "event": None}, {"type": "delete"}),
    "flips": ({"properties": {"n": "long"}}, {"properties": '{"n":"long"}'}),
    "flips back": ({"properties": {"n": -7}}, {"properties": '{"n":-7}'}),
    "many keys": ({"properties": {f"k{n}": n for n in range(1000)}}, {"event": "x"}),
    "quote": ({"event": "'); drop table calls; --"}, {"event": "'); drop table calls; --"}),
    "emoji": ({"event": "🦊"}, {"event": "🦊"}),
    "new member": ({"brandNew": {"a": 1}}, {"event": "x"}),
}  # fmt: skip
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"type": None}, "type is missing"),
    "type object": ({"type": {"a": 1}}, "type is not a text"),
    "no event": ({"event": None}, "event is missing"),
    "no receipt": ({"receivedAt": None}, "received_at is missing"),
    "receipt text": ({"receivedAt": "soon"}, "received_at is not a time"),
    "time text": ({"timestamp": "yesterday"}, "timestamp is not a time"),
    "no such day": ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp is not a time"),
    "year 10000": ({"timestamp": "10000-01-01T00:00:00Z"}, "timestamp is not a time"),
    "in five years": ({"timestamp": "2031-01-01T00:00:00Z"}, "timestamp is in the future"),
}
LINES = {'{"messageId": "half": "a line"': NOT_AN_OBJECT, "[1]": NOT_AN_OBJECT}


def test_each_bad_input_ends_as_a_row_or_with_a_reason(bucket: Bucket) -> None:
    named = [call(name, **change) for name, (change, _) in (CLEAN | BAD).items()]
    filler = [call(f"filler {number}") for number in range(200)]
    bucket.calls("1.gz", *named, call(None), call("  "), {}, *LINES, *filler)
    result = pipeline.pull("segment")
    found = {row["message_id"]: row for row in rows("segment", "calls")}
    for name, (_, expected) in CLEAN.items():
        assert {column: found[name][column] for column in expected} == expected, name
    assert not found.keys() & BAD.keys()
    away = rows("segment", "quarantine")
    reasons = {row["record_key"]: row["reason"] for row in away}
    assert {name: reasons.get(name) for name in BAD} == {name: bad[1] for name, bad in BAD.items()}
    assert {row["payload"]: row["reason"] for row in away if row["payload"] in LINES} == LINES
    assert {row["payload"]: row["reason"] for row in away if row["payload"] == "{}"} == {
        "{}": NOT_AN_OBJECT
    }
    assert result.rejected == {"calls": len(BAD) + len(LINES) + 3}


def test_a_bucket_that_is_not_there_is_named(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SEGMENT__BUCKET_URL", str(bucket.root / "none"))
    with pytest.raises(PullError, match="SOURCES__SEGMENT__BUCKET_URL") as stopped:
        pipeline.pull("segment")
    assert stopped.value.kind == "credentials"


@pytest.mark.parametrize("there", [0, 1], ids=["the first pull", "a later pull"])
def test_a_pull_killed_while_loading_is_made_whole(
    there: int, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there:
        bucket.calls("1.gz", call("a"), call("b"))
        pipeline.pull("segment")
    bucket.calls("2.gz", call("a", receivedAt="2026-11-20T09:00:00Z"), call("c"))
    killed_pull("segment", "after a job committed, unmarked")
    pipeline.pull("segment")
    found = contents("segment")
    monkeypatch.setenv("C360_DATA_DIR", str(Path(os.environ["C360_DATA_DIR"]) / "undisturbed"))
    pipeline.pull("segment")
    assert found == contents("segment")
    assert found["calls"].total() == 2 + there
