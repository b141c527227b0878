"""PostHog's protocol: an export is ordered, asked after, and its files are fetched from a store."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from sandbox import Sandbox
from sandbox.universe.calendar import DAY, midnight
from sandbox.vendors.posthog.routes import PROJECT_ID
from tests.sandbox.conftest import small

SPAN = ("2026-11-09T00:00:00Z", "2026-11-12T00:00:00Z")


class Client:
    """Orders exports of one sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.env = box, box.environment()
        self.headers = {"Authorization": f"Bearer {self.env['SOURCES__POSTHOG__PERSONAL_API_KEY']}"}
        base = self.env["SOURCES__POSTHOG__BASE_URL"]
        self.url = f"{base}/api/environments/{PROJECT_ID}/file_download_batch_exports"

    def order(self, *span: str, model: str = "events", **more: Any) -> requests.Response:
        asked = {"model": model, "file": {"format": "Parquet", "compression": "zstd"},
                 "data_interval_start": span[0], "data_interval_end": span[1], **more}  # fmt: skip
        return requests.post(self.url, json=asked, headers=self.headers, timeout=30)

    def get(self, path: str) -> requests.Response:
        return requests.get(
            f"{self.url}/{path}", headers=self.headers, timeout=30, allow_redirects=False
        )

    def bodies(self, *span: str, **more: Any) -> list[bytes]:
        """The files of an export."""
        run = self.order(*span, **more).json()["id"]
        files = self.get(run).json()["files"]
        links = [
            self.get(f"{run}/download/{n}").headers["Location"] for n in range(len(files))
        ]  # fmt: skip
        return [requests.get(link, timeout=30).content for link in links]

    def rows(self, *span: str, **more: Any) -> list[dict[str, Any]]:
        tables = [pq.read_table(io.BytesIO(body)) for body in self.bodies(*span, **more)]
        return [row for table in tables for row in table.to_pylist()]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with small(vendors=["posthog"], options={"posthog": {"rows_per_file": 300}}) as box:
        yield Client(box)


def test_an_export_holds_what_came_in_from_its_start_to_before_its_end(client: Client) -> None:
    world, begin = client.box.world, midnight(date(2026, 11, 9))
    first = (begin - world.frame.start) // DAY
    received = [
        int(at)
        for number in range(first - 20, first + 4)
        for at in world.events.day(number).received_ms
    ]
    due = [at for at in received if begin * 1000 <= at < (begin + 3 * DAY) * 1000]
    found = client.rows(*SPAN)
    stamps = sorted(int(row["_inserted_at"].timestamp() * 1000) for row in found)
    assert stamps == sorted(due)
    halves = client.rows(SPAN[0], "2026-11-10T12:00:00Z") + client.rows(
        "2026-11-10T12:00:00Z", SPAN[1]
    )
    assert sorted(map(str, halves)) == sorted(map(str, found))


def test_an_event_has_the_fields_of_the_fact_sheet(client: Client) -> None:
    row = next(one for one in client.rows(*SPAN) if one["distinct_id"].startswith("u_"))
    assert set(row) == {
        "uuid", "event", "distinct_id", "person_id", "properties", "person_properties",
        "elements_chain", "timestamp", "created_at", "_inserted_at",
    }  # fmt: skip
    properties = json.loads(row["properties"])
    assert properties["$is_identified"] is True
    assert "$device_id" in properties
    assert json.loads(row["person_properties"])["company_id"]


def test_lines_of_json_say_the_same_as_parquet(client: Client) -> None:
    packed = {"format": "JSONLines", "compression": "gzip"}
    bodies = client.bodies(*SPAN, file=packed)
    lines = [
        json.loads(line)
        for body in bodies
        for line in pa.CompressedInputStream(pa.BufferReader(body), "gzip").read().splitlines()
    ]
    found = {row["uuid"]: row for row in client.rows(*SPAN)}
    assert {line["uuid"] for line in lines} == set(found)
    line = lines[0]
    assert line["properties"] == json.loads(found[line["uuid"]]["properties"])
    assert line["timestamp"].endswith("+00:00")


def test_exports_can_be_narrowed_to_events_and_without_some(client: Client) -> None:
    some = client.rows(*SPAN, include=["report_viewed"])
    others = client.rows(*SPAN, exclude=["report_viewed"])
    assert {row["event"] for row in some} == {"report_viewed"}
    assert "report_viewed" not in {row["event"] for row in others}
    assert len(some) + len(others) == len(client.rows(*SPAN))


def test_persons_have_a_row_per_id_and_the_id_of_a_browser_moves_on_signing_in() -> None:
    with small(vendors=["posthog"], companies=25, months=4) as box:
        client = Client(box)
        before = {row["distinct_id"]: row for row in persons(client)}
        assert len(before) == 2 * len({r["distinct_id"] for r in before.values()} & users(box))
        box.advance(days=30)
        after = {row["distinct_id"]: row for row in persons(client)}
    moved = [
        (before[one], after[one])
        for one in before
        if before[one]["person_id"] != after[one]["person_id"]
    ]
    assert moved
    assert all(
        new["person_distinct_id_version"] > old["person_distinct_id_version"] for old, new in moved
    )


def persons(client: Client) -> list[dict[str, Any]]:
    """All persons, window after window."""
    found = []
    start, now = client.box.world.frame.start, int(client.box.now.timestamp())
    for at in range(start, now, 7 * DAY):
        found += client.rows(stamp(at), stamp(min(at + 7 * DAY, now)), model="persons")
    return found


def users(box: Sandbox) -> set[str]:
    usage = box.world.usage
    return {
        f"u_{100_000 + usage.companies[int(account)].index * 1000 + person.number}"
        for account, person in zip(usage.account, usage.people, strict=True)
    }


def stamp(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


@pytest.mark.parametrize(
    ("span", "more", "said"),
    [
        (("2026-11-01", "2026-11-09"), {}, "1 week"),
        (("2026-11-09", "2026-11-01"), {}, "must be before"),
        (SPAN, {"model": "cohorts"}, "cohorts"),
        (SPAN, {"file": {"format": "CSV"}}, "CSV"),
        (SPAN, {"file": {"format": "JSONLines", "compression": "snappy"}}, "snappy"),
        (SPAN, {"model": "persons", "exclude": ["x"]}, "only supported for events"),
    ],
)
def test_a_bad_order_is_400(client: Client, span: Any, more: Any, said: str) -> None:
    answer = client.order(*span, **more)
    assert answer.status_code == 400
    body = answer.json()
    assert (body["type"], body["code"]) == ("validation_error", "invalid_input")
    assert said in body["detail"]


def test_an_export_that_runs_or_failed_has_no_files() -> None:
    with small(vendors=["posthog"], companies=5, months=2,
               options={"posthog": {"polls_until_done": 2}}) as box:  # fmt: skip
        client = Client(box)
        run = client.order(*SPAN).json()["id"]
        running = client.get(f"{run}/download/0")
        assert (running.status_code, running.json()["detail"]) == (
            400, "Batch export run is still in progress",
        )  # fmt: skip
        assert [client.get(run).json()["status"] for _ in range(3)] == [
            "Running", "Running", "Completed",
        ]  # fmt: skip
        missing = client.get(f"{run}/download/99")
        assert missing.json()["detail"] == "No files with index 99"
        box.fault("posthog", "export_failed")
        assert client.get(run).json()["status"] == "Failed"
        assert client.get(f"{run}/download").json()["detail"] == "Batch export run has failed"


def test_a_file_is_given_to_whoever_has_its_link_and_to_nobody_with_a_key(client: Client) -> None:
    run = client.order(*SPAN).json()["id"]
    link = client.get(f"{run}/download/0")
    assert link.status_code == 302
    where = link.headers["Location"]
    assert requests.get(where, headers=client.headers, timeout=10).status_code == 400
    forged = where[:-1] + ("0" if where[-1] != "0" else "1")
    assert requests.get(forged, timeout=10).status_code == 403
    assert requests.get(where, timeout=10).content[:4] == b"PAR1"


def test_keys_projects_and_limits_are_the_vendor_s() -> None:
    with small(vendors=["posthog"], companies=5, months=2,
               options={"posthog": {"calls_per_minute": 3}}) as box:  # fmt: skip
        client = Client(box)
        answer = requests.get(client.url + "/x", headers={"Authorization": "Bearer x"}, timeout=10)
        assert answer.status_code == 401
        assert answer.json()["code"] == "invalid_personal_api_key"
        other = client.url.replace(PROJECT_ID, "1") + "/x"
        assert requests.get(other, headers=client.headers, timeout=10).status_code == 404
        odd = client.url.replace(PROJECT_ID, "abc") + "/x"
        assert requests.get(odd, headers=client.headers, timeout=10).json()["code"] == (
            "invalid_project"
        )
        codes = [client.get("x").status_code for _ in range(4)]
        assert codes == [404, 404, 404, 429]
        limited = client.get("x")
        assert limited.json()["type"] == "throttled_error"
        assert int(limited.headers["Retry-After"]) > 0
