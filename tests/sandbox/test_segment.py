"""Segment's log files in their bucket, read by s3fs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import s3fs

from sandbox import Sandbox
from tests.sandbox.conftest import small

LOGS = "segment-logs/qZ1wEbApp7"


class Reader:
    """What s3fs sees of one sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        variables = box.environment()
        self.root = variables["SOURCES__SEGMENT__BUCKET_URL"].removeprefix("s3://")
        self.files = s3fs.S3FileSystem(
            key=variables["SOURCES__SEGMENT__AWS_ACCESS_KEY_ID"],
            secret=variables["SOURCES__SEGMENT__AWS_SECRET_ACCESS_KEY"],
            endpoint_url=variables["SOURCES__SEGMENT__ENDPOINT_URL"],
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def listed(self, day: str = "") -> dict[str, str]:
        """Key and etag of every file, or of one day's folder."""
        folder = f"{self.root}/{LOGS}"
        if day:
            begins = datetime.fromisoformat(day).replace(tzinfo=UTC)
            folder += f"/{int(begins.timestamp()) * 1000}"
        found = self.files.find(folder, detail=True)
        return {name: one["ETag"] for name, one in found.items() if one["type"] == "file"}

    def calls(self, *names: str) -> list[dict[str, Any]]:
        """The calls in some files."""
        texts = [gzip.decompress(self.files.cat_file(name)) for name in names]
        return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.fixture(scope="module")
def shown() -> Iterator[Reader]:
    options = {"segment": {"hours_per_file": 8, "page": 4}}
    with small(companies=40, months=2, vendors=["segment"], options=options) as box:
        yield Reader(box)


def test_a_day_folder_holds_what_was_received_on_that_day(shown: Reader) -> None:
    days = shown.files.ls(f"{shown.root}/{LOGS}", detail=False)
    assert [int(day.rpartition("/")[2]) % 86_400_000 for day in days] == [0] * len(days)
    assert len(days) > 50
    names = shown.listed("2026-11-12")
    assert len(names) == 3
    received = [one["receivedAt"] for one in shown.calls(*names)]
    assert received
    assert all(stamp.startswith("2026-11-12T") for stamp in received)


def test_every_event_is_a_call_and_times_follow_the_vendors_formula(shown: Reader) -> None:
    calls = [one for day in range(9, 16) for one in shown.calls(*shown.listed(f"2026-11-{day:02}"))]
    first, until = (int(datetime(2026, 11, d, tzinfo=UTC).timestamp()) * 1000 for d in (9, 16))
    wanted = 0
    for number in range((until // 1000 - shown.box.world.frame.start) // 86_400 + 1):
        received = shown.box.world.events.day(number).received_ms
        wanted += int(((received >= first) & (received < until)).sum())
    events = [one for one in calls if one["type"] in ("track", "page")]
    assert len(events) == wanted > 100
    for one in events:
        at = {name: datetime.fromisoformat(one[name]) for name in
              ("timestamp", "receivedAt", "sentAt", "originalTimestamp")}  # fmt: skip
        assert at["timestamp"] == at["receivedAt"] - (at["sentAt"] - at["originalTimestamp"])
        assert ("groupId" in one["context"]) is ("userId" in one)
    assert any("userId" not in one for one in events)
    repeated = [one["messageId"] for one in events]
    assert len(set(repeated)) < len(repeated)


def test_new_users_are_identified_and_grouped_and_a_few_aliased(shown: Reader) -> None:
    calls = shown.calls(*shown.listed())
    kinds = {kind: [one for one in calls if one["type"] == kind] for kind in
             ("identify", "group", "alias")}  # fmt: skip
    identified = {one["userId"]: one["traits"]["email"] for one in kinds["identify"]}
    # Nine o'clock of the last day is behind us, but the file with it is not written yet.
    begins, today = shown.box.world.frame.start, shown.box.now.date()
    users = shown.box.truth.users
    new = users[(users.joined_on >= datetime.fromtimestamp(begins, UTC).date())
                & (users.joined_on < today)]  # fmt: skip
    expected = dict(zip(new.distinct_id, new.email, strict=True))
    assert identified == expected
    assert {one["userId"] for one in kinds["group"]} == identified.keys()
    assert all(one["traits"]["name"] for one in kinds["group"])
    assert {one["userId"] for one in kinds["alias"]} < identified.keys()
    known = shown.box.truth.who_is_who
    groups = {one["groupId"] for one in kinds["group"]}
    assert groups <= set(known[known.system == "segment"].id)


def test_files_appear_when_their_hours_have_ended_and_stay_as_they_are() -> None:
    options = {"segment": {"hours_per_file": 8}}
    with small(companies=25, months=2, vendors=["segment"], options=options) as box:
        reader = Reader(box)
        before = reader.listed()
        # Now is 15:30: only the first of the day's three files is written.
        assert len(reader.listed("2026-11-18")) == 1
        box.advance(hours=1)
        assert len(reader.listed("2026-11-18")) == 2
        box.advance(days=3)
        after = reader.listed()
        assert {name: after[name] for name in before} == before
        assert len(after) == len(before) + 10


def test_what_is_put_is_a_file_more_in_the_folder_of_today() -> None:
    with small(companies=25, months=2, vendors=["segment"]) as box:
        reader = Reader(box)
        before = reader.listed("2026-11-18")
        box.put("segment", "calls", [{"messageId": "one"}, "half a line"])
        box.put("segment", "files", {"name": "odd.txt", "body": b"as it is"})
        new = sorted(reader.listed("2026-11-18").keys() - before.keys())
        assert len(new) == 2
        text = gzip.decompress(reader.files.cat_file(new[0])).splitlines()
        assert json.loads(text[0])["receivedAt"] == "2026-11-18T15:30:00.000Z"
        assert text[1] == b"half a line"
        assert reader.files.cat_file(new[1]) == b"as it is"
        tags = reader.listed("2026-11-18")
        box.remove("segment", "calls", "one")
        assert gzip.decompress(reader.files.cat_file(new[0])) == b"half a line\n"
        changed = {name for name, tag in reader.listed("2026-11-18").items() if tags[name] != tag}
        assert changed == {new[0]}


def test_a_bucket_that_is_busy_or_refuses_says_so_in_s3s_words() -> None:
    with small(companies=25, months=2, vendors=["segment"]) as box:
        reader = Reader(box)
        box.fault("segment", "unauthorized")
        with pytest.raises(PermissionError):
            reader.listed()
        box.fault("segment", "rate_limit")
        assert reader.listed("2026-11-17")
        assert [call.status for call in box.requests][-2:] == [503, 200]
        box.fault("segment", "empty_page")
        assert reader.listed("2026-11-17") == {}
