from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from publish.publication import publish
from publish.reader import NoPublication, connect, publication, query
from tests.publish.built_warehouse import AS_OF


@pytest.fixture
def published(build: Callable[..., Path], target: Path) -> Path:
    publish(build(), target, run_id="run-1", as_of=AS_OF)
    return target


def test_without_a_publication_the_reader_says_what_to_do(target: Path) -> None:
    for read in (publication, lambda folder: query(folder, "select 1")):
        with pytest.raises(NoPublication, match="make run"):
            read(target)
    assert not target.exists()


def test_a_link_that_leads_nowhere_is_no_publication(published: Path) -> None:
    (published / "c360-0001.duckdb").unlink()
    with pytest.raises(NoPublication):
        publication(published)


def test_a_query_takes_parameters(published: Path) -> None:
    one = query(published, "from marts.customer_360 where account_id = ?", ["hubspot:7"])
    assert one.batch.tolist() == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "from read_csv('{folder}/secret.csv')",
        "from '{folder}/secret.csv'",
        "select content from read_text('{folder}/secret.csv')",
        "from read_parquet('{folder}/published/parquet/customer_360.parquet')",
        "from read_duckdb('{folder}/warehouse.duckdb')",
        "from sniff_csv('{folder}/secret.csv')",
        "from glob('{folder}/*')",
        "attach '{folder}/warehouse.duckdb' as w",
        "attach '{folder}/new.duckdb' as w",
        "copy marts.customer_360 to '{folder}/out.csv'",
        "copy (select 1) to '{folder}/out.parquet' (format parquet)",
        "export database '{folder}/out'",
        "install httpfs",
        "load '{folder}/evil.duckdb_extension'",
        "set enable_external_access = true",
        "reset enable_external_access",
        "set lock_configuration = false",
        "set memory_limit = '1TB'",
        "set temp_directory = '{folder}/out'",
        "pragma enable_profiling",
        "create table marts.mine as select 1",
        "delete from marts.customer_360",
        "update marts.publication set run_id = 'forged'",
        "drop table marts.customer_360",
        "comment on table marts.customer_360 is 'forged'",
        "from duckdb_secrets()",
    ],
)
def test_a_box_that_takes_sql_reaches_nothing_but_the_marts(
    statement: str, published: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    before = sorted(tmp_path.rglob("*"))
    # Refused, rather than not found.
    refused = (duckdb.PermissionException, duckdb.InvalidInputException)
    with connect(published) as connection, pytest.raises(refused):
        connection.execute(statement.format(folder=tmp_path)).fetchall()
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []


def test_a_query_does_not_see_the_variables_of_the_program(published: Path) -> None:
    credentials = pd.DataFrame({"token": ["hunter2"]})
    with connect(published) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("from credentials")
    assert len(credentials) == 1


def test_connections_are_closed_so_that_nothing_holds_an_old_file(published: Path) -> None:
    with connect(published) as connection:
        pass
    with pytest.raises(duckdb.Error, match="closed"):
        connection.execute("select 1")
