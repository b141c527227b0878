"""Whoever may type SQL reaches the marts alone, whichever recipe of the guide opened them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from publish.reader import READER_CONFIG
from tests.page.small_publication import publish_at

BI = Path(__file__).resolve().parents[2] / "docs" / "bi"
GUIDE = (BI / "README.md").read_text()

Open = Callable[[str], duckdb.DuckDBPyConnection]


def blocks(language: str) -> list[str]:
    """The code of the guide in one language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def as_in_python(file: str) -> duckdb.DuckDBPyConnection:
    """Opens with the arguments that the guide gives to duckdb.connect."""
    code = next(code for code in blocks("python") if "duckdb.connect" in code)
    (call,) = (
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "duckdb.connect"
    )
    given: dict[str, Any] = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    return duckdb.connect(file, **given)


def as_in_the_cli(file: str) -> duckdb.DuckDBPyConnection:
    """Opens as the CLI does: -readonly, then what stands behind -cmd."""
    (command,) = (code for code in blocks("sh") if code.startswith("duckdb"))
    found = re.search(r'-readonly .* -cmd "(.+)"', command)
    assert found
    connection = duckdb.connect(file, read_only=True)
    connection.execute(found[1])
    return connection


def as_the_drivers_are_told(file: str) -> duckdb.DuckDBPyConnection:
    """Opens read-only, then runs the statements that the guide has drivers run on connect."""
    found = re.search(r"run on connect: `(.+?)`", GUIDE)
    assert found
    connection = duckdb.connect(file, read_only=True)
    connection.execute(found[1])
    return connection


def as_superset_does(file: str) -> duckdb.DuckDBPyConnection:
    """Opens with what the database of the Superset files hands to DuckDB."""
    database = yaml.safe_load((BI / "superset" / "databases" / "customer_360.yaml").read_text())
    return duckdb.connect(file, **database["extra"]["engine_params"]["connect_args"])


WAYS: list[Open] = [as_in_python, as_in_the_cli, as_the_drivers_are_told, as_superset_does]

ATTACKS = [
    "from read_csv('{folder}/secret.csv')",
    "from '{folder}/secret.csv'",
    "select content from read_text('{folder}/secret.csv')",
    "from read_blob('{folder}/secret.csv')",
    "from read_json('{folder}/secret.csv')",
    "from read_parquet('{folder}/published/parquet/customer_360.parquet')",
    "from glob('{folder}/*')",
    "attach '{folder}/warehouse.duckdb' as warehouse (read_only)",
    "attach '{folder}/new.duckdb' as new",
    "copy (from marts.customer_360) to '{folder}/out.csv'",
    "copy marts.customer_360 to '{folder}/out.parquet' (format parquet)",
    "copy marts.customer_360 from '{folder}/secret.csv'",
    "export database '{folder}/out'",
    "import database '{folder}/out'",
    "install httpfs",
    "install sqlite from '{folder}'",
    "load '{folder}/evil.duckdb_extension'",
    "set enable_external_access = true",
    "set global enable_external_access to 'true'",
    "reset enable_external_access",
    "pragma enable_external_access = true",
    "set allowed_directories = ['{folder}']",
    "set lock_configuration = false",
    "set threads = 64",
    "set temp_directory = '{folder}/out'",
    "set log_query_path = '{folder}/log.txt'",
    "pragma enable_profiling = 'json'",
    "create or replace table marts.customer_360 as select 1 as one",
    "insert into marts.publication select * from marts.publication",
    "update marts.customer_360 set arr = 0",
    "drop schema marts cascade",
    "create secret s (type s3, key_id 'k', secret 's')",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a publication, a warehouse and a secret in it."""
    folder = tmp_path_factory.mktemp("box")
    publish_at(folder)
    (folder / "secret.csv").write_text("password\nhunter2\n")
    return folder


# Before the boxes: one process opens one file with one set of settings at a time.
def test_without_the_settings_the_same_box_reads_the_secret(folder: Path) -> None:
    with duckdb.connect(str(folder / "published" / "c360.duckdb"), read_only=True) as connection:
        read = connection.execute(f"from read_csv('{folder}/secret.csv')").fetchall()
    assert read == [("hunter2",)]


def test_the_recipes_run_as_they_stand_in_the_guide(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(code, names)
    assert names["red"].to_dict("list") == {"csm_name": ["Sato"], "red_arr": [120000]}
    assert isinstance(names["accounts"], pd.DataFrame)
    assert len(names["accounts"]) == 6
    assert len(names["months"]) == 1
    assert f"config={READER_CONFIG}".replace("'", '"') in GUIDE


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.__name__)
def box(folder: Path, request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    """The publication, opened in one of the ways."""
    with request.param(str(folder / "published" / "c360.duckdb")) as connection:
        yield connection


def test_a_box_answers_questions_about_the_marts(box: duckdb.DuckDBPyConnection) -> None:
    asked = "select sum(arr) from marts.customer_360 where health_band = 'red'"
    assert box.execute(asked).fetchall() == [(120000,)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_box_reads_writes_loads_and_unlocks_nothing(
    attack: str, box: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(duckdb.Error) as refused:
        box.execute(attack.format(folder=folder)).fetchall()
    # Refused, not merely missing or misspelt.
    words = "disabled by configuration|has been locked|read-only mode|disabled through|not allowed"
    assert re.search(words, str(refused.value)), refused.value
    assert sorted(folder.rglob("*")) == before
