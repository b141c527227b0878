"""A publication in a real PostgreSQL: what arrives, what readers see meanwhile, who may read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import duckdb
import psycopg2
import pytest

from publish import postgres
from publish.folder import PublishError
from publish.postgres import publish_to_postgres
from publish.publication import publish
from publish.reader import NoPublication
from tests.postgres_server import PASSWORD, Server, server
from tests.publish.built_warehouse import AS_OF, build_at

NUMBER = count(1)
EVERY_BUILD = " union all ".join(
    f"select min(batch), max(batch), count(*) from marts.{mart}"
    for mart in ("account_ids", "customer_360", "mrr_monthly", "source_freshness")
)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture
def dsn(running: Server) -> str:
    """A database that no other test uses."""
    name = f"test_{next(NUMBER)}"
    running.ask(running.dsn(), f"create database {name}")
    return running.dsn(name)


@pytest.fixture
def published(tmp_path: Path) -> Callable[..., Path]:
    """Builds, publishes and gives the folder: `published(batch=2, sql="alter table ...")`."""

    def run(batch: int = 1, sql: str = "select 1") -> Path:
        warehouse = build_at(tmp_path / "warehouse.duckdb", batch)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(sql)
        publish(warehouse, tmp_path / "published", run_id=str(batch), as_of=AS_OF)
        return tmp_path / "published"

    return run


def test_every_value_arrives_as_it_is_with_its_type_and_its_comment(
    running: Server, dsn: str, published: Callable[..., Path]
) -> None:
    folder = published(
        sql="""
        create table marts.odd as select * from (values
            (1, 'a "quoted", text' || chr(10) || 'in two lines',
                12345678901234.5678::decimal(18, 4), timestamp '2026-03-10 09:00:00.123456',
                date '2026-03-10', true, 0.1::double, 9007199254740993::bigint),
            (2, '', -0.0001::decimal(18, 4), null, null, false, null, null),
            (3, null, null, null, null, null, null, null),
            (4, 'zero' || chr(0) || ' is gone', null, null, null, null, null, null),
            (5, '\\N 請求 €', null, null, null, null, null, null)
        ) t(n, said, amount, happened_at, happened_on, is_so, share, big);
        create table marts.empty as select n, happened_at, amount from marts.odd limit 0;
        """
    )
    done = publish_to_postgres(folder, dsn)
    assert done.rows["odd"] == 5
    assert done.rows["empty"] == 0
    assert running.ask(dsn, "select * from marts.odd order by n") == [
        (
            1,
            'a "quoted", text\nin two lines',
            Decimal("12345678901234.5678"),
            datetime(2026, 3, 10, 9, 0, 0, 123456, tzinfo=UTC),
            date(2026, 3, 10),
            True,
            0.1,
            9007199254740993,
        ),
        (2, "", Decimal("-0.0001"), None, None, False, None, None),
        (3, None, None, None, None, None, None, None),
        (4, "zero is gone", None, None, None, None, None, None),
        (5, "\\N 請求 €", None, None, None, None, None, None),
    ]
    types = "select attname, format_type(atttypid, atttypmod) from pg_attribute"
    assert dict(
        running.ask(dsn, f"{types} where attrelid = 'marts.odd'::regclass and attnum > 0")
    ) == {
        "n": "integer",
        "said": "character varying",
        "amount": "numeric(18,4)",
        "happened_at": "timestamp with time zone",
        "happened_on": "date",
        "is_so": "boolean",
        "share": "double precision",
        "big": "bigint",
    }
    assert running.ask(
        dsn,
        "select obj_description('marts.customer_360'::regclass),"
        " col_description('marts.customer_360'::regclass, 2)",
    ) == [("One row per account; it's now.", "Monthly recurring revenue.")]
    left = "select nspname from pg_namespace where nspname !~ '^pg_' order by 1"
    assert running.ask(dsn, left) == [("information_schema",), ("marts",), ("public",)]


def test_readers_see_one_whole_publication_while_others_follow(
    running: Server, dsn: str, published: Callable[..., Path]
) -> None:
    publish_to_postgres(published(1), dsn)
    # This one wants several answers to agree, and asks for the others much later.
    patient = psycopg2.connect(dsn)
    patient.set_session(isolation_level="REPEATABLE READ")
    cursor_of_patient = patient.cursor()
    cursor_of_patient.execute("select min(batch) from marts.account_ids")
    stop, builds, wrong = threading.Event(), set(), []

    def read() -> None:
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        try:
            while not stop.wait(0.03):
                with connection.cursor() as cursor:
                    cursor.execute(EVERY_BUILD)
                    seen = cursor.fetchall()
                builds.update(number for row in seen for number in row[:2])
                one = len({number for row in seen for number in row[:2]}) == 1
                if not one or [row[2] for row in seen] != [100, 100, 2000, 2]:
                    wrong.append(seen)
        except psycopg2.Error as error:
            wrong.append(str(error))
        finally:
            connection.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for batch in range(2, 5):
            publish_to_postgres(published(batch), dsn)
        # The readers get their turn after the last one as well.
        give_up = time.monotonic() + 30
        while 4 not in builds and time.monotonic() < give_up:
            time.sleep(0.01)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert builds == {1, 2, 3, 4}
    cursor_of_patient.execute(EVERY_BUILD)
    assert cursor_of_patient.fetchall() == [(1, 1, 100), (1, 1, 100), (1, 1, 2000), (1, 1, 2)]
    patient.close()


def test_the_role_reads_the_marts_and_nothing_else_that_is_not_open_to_all(
    running: Server, dsn: str, published: Callable[..., Path]
) -> None:
    running.ask(dsn, "create schema billing; create table billing.cards (number text)")
    running.ask(dsn, "create table public.notes (note text)")
    running.ask(dsn, "create table public.open as select 1; grant select on open to public")
    done = publish_to_postgres(published(), dsn, role="bi_people")
    # What publishing has not granted it cannot take back; it says so.
    assert done.exposed == ("public.open",)
    running.ask(dsn, f"create role tableau login password '{PASSWORD}' in role bi_people")
    database = dsn.rsplit("/", 1)[1]
    tableau = running.dsn(database, user="tableau")
    assert running.ask(tableau, "select count(*) from marts.customer_360") == [(100,)]
    assert running.ask(tableau, "select max(run_id) from marts.publication") == [("1",)]
    for refused in (
        "select * from billing.cards",
        "select * from public.notes",
        "delete from marts.customer_360",
        "update marts.customer_360 set mrr = 0",
        "insert into marts.customer_360 default values",
        "truncate marts.customer_360",
        "drop table marts.customer_360",
        "create table marts.mine (n int)",
        "create table public.mine (n int)",
        "create schema mine",
        "select pg_read_file('/etc/passwd')",
        "copy marts.customer_360 to '/var/lib/stolen'",
        "set role admin",
    ):
        with pytest.raises(
            (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.NotNullViolation)
        ):
            running.ask(tableau, refused)
    running.ask(dsn, f"create role somebody login password '{PASSWORD}'")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        running.ask(running.dsn(database, user="somebody"), "select * from marts.customer_360")


def test_columns_and_marts_come_and_go_but_nothing_that_a_view_needs(
    running: Server, dsn: str, published: Callable[..., Path]
) -> None:
    publish_to_postgres(published(1, "create table marts.old as select 1 as batch"), dsn)
    running.ask(
        dsn, "create view public.paying as select account_id, batch from marts.customer_360"
    )
    running.ask(dsn, "create view public.owners as select owner_email from marts.customer_360")
    changed = published(
        2,
        "alter table marts.customer_360 drop owner_email;"
        "alter table marts.customer_360 add column tier varchar default 'high'",
    )
    with pytest.raises(PublishError, match=r"view owners depends on column owner_email"):
        publish_to_postgres(changed, dsn)
    assert running.ask(dsn, "select distinct batch from marts.mrr_monthly") == [(1,)]
    assert running.ask(dsn, "select batch from marts.old") == [(1,)]
    running.ask(dsn, "drop view public.owners")
    publish_to_postgres(changed, dsn)
    assert running.ask(dsn, "select distinct batch from public.paying") == [(2,)]
    assert running.ask(dsn, "select distinct tier from marts.customer_360") == [("high",)]
    assert running.ask(dsn, "select to_regclass('marts.old')") == [(None,)]


def test_a_schema_of_somebody_else_is_left_alone(
    running: Server, dsn: str, published: Callable[..., Path]
) -> None:
    running.ask(dsn, "create schema marts; create table marts.theirs as select 1 as n")
    with pytest.raises(PublishError, match="the schema marts was not made by publishing"):
        publish_to_postgres(published(), dsn)
    assert running.ask(dsn, "select n from marts.theirs") == [(1,)]


def test_two_cannot_publish_at_once(
    running: Server, dsn: str, published: Callable[..., Path]
) -> None:
    other = psycopg2.connect(dsn)
    other.cursor().execute("select pg_advisory_lock(hashtext('c360 marts'))")
    with pytest.raises(PublishError, match="another process is publishing"):
        publish_to_postgres(published(), dsn)
    other.close()


def test_the_command_takes_the_password_from_libpq_and_says_what_readers_see(
    running: Server,
    dsn: str,
    published: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    without = dsn.replace(f":{PASSWORD}", "")
    postgres.main([without, "--published", str(published(7)), "--schema", "c360"])
    said = capsys.readouterr().out
    assert "customer_360                          100" in said
    assert "Run 7 is what c360_bi reads in the schema c360." in said
    assert running.ask(dsn, "select count(*) from c360.customer_360") == [(100,)]


def test_a_wrong_password_or_no_publication_is_said_in_one_line(
    running: Server, dsn: str, published: Callable[..., Path], tmp_path: Path
) -> None:
    wrong = dsn.replace(PASSWORD, "guessed")
    with pytest.raises(PublishError, match="password authentication failed") as refused:
        publish_to_postgres(published(), wrong)
    assert "guessed" not in str(refused.value)
    with pytest.raises(NoPublication):
        publish_to_postgres(tmp_path / "nothing", dsn)
