"""Heap: which dumps count, in which order, and what becomes of rows that cannot be read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow.parquet as pq
import pytest

from ingestion import avro, pipeline
from ingestion.errors import PullError
from sandbox.vendors.heap import avro as made
from tests.ingestion.support import NOW, query, rows
from tests.ingestion.test_kills import killed_pull

AT = int(datetime(2026, 11, 1, 8, tzinfo=UTC).timestamp() * 1000)
Dump = Callable[..., None]


def event(number: Any, **more: Any) -> dict[str, Any]:
    return {"event_id": number, "user_id": 7, "session_id": 1, "time": AT} | more


def written(path: Path, records: list[dict[str, Any]], codec: str = "null") -> None:
    """A file of `records` with the types of their values."""
    kinds = {int: "long", str: "string", float: "double", bool: "boolean", type(None): "string"}
    names = dict.fromkeys(name for record in records for name in record)
    fields = []
    for name in names:
        held = {kinds[type(r[name])] for r in records if r.get(name) is not None} or {"string"}
        fields.append({"name": name, "type": ["null", *sorted(held)], "default": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, records, codec)


@pytest.fixture
def dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dump:
    """`dump(number, full={...}, more={...})` puts a dump of tables into a folder bucket."""
    bucket = tmp_path / "bucket"
    (bucket / "manifests").mkdir(parents=True)
    monkeypatch.setenv("SOURCES__HEAP__BUCKET_URL", str(bucket))
    monkeypatch.setenv("C360_AS_OF", NOW.isoformat())

    def put(number: int, *, complete: bool = True, full: Any = None, more: Any = None) -> None:
        tables = []
        for given, incremental in ((full or {}, False), (more or {}, True)):
            for name, records in given.items():
                key = f"sync_{number}/{name}/part-00000.avro"
                if records:
                    written(bucket / key, records)
                files = [f"s3://heap-rs3-acme/{key}"] if records else []
                tables.append({"name": name, "files": files, "columns": [],
                               "incremental": incremental})  # fmt: skip
        manifest = {"dump_id": number, "complete": complete, "tables": tables}
        path = bucket / "manifests" / f"sync-manifest-{number}.json"
        path.write_text(json.dumps(manifest))

    return put


def ids(table: str = "report_viewed") -> list[str]:
    """The events of one of the vendor's tables that are stored."""
    found = query(
        "heap", f"select event_id from events where event_table = '{table}' order by event_id::int"
    )
    return [one for (one,) in found]


def test_the_newest_full_dump_and_what_came_after_it_count(dump: Dump, tmp_path: Path) -> None:
    dump(1, full={"report_viewed": [event(1), event(2)]})
    dump(2, more={"report_viewed": [event(3)]})
    dump(3, full={"report_viewed": [event(1), event(4)]})
    dump(4, more={"report_viewed": [event(5)]})
    # What no longer counts may be gone from the bucket.
    for number in (1, 2):
        (tmp_path / f"bucket/sync_{number}/report_viewed/part-00000.avro").unlink()
    assert pipeline.pull("heap").rows == {"dumps": 4, "events": 3}
    assert ids() == ["1", "4", "5"]
    assert query("heap", "select sum(missing_files) from dumps") == [(0,)]


def test_a_later_full_dump_rewrites_the_past_of_its_table_alone(dump: Dump) -> None:
    dump(1, full={"report_viewed": [event(n) for n in range(10)], "app_opened": [event(1)]})
    pipeline.pull("heap")
    dump(2, more={"report_viewed": [event(10)], "app_opened": [event(2)]})
    pipeline.pull("heap")
    dump(3, full={"report_viewed": [event(n) for n in range(2, 12)]}, more={"app_opened": []})
    pipeline.pull("heap")
    assert ids() == [str(n) for n in range(2, 12)]
    assert ids("app_opened") == ["1", "2"]
    assert pipeline.pull("heap").rows == {}


def test_tables_that_were_never_dumped_in_full_begin_with_the_first_dump(dump: Dump) -> None:
    dump(7, more={"report_viewed": [event(1)], "user_migrations": []})
    dump(9, more={"report_viewed": [event(2)]})
    pipeline.pull("heap")
    assert ids() == ["1", "2"]


def test_dumps_are_taken_in_the_order_of_their_numbers(dump: Dump) -> None:
    for number, email in ((9, "nine@example.com"), (10, "ten@example.com")):
        dump(number, more={"users": [{"user_id": 7, "email": email}]})
    pipeline.pull("heap")
    assert query("heap", "select email, dump_id from users") == [("ten@example.com", 10)]


def test_an_unfinished_dump_and_those_after_it_wait(dump: Dump, tmp_path: Path) -> None:
    dump(1, more={"report_viewed": [event(1)]})
    dump(2, more={"report_viewed": [event(2)]}, complete=False)
    dump(3, more={"report_viewed": [event(3)]})
    pipeline.pull("heap")
    assert ids() == ["1"]
    (tmp_path / "bucket/manifests/sync-manifest-2.json").write_text('{"dump_id": 2, "tab')
    pipeline.pull("heap")
    assert ids() == ["1"]
    dump(2, more={"report_viewed": [event(2)]})
    pipeline.pull("heap")
    assert ids() == ["1", "2", "3"]


def test_an_unfinished_dump_that_was_given_up_is_passed_over(
    dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump(1, more={"report_viewed": [event(1)]}, complete=False)
    dump(2, more={"report_viewed": [event(2)]})
    dump(3, more={"report_viewed": [event(3)]}, complete=False)
    monkeypatch.setenv("C360_AS_OF", datetime.now(UTC).replace(year=2030).isoformat())
    pipeline.pull("heap")
    assert ids() == ["2"]


def test_files_that_are_gone_are_noted(dump: Dump, tmp_path: Path) -> None:
    dump(1, more={"report_viewed": [event(1)]})
    dump(2, more={"report_viewed": [event(2)]})
    (tmp_path / "bucket/sync_1/report_viewed/part-00000.avro").unlink()
    pipeline.pull("heap")
    assert ids() == ["2"]
    assert query("heap", "select dump_id from dumps where missing_files > 0") == [(1,)]


def test_a_full_dump_that_leaves_almost_nothing_is_refused_until_it_is_allowed(
    dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [{"user_id": n, "identity": f"u{n}"} for n in range(20)]
    dump(1, full={"report_viewed": [event(n) for n in range(20)], "users": users})
    pipeline.pull("heap")
    dump(2, full={"report_viewed": [event(1)]})
    with pytest.raises(PullError, match="events would shrink from 20 to 1"):
        pipeline.pull("heap")
    dump(2, full={"users": users[:3]})
    with pytest.raises(PullError, match="users would shrink from 20 to 3"):
        pipeline.pull("heap")
    dump(2, full={"report_viewed": [event(1)], "users": users[:3]})
    monkeypatch.setenv("SOURCES__HEAP__ALLOW_SHRINK", "events,users")
    pipeline.pull("heap")
    assert ids() == ["1"]
    assert query("heap", "select count(*) from users") == [(3,)]
    dump(3, more={"users": [{"user_id": 1, "identity": "u1", "email": "e"}, {"user_id": 99}]})
    assert pipeline.pull("heap").rows == {"dumps": 1, "users": 2}
    assert query("heap", "select user_id from users order by 1") == [
        ("0",),
        ("1",),
        ("2",),
        ("99",),
    ]


def test_a_redefinition_that_is_killed_while_it_loads_is_made_whole(dump: Dump) -> None:
    dump(1, full={"report_viewed": [event(n) for n in range(10)], "app_opened": [event(1)]})
    pipeline.pull("heap")
    dump(2, full={"report_viewed": [event(n) for n in range(1, 12)]}, more={"app_opened": []})
    killed_pull("heap", "after a job committed, unmarked")
    assert pipeline.pull("heap").resumed
    assert ids() == [str(n) for n in range(1, 12)]
    assert ids("app_opened") == ["1"]
    assert query("heap", "select distinct part from events order by 1") == [
        ("app_opened/1",),
        ("report_viewed/2",),
    ]


def test_columns_come_and_go(dump: Dump) -> None:
    dump(1, more={"report_viewed": [event(1, browser="Chrome", company_id="acme")]})
    dump(2, more={"report_viewed": [event(2, utm="x", plan=None)]})
    pipeline.pull("heap")
    found = query("heap", "select event_id, account_key, properties from events order by 1")
    assert found == [("1", "acme", '{"browser":"Chrome"}'), ("2", None, '{"utm":"x"}')]


def test_a_broken_file_stops_the_pull(dump: Dump, tmp_path: Path) -> None:
    dump(1, more={"report_viewed": [event(n) for n in range(100)]})
    path = tmp_path / "bucket/sync_1/report_viewed/part-00000.avro"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(PullError, match=r"part-00000\.avro is no whole Avro file"):
        pipeline.pull("heap")
    assert ids() == []


ODD: list[tuple[dict[str, Any], str | tuple[Any, ...]]] = [
    (event(None, path="no id"), "event_id is a key and is missing"),
    (event(1, user_id=None), "user_id is a key and is missing"),
    (event(2, user_id=-1), "user_id is a key and is missing"),
    (event(3, time=None), "time is missing"),
    (event(4, time=2**60), "time is not a date"),
    (event(5, time=-3_000_000_000_000), "time is not a date"),
    (event(6, time=4_102_444_800_000), "time is in the future"),
    (event(7, session_id=-1), ("7", None, AT)),
    (event(8, time=AT * 1000), ("8", "1", AT)),
    (event(9, path="a'); drop table events; --"), ("9", "1", AT)),
]


def test_odd_rows_end_as_rows_or_with_a_reason(dump: Dump) -> None:
    sound = [event(100 + n) for n in range(100)]
    dump(1, more={"report_viewed": [*sound, *(record for record, _ in ODD)]})
    result = pipeline.pull("heap")
    turned_away = [
        (record, reason) for record, reason in ODD if isinstance(reason, str)
    ]  # fmt: skip
    assert result.rejected == {"events": len(turned_away)}
    quarantined = [
        (json.loads(row["payload"]), row["reason"]) for row in rows("heap", "quarantine")
    ]
    for record, reason in turned_away:
        sent = {name: value for name, value in record.items() if value is not None}
        assert (sent, reason) in quarantined
    for _, becomes in ODD:
        if not isinstance(becomes, str):
            found = query(
                "heap",
                'select event_id, session_id, epoch_ms("time") from events '
                f"where event_id = '{becomes[0]}'",
            )
            assert found == [becomes]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_avro_files_of_each_packing_are_read_with_their_types(codec: str, tmp_path: Path) -> None:
    records = made.records(made.longs(np.array([1, -(2**53), 2**62])), made.text("héllo"))
    path = tmp_path / "x.avro"
    path.write_bytes(made.file([("n", made.MOMENT), ("t", "string")], records, codec))
    assert avro.to_parquet(path, tmp_path / "x.parquet") == 3
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {
        "n": [1, -(2**53), 2**62],
        "t": ["héllo"] * 3,
    }


def test_nested_values_become_json_and_no_avro_is_told(tmp_path: Path) -> None:
    schema = {"type": "record", "name": "r", "fields": [
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "map", "type": ["null", {"type": "map", "values": "long"}]},
    ]}  # fmt: skip
    packed = io.BytesIO()
    fastavro.writer(packed, schema, [{"tags": ["a", "b"], "map": {"x": 1}}])
    path = tmp_path / "x.avro"
    path.write_bytes(packed.getvalue())
    avro.to_parquet(path, tmp_path / "x.parquet")
    found = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert found == [{"tags": '["a", "b"]', "map": '{"x": 1}'}]
    path.write_bytes(b"<html>no such file</html>")
    with pytest.raises(avro.BrokenFile):
        avro.to_parquet(path, tmp_path / "y.parquet")
