from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from publish.publication import PublishError, publish
from publish.reader import NoPublication, connect, publication, query
from tests.publish.built_warehouse import AS_OF

Build = Callable[..., Path]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_readers_get_every_mart_and_nothing_else(build: Build, target: Path) -> None:
    made = publish(build(), target, run_id="run-1", as_of=AS_OF)
    assert made.marts == {
        "account_ids": 100,
        "customer_360": 100,
        "mrr_monthly": 2000,
        "source_freshness": 2,
    }
    # 1.5 * (0 + 1 + ... + 99)
    assert query(target, "select sum(mrr) as mrr from marts.customer_360").mrr[0] == 7425
    with connect(target) as connection:
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
    assert schemas == [("marts",)]


def test_types_and_the_order_of_columns_and_rows_stay(build: Build, target: Path) -> None:
    publish(build(), target, run_id="run-1", as_of=AS_OF)
    with connect(target) as connection:
        described = connection.execute("describe marts.customer_360").fetchall()
        first = connection.execute("select account_id from marts.customer_360 limit 3").fetchall()
    assert [(row[0], row[1]) for row in described] == [
        ("account_id", "VARCHAR"),
        ("mrr", "DECIMAL(18,4)"),
        ("owner_email", "VARCHAR"),
        ("batch", "INTEGER"),
    ]
    assert first == [("hubspot:0",), ("hubspot:1",), ("hubspot:2",)]


def test_a_publication_says_when_from_which_run_and_how_old_each_source_is(
    build: Build, target: Path
) -> None:
    before = datetime.now(UTC)
    made = publish(build(), target, run_id="run-1", as_of=AS_OF)
    assert made == publication(target)
    assert before <= made.published_at <= datetime.now(UTC)
    assert (made.run_id, made.as_of) == ("run-1", AS_OF)
    assert made.age_hours(made.published_at + timedelta(minutes=90)) == 1.5
    crm, product = made.sources
    assert (crm.source, crm.kind) == ("hubspot", "crm")
    assert crm.newest_record_at == datetime(2026, 3, 10, 9, tzinfo=UTC)
    assert (crm.data_age_hours, crm.pull_age_hours) == (3, 1)
    assert (product.newest_record_at, product.data_age_hours) == (None, None)
    assert product.pull_age_hours == 24


def test_the_publication_table_stands_beside_the_marts(build: Build, target: Path) -> None:
    publish(build(), target, run_id="run-1", as_of=AS_OF)
    rows = query(
        target, "select source, run_id, as_of, data_age_hours from marts.publication order by 1"
    )
    assert rows.source.tolist() == ["hubspot", "mixpanel"]
    assert set(rows.run_id) == {"run-1"}
    assert {moment.isoformat() for moment in rows.as_of} == {"2026-03-10T12:00:00"}


def test_a_publication_without_a_source_still_says_when(build: Build, target: Path) -> None:
    made = publish(build(sources=0), target, run_id="run-1", as_of=AS_OF)
    assert made.sources == ()
    assert made.marts["source_freshness"] == 0
    assert made.run_id == "run-1"


def test_comments_survive_on_tables_views_and_columns(build: Build, target: Path) -> None:
    publish(build(), target, run_id="run-1", as_of=AS_OF)
    with connect(target) as connection:
        on_tables = dict(
            connection.execute(
                "select table_name, comment from duckdb_tables() where table_name <> 'publication'"
            ).fetchall()
        )
        on_columns = connection.execute(
            "select table_name, column_name, comment from duckdb_columns()"
            " where comment is not null and table_name <> 'publication' order by all"
        ).fetchall()
        unsaid = connection.execute(
            "select count(*) from duckdb_columns()"
            " where table_name = 'publication' and comment is null"
        ).fetchall()
    assert on_tables == {
        "account_ids": "One row per account id.",
        "customer_360": "One row per account; it's now.",
        "mrr_monthly": None,
        "source_freshness": None,
    }
    assert on_columns == [
        ("account_ids", "account_id", "The account."),
        ("customer_360", "mrr", "Monthly recurring revenue."),
        ("customer_360", "owner_email", "E-mail of the owner."),
    ]
    assert unsaid == [(0,)]


def test_withheld_columns_leave_in_no_form(build: Build, target: Path) -> None:
    withheld = {"customer_360": ["owner_email"]}
    made = publish(build(), target, run_id="run-1", as_of=AS_OF, withheld=withheld)
    assert "owner_email" not in query(target, "from marts.customer_360 limit 0").columns
    parquet = pq.read_schema((target / "parquet").resolve() / "customer_360.parquet")
    assert parquet.names == ["account_id", "mrr", "batch"]
    for file in [made.path, *(target / "parquet").iterdir()]:
        assert b"@example.com" not in file.read_bytes()
        assert b"E-mail of the owner" not in file.read_bytes()


@pytest.mark.parametrize(
    "withheld",
    [
        {"customer_360": ["owner_mail"]},
        {"customers_360": ["owner_email"]},
        {"account_ids": ["account_id", "batch"]},
    ],
)
def test_what_cannot_be_withheld_as_told_is_not_published(
    withheld: dict[str, list[str]], build: Build, target: Path
) -> None:
    with pytest.raises(PublishError, match="withheld"):
        publish(build(), target, run_id="run-1", as_of=AS_OF, withheld=withheld)
    with pytest.raises(NoPublication):
        publication(target)


def test_files_are_read_only_and_links_are_relative(build: Build, target: Path) -> None:
    made = publish(build(), target, run_id="run-1", as_of=AS_OF)
    assert made.path == target / "c360-0001.duckdb"
    assert (target / "c360.duckdb").readlink() == Path("c360-0001.duckdb")
    assert (target / "parquet").readlink() == Path("parquet-0001")
    files = [made.path, *(target / "parquet-0001").iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o444}
    moved = target.rename(target.with_name("elsewhere"))
    assert publication(moved).run_id == "run-1"


def test_parquet_holds_what_the_database_holds(build: Build, target: Path) -> None:
    made = publish(build(), target, run_id="run-1", as_of=AS_OF)
    real = (target / "parquet").resolve()
    rows = {file.stem: pq.read_metadata(file).num_rows for file in real.iterdir()}
    assert rows == {**made.marts, "publication": 2}
    total = duckdb.sql(f"select sum(mrr) from '{target}/parquet/customer_360.parquet'").fetchall()
    assert total == [(7425,)]


def test_the_last_three_are_kept(build: Build, target: Path) -> None:
    for batch in range(1, 6):
        publish(build(batch, rows=1), target, run_id=f"run-{batch}", as_of=AS_OF)
    kept = {f"c360-000{n}.duckdb" for n in (3, 4, 5)} | {f"parquet-000{n}" for n in (3, 4, 5)}
    assert names(target) == kept | {"c360.duckdb", "parquet"}
    assert publication(target).run_id == "run-5"
    publish(build(6, rows=1), target, run_id="run-6", as_of=AS_OF, keep=1)
    assert names(target) == {"c360-0006.duckdb", "parquet-0006", "c360.duckdb", "parquet"}


def test_numbers_go_on_after_the_ten_thousandth(build: Build, target: Path) -> None:
    for number in (9999, 10000, 10001):
        target.mkdir(exist_ok=True)
        (target / "c360.duckdb").unlink(missing_ok=True)
        (target / "c360.duckdb").symlink_to(f"c360-{number - 1:04}.duckdb")
        publish(build(rows=1), target, run_id=str(number), as_of=AS_OF)
    kept = {path.name for path in target.glob("c360-*.duckdb")}
    assert kept == {"c360-9999.duckdb", "c360-10000.duckdb", "c360-10001.duckdb"}


def test_a_process_that_holds_an_old_connection_gets_new_data_by_a_new_one(
    build: Build, target: Path
) -> None:
    batch = "select distinct batch from marts.customer_360"
    publish(build(1), target, run_id="run-1", as_of=AS_OF)
    with connect(target) as old:
        assert old.execute(batch).fetchall() == [(1,)]
        for n in range(2, 7):
            publish(build(n), target, run_id=f"run-{n}", as_of=AS_OF)
            with connect(target) as new:
                assert new.execute(batch).fetchall() == [(n,)]
        # Its file has been removed meanwhile; it still has it, whole.
        assert old.execute("select count(*), min(batch) from marts.mrr_monthly").fetchall() == [
            (2000, 1)
        ]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("drop table marts.source_freshness", "source_freshness is not in the warehouse"),
        ("drop schema marts cascade", "source_freshness is not in the warehouse"),
        ("create table marts.publication as select 1 as a", "which publishing adds itself"),
        ("create view marts.zero as select error('broken') as a", "broken"),
        ("alter table marts.source_freshness drop column pulled_at", "pulled_at"),
    ],
)
def test_a_copy_that_fails_leaves_the_last_publication(
    broken: str, said: str, build: Build, target: Path
) -> None:
    publish(build(1), target, run_id="run-1", as_of=AS_OF)
    before = names(target)
    warehouse = build(2)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(broken)
    with pytest.raises(PublishError, match=said):
        publish(warehouse, target, run_id="run-2", as_of=AS_OF)
    assert names(target) == before
    assert publication(target).run_id == "run-1"
    assert query(target, "select distinct batch from marts.customer_360").batch.tolist() == [1]


def test_without_a_warehouse_nothing_is_published(build: Build, target: Path) -> None:
    publish(build(1), target, run_id="run-1", as_of=AS_OF)
    with pytest.raises(PublishError, match="the warehouse cannot be read"):
        publish(target / "absent.duckdb", target, run_id="run-2", as_of=AS_OF)
    assert publication(target).run_id == "run-1"


def test_a_full_disk_leaves_the_last_publication(
    build: Build, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(build(1), target, run_id="run-1", as_of=AS_OF)
    before = names(target)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PublishError, match="No space left"):
        publish(build(2), target, run_id="run-2", as_of=AS_OF)
    assert names(target) == before
    assert publication(target).run_id == "run-1"


@pytest.mark.parametrize("link", ["c360.duckdb", "parquet"])
def test_what_publishing_did_not_make_is_not_overwritten(
    link: str, build: Build, target: Path
) -> None:
    (target / link).mkdir(parents=True)
    with pytest.raises(PublishError, match="was not made by publishing"):
        publish(build(), target, run_id="run-1", as_of=AS_OF)


def test_two_publishers_do_not_meet(build: Build, target: Path) -> None:
    from publish.folder import only_publisher

    with only_publisher(target), pytest.raises(PublishError, match="another process"):
        publish(build(), target, run_id="run-2", as_of=AS_OF)
    assert publish(build(), target, run_id="run-3", as_of=AS_OF).run_id == "run-3"


def test_a_path_and_names_with_quotes_are_only_names(build: Build, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s "published"'
    warehouse = build()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("""create table marts."it's" as select 1 as "a ""b"" c" """)
        connection.execute("""comment on column marts."it's"."a ""b"" c" is 'x''y' """)
    made = publish(warehouse, odd, run_id="run'1", as_of=AS_OF)
    assert made.marts["it's"] == 1
    assert made.run_id == "run'1"


def test_a_naive_as_of_and_keeping_nothing_are_refused(build: Build, target: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        publish(build(), target, run_id="r", as_of=AS_OF.replace(tzinfo=None))
    with pytest.raises(ValueError, match="keep"):
        publish(build(), target, run_id="r", as_of=AS_OF, keep=0)
