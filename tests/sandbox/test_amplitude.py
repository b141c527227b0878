"""Amplitude's Export API, read by requests and by the export routine of mixpanel-utils."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from mixpanel_utils import MixpanelUtils

from sandbox import Sandbox
from tests.sandbox.conftest import small

NOW = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
PART = 10


def keys(box: Sandbox) -> tuple[str, str]:
    variables = box.environment()
    return (
        variables["SOURCES__AMPLITUDE__API_KEY"],
        variables["SOURCES__AMPLITUDE__SECRET_KEY"],
    )


def export(box: Sandbox, start: str, end: str, **more: Any) -> requests.Response:
    url = box.environment()["SOURCES__AMPLITUDE__BASE_URL"] + "/api/2/export"
    asked = {"start": start, "end": end}
    return requests.get(url, asked, **{"auth": keys(box), "timeout": 60, **more})


def lines(answer: requests.Response) -> dict[str, list[bytes]]:
    """The lines of each file of an archive."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {
            name: gzip.decompress(archive.read(name)).splitlines() for name in archive.namelist()
        }


def read(answer: requests.Response) -> dict[str, list[dict[str, Any]]]:
    """The rows of each file of an archive."""
    return {name: [json.loads(line) for line in found] for name, found in lines(answer).items()}


def events(answer: requests.Response) -> list[dict[str, Any]]:
    """The rows of all files of an archive."""
    return [row for rows in read(answer).values() for row in rows]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    options = {"amplitude": {"part_lines": PART}}
    with small(companies=40, months=3, vendors=["amplitude"], options=options) as found:
        yield found


def test_each_hour_has_files_of_its_own_named_after_it(box: Sandbox) -> None:
    files = read(export(box, "20261112T00", "20261113T23"))
    parts = 0
    for name, rows in files.items():
        folder, _, rest = name.partition("/")
        hour, _, part = rest.removeprefix(f"{folder}_").removesuffix(".json.gz").partition("#")
        begins = datetime.strptime(hour, "%Y-%m-%d_%H").replace(tzinfo=UTC)
        parts += int(part) > 0
        assert 0 < len(rows) <= PART
        for row in rows:
            uploaded = datetime.fromisoformat(row["server_upload_time"] + "+00:00")
            assert begins <= uploaded < begins + timedelta(hours=1)
    assert parts


def test_every_event_of_the_world_is_exported_once(box: Sandbox) -> None:
    rows = [
        row for file in read(export(box, "20261101T00", "20261107T23")).values() for row in file
    ]
    first, until = (
        int(datetime(2026, 11, day, tzinfo=UTC).timestamp()) * 1000 for day in (1, 8)
    )  # fmt: skip
    wanted = 0
    start = box.world.frame.start * 1000
    for number in range((until - start) // 86_400_000 + 1):
        day = box.world.events.day(number)
        there = (day.received_ms >= first) & (day.received_ms < until)
        wanted += int((there & ~(day.repeated & day.has_id)).sum())
    own = [row for row in rows if row["event_type"] not in ("$identify", "Daily Ad Metrics")]
    assert len(own) == wanted > 100
    assert len({row["uuid"] for row in rows}) == len(rows)


def test_the_archive_is_one_for_mixpanels_own_importer(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = export(box, "20261110T00", "20261110T23")
    judge = MixpanelUtils("", token="t", project_id=1, service_account_username="u")
    folder = Path(judge._extract_amplitude_data(answer.url, ":".join(keys(box))))
    found = [row for path in folder.iterdir() for row in json.loads(path.read_text())]
    assert sorted(row["uuid"] for row in found) == sorted(
        row["uuid"] for rows in read(answer).values() for row in rows
    )


def test_nobodys_rows_and_server_side_ones_are_outside_of_any_session(box: Sandbox) -> None:
    rows = [
        row for file in read(export(box, "20261009T00", "20261115T23")).values() for row in file
    ]
    outside = {(row["event_type"], row["user_id"] is None) for row in rows
               if row["session_id"] == -1}  # fmt: skip
    assert outside == {("api_call", False), ("Daily Ad Metrics", True)}
    known = next(row for row in rows if row["user_id"] and row["event_type"] == "report_viewed")
    assert known["groups"]["company"][0]
    assert "@" in known["user_properties"]["email"]
    assert any(row["user_id"] is None and row["groups"] == {} for row in rows)
    assert any(row["$insert_id"] is None for row in rows)


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        ("20200101T00", "20200102T23", 404),
        ("20261118T13", "20261118T23", 404),
        ("20261112T05", "20261112T04", 400),
        ("20251101T00", "20261112T00", 400),
        ("2026-11-12", "20261112T00", 400),
        ("", "", 400),
    ],
)
def test_no_data_is_404_and_a_range_that_is_none_400(
    box: Sandbox, start: str, end: str, status: int
) -> None:
    assert export(box, start, end).status_code == status


def test_keys_are_asked_for(box: Sandbox) -> None:
    assert export(box, "20261112T00", "20261112T01", auth=None).status_code == 401
    assert export(box, "20261112T00", "20261112T01", auth=("a", "b")).status_code == 403


def test_an_hour_can_be_exported_two_hours_after_its_end_and_is_then_the_same_for_ever() -> None:
    with small(companies=40, months=3, vendors=["amplitude"]) as box:
        before = read(export(box, "20261118T00", "20261118T23"))
        hours = {int(name.partition("#")[0].rpartition("_")[2]) for name in before}
        # Now is 15:30: hour 12 ended two and a half hours ago, hour 13 one and a half.
        assert max(hours) <= 12
        box.put("amplitude", "events", {"uuid": "now", "event_type": "x"})
        box.advance(hours=2)
        after = read(export(box, "20261118T00", "20261118T23"))
        assert {name: after[name] for name in before} == before
        assert not any(row["uuid"] == "now" for rows in after.values() for row in rows)
        box.advance(hours=1)
        after = read(export(box, "20261118T15", "20261118T15"))
        (put,) = (row for rows in after.values() for row in rows if row["uuid"] == "now")
        assert put["server_upload_time"] == "2026-11-18 15:30:00.000000"
        box.remove("amplitude", "events", "now")
        left = export(box, "20261118T15", "20261118T15")
        assert left.status_code == 404 or '"now"' not in str(read(left))


def test_too_large_and_too_long_exports_are_refused_in_the_vendors_way() -> None:
    options = {"amplitude": {"size_limit": 130 * 40, "timeout_hours": 200}}
    with small(companies=40, months=3, vendors=["amplitude"], options=options) as box:
        assert export(box, "20261101T00", "20261107T23").status_code == 400
        assert export(box, "20261101T00", "20261110T23").status_code == 504
        assert export(box, "20261108T00", "20261108T01").status_code in (200, 404)
        box.fault("amplitude", "timeout")
        assert export(box, "20261108T00", "20261108T01").status_code == 504
        box.fault("amplitude", "not_a_zip")
        answer = export(box, "20261108T00", "20261108T01")
        assert (answer.status_code, answer.content[:5]) == (200, b"<html")
        box.fault("amplitude", "rate_limit")
        limited = export(box, "20261108T00", "20261108T01")
        assert (limited.status_code, limited.json()["error"]["type"]) == (429, "too_many_requests")
        box.put("amplitude", "events", ["half a line", {"uuid": None}])
        box.advance(hours=4)
        found = lines(export(box, "20261118T15", "20261118T15"))
        assert any(b"half a line" in one for one in found.values())


def test_the_groups_that_are_exported_are_accounts_of_the_truth(box: Sandbox) -> None:
    rows = [
        row for file in read(export(box, "20261009T00", "20261115T23")).values() for row in file
    ]
    groups = {row["groups"]["company"][0] for row in rows if row["groups"]}
    known = box.truth.who_is_who
    assert groups <= set(known[known.system == "amplitude"].id)
