"""Heap's bucket: manifests, files, what changes from dump to dump."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
import s3fs

from sandbox import Sandbox
from sandbox.vendors.heap.dumps import BUCKET, FIRST_DUMP
from sandbox.vendors.heap.tables import TABLES
from tests.sandbox.conftest import small

OPTIONS = {"heap": {"connected_days": 9, "redefined_every": 6, "codec": "deflate"}}


class Reader:
    """Reads the bucket of one sandbox as Amazon's own client does."""

    def __init__(self, box: Sandbox, secret: str = "") -> None:
        env = box.environment()
        self.files = s3fs.S3FileSystem(
            key=env["SOURCES__HEAP__AWS_ACCESS_KEY_ID"],
            secret=secret or env["SOURCES__HEAP__AWS_SECRET_ACCESS_KEY"],
            endpoint_url=env["SOURCES__HEAP__ENDPOINT_URL"],
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    def numbers(self) -> list[int]:
        """The dumps whose manifests are there."""
        found = self.files.ls(f"{BUCKET}/manifests", detail=False)
        return sorted(int(name.rpartition("-")[2].removesuffix(".json")) for name in found)

    def manifest(self, number: int) -> dict[str, Any]:
        path = f"{BUCKET}/manifests/sync-manifest-{number}.json"
        found: dict[str, Any] = json.loads(self.files.cat_file(path))
        return found

    def rows(self, number: int, table: str) -> list[Any]:
        """The records of one table in one dump."""
        (entry,) = (one for one in self.manifest(number)["tables"] if one["name"] == table)
        return [
            record
            for url in entry["files"]
            for record in fastavro.reader(io.BytesIO(self.files.cat_file(url)))
        ]

    def full(self, number: int) -> set[str]:
        """The tables that a dump holds as a whole."""
        return {t["name"] for t in self.manifest(number)["tables"] if not t["incremental"]}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with small(vendors=["heap"], companies=25, months=3, options=OPTIONS) as box:
        yield Reader(box)


def test_a_dump_is_made_every_night_and_the_first_one_holds_everything(reader: Reader) -> None:
    numbers = reader.numbers()
    assert numbers == list(range(FIRST_DUMP, numbers[-1] + 1))
    assert len(numbers) >= 8
    first = reader.manifest(FIRST_DUMP)
    assert (first["dump_id"], first["complete"]) == (FIRST_DUMP, True)
    assert {table["name"] for table in first["tables"]} == set(TABLES)
    assert reader.full(FIRST_DUMP) == set(TABLES) - {"user_migrations", "invite_sent"}
    assert reader.full(FIRST_DUMP + 1) == set()


def test_a_redefined_table_is_dumped_as_a_whole_and_differs_in_its_past(reader: Reader) -> None:
    again = FIRST_DUMP + 4
    assert reader.full(again) == {"pageviews", "settings_changed"}
    before = {
        row["event_id"]
        for number in range(FIRST_DUMP, again)
        for row in reader.rows(number, "pageviews")
    }
    after = {row["event_id"] for row in reader.rows(again, "pageviews")}
    assert len(before & after) > len(before) / 2
    assert before - after
    assert after - before


def test_rows_have_the_columns_of_the_manifest_and_columns_come(reader: Reader) -> None:
    for table in ("users", "user_migrations", "sessions", "report_viewed"):
        entry = next(t for t in reader.manifest(FIRST_DUMP)["tables"] if t["name"] == table)
        rows = reader.rows(FIRST_DUMP, table)
        assert rows
        assert all(list(row) == entry["columns"] for row in rows)
    columns = {t["name"]: t["columns"] for t in reader.manifest(FIRST_DUMP)["tables"]}
    assert "integration" in columns["integration_synced"]
    assert "integration" not in columns["report_viewed"]


def test_users_are_merged_in_steps_into_one_that_the_app_knows(reader: Reader) -> None:
    numbers = reader.numbers()
    moves = {
        row["from_user_id"]: row["to_user_id"]
        for number in numbers
        for row in reader.rows(number, "user_migrations")
    }
    users = {row["user_id"]: row for n in numbers for row in reader.rows(n, "users")}
    assert any(other in moves for other in moves.values())
    for one in moves:
        end, steps = one, 0
        while end in moves and steps < 5:
            end, steps = moves[end], steps + 1
        assert users[one]["identity"] is None
        assert steps < 3
    assert any(users[other]["identity"] for other in moves.values())


def test_what_is_put_comes_with_the_next_dump_and_what_is_removed_is_gone() -> None:
    with small(vendors=["heap"], companies=8, months=2, options=OPTIONS) as box:
        reader = Reader(box)
        last = reader.numbers()[-1]
        box.put("heap", "events", {"event_table": "app_opened", "event_id": 5, "odd": {"a": 1}})
        box.put("heap", "dumps", {"id": last + 1, "complete": False, "full": ["app_opened"]})
        assert reader.numbers()[-1] == last
        some = reader.rows(FIRST_DUMP, "app_opened")[0]["event_id"]
        box.remove("heap", "events", str(some))
        box.advance(days=1)
        assert reader.numbers()[-1] == last + 1
        assert reader.manifest(last + 1)["complete"] is False
        assert "app_opened" in reader.full(last + 1)
        rows = reader.rows(last + 1, "app_opened")
        assert rows[-1] == {"event_id": 5, "odd": '{"a": 1}'}
        assert some not in {row["event_id"] for row in rows}
        key = f"manifests/sync-manifest-{last}.json"
        box.remove("heap", "files", key)
        assert last not in reader.numbers()


def test_users_are_looked_up_and_strangers_refused(reader: Reader) -> None:
    with small(vendors=["heap"], companies=8, months=2, options=OPTIONS) as box:
        user = Reader(box).rows(FIRST_DUMP, "users")[0]
        found = box.record("heap", "users", str(user["user_id"]))
        assert found
        assert found["identity"] == user["identity"]
        with pytest.raises(PermissionError):
            Reader(box, secret="wrong").numbers()
