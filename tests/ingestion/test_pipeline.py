"""The raw file and the run around a pull."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import dlt
import duckdb
import pytest
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration
from dlt.extract.exceptions import ResourceExtractionError

from ingestion import locks, pipeline, settings
from ingestion.errors import PullError
from ingestion.problems import as_pull_error
from ingestion.pull import Pull
from ingestion.stored import Stored
from ingestion.tables import Column, Table
from sandbox import Sandbox
from tests.ingestion.support import SOURCES, contents, query, rows

Point = Callable[[Sandbox], None]


@pytest.mark.parametrize("source", SOURCES)
def test_every_table_and_column_is_there_before_anybody_was_asked(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nobody may be asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    pipeline.ensure_tables(source)
    for table in pipeline._tables(source):
        described = {row[0]: row[1] for row in query(source, f"describe {table.name}")}
        assert set(described) == {column.name for column in table.columns} | {
            "_dlt_load_id",
            "_dlt_id",
        }
        assert query(source, f"select count(*) from {table.name}") == [(0,)]
    assert query(source, "select count(*) from _dlt_loads") == [(0,)]


def test_table_names_ask_neither_network_nor_disk(data_dir: Path) -> None:
    for source in SOURCES:
        names = pipeline.table_names(source)
        assert names[-2:] == ["quarantine", "pulls"]
        assert len(names) == len(set(names))
    assert not data_dir.exists()


def test_money_and_epochs_are_whole_numbers_and_moments_carry_a_zone() -> None:
    pipeline.ensure_tables("stripe")
    pipeline.ensure_tables("hubspot")
    prices = {row[0]: row[1] for row in query("stripe", "describe prices")}
    assert (prices["unit_amount"], prices["unit_amount_decimal"]) == ("BIGINT", "VARCHAR")
    assert (prices["created"], prices["tiers"]) == ("BIGINT", "JSON")
    deals = {row[0]: row[1] for row in query("hubspot", "describe deals")}
    assert deals["updated_at"] == "TIMESTAMP WITH TIME ZONE"
    assert deals["properties__amount"] == "VARCHAR"


@pytest.mark.parametrize("source", SOURCES)
def test_the_raw_file_can_be_read_by_older_clients(source: str, later: Sandbox) -> None:
    header = settings.raw_database(source).read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    # 67 is what DuckDB 1.4 reads; 2.0 writes 999 unless it is told otherwise.
    assert int.from_bytes(header[12:20], "little") == 67


def test_the_log_of_pulls_has_a_row_also_when_nothing_was_new(later: Sandbox) -> None:
    pipeline.pull("stripe")
    first, second = sorted(rows("stripe", "pulls"), key=lambda row: row["pull_id"])
    assert first["rows"] > 0
    assert second["rows"] == 0
    assert second["pulled_through"] == later.now


def test_lost_working_files_cost_nothing(later: Sandbox, data_dir: Path, at: Point) -> None:
    sources = ("hubspot", "mixpanel")
    before = {source: contents(source) for source in sources}
    shutil.rmtree(data_dir / "dlt")
    for source in sources:
        assert pipeline.pull(source).rows == {}, source
        assert contents(source) == before[source]


def test_finished_loads_leave_no_records_behind(later: Sandbox, data_dir: Path) -> None:
    secret = rows("hubspot", "contacts")[0]["properties__email"].encode()
    files = [path for path in (data_dir / "dlt").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret in path.read_bytes()]
    assert not [path for path in files if path.suffix in (".parquet", ".gz", ".insert_values")]
    assert not (data_dir / "exports" / "mixpanel").exists()
    assert query("hubspot", "select count(*) from f.raw_hubspot_staging.contacts") == [(0,)]


@pytest.mark.parametrize("source", ["stripe", "mixpanel"])
def test_a_data_folder_may_have_an_apostrophe_in_its_name(
    source: str, later: Sandbox, data_dir: Path, monkeypatch: pytest.MonkeyPatch, at: Point
) -> None:
    theirs = data_dir.parent / "O'Brien's data"
    monkeypatch.setenv("C360_DATA_DIR", str(theirs))
    pipeline.pull(source)
    found = contents(source)
    assert pipeline.pull(source).rows == {}
    later.advance(days=1)
    at(later)
    monkeypatch.setenv("C360_DATA_DIR", str(theirs))
    assert pipeline.pull(source).rows
    monkeypatch.setenv("C360_DATA_DIR", str(data_dir))
    assert found == contents(source)


def test_a_bad_pending_package_is_given_up_and_the_pull_goes_on(
    later: Sandbox, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later.put("stripe", "customers", {"id": "cus_new", "object": "customer", "name": "New"})

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dlt.Pipeline, "load", die)
        with pytest.raises(KeyboardInterrupt):
            pipeline.pull("stripe")
    jobs = list((data_dir / "dlt").rglob("new_jobs/*.parquet"))
    assert jobs
    for job in jobs:
        job.write_bytes(b"not parquet")
    result = pipeline.pull("stripe")
    assert result.resumed
    assert rows("stripe", "customers", "id = 'cus_new'")
    assert pipeline.pull("stripe").resumed is False


def test_a_file_that_somebody_else_has_open_is_waited_for_then_named(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    path = settings.raw_database("hubspot")
    code = (
        f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print('open', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(PullError, match=r"raw_hubspot\.duckdb is open in another") as stopped:
            pipeline.pull("hubspot")
        assert holder.stdin
        holder.stdin.close()
    assert stopped.value.kind == "locked"
    assert pipeline.pull("hubspot").rows == {}


def test_two_pulls_of_one_source_do_not_meet(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    with locks.only_one("stripe"), pytest.raises(PullError, match="still running") as stopped:
        pipeline.pull("stripe")
    assert stopped.value.kind == "locked"


def test_an_unexpected_error_is_reported_without_the_text_that_may_quote_a_record(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise duckdb.ConversionException("could not convert 'jane.doe@example.com'")

    monkeypatch.setattr(dlt.Pipeline, "normalize", fail)
    with pytest.raises(PullError) as stopped:
        pipeline.pull("hubspot")
    assert "jane" not in str(stopped.value)
    assert "ConversionException at test_pipeline.py" in str(stopped.value)
    assert stopped.value.__cause__ is None


def test_dlt_keeps_to_the_settings_of_this_project() -> None:
    runtime = resolve_configuration(RuntimeConfiguration())
    assert runtime.dlthub_telemetry is False
    assert runtime.log_level == "CRITICAL"
    assert os.environ["DLT_PROJECT_DIR"] == str(settings.ROOT)
    made = pipeline._pipeline("stripe")
    config = made.destination_client().config
    assert isinstance(config, DuckDbClientConfiguration)
    assert config.replace_strategy == "insert-from-staging"


def test_a_resource_that_waits_for_one_that_failed_tells_why_that_failed() -> None:
    def refused() -> Iterator[Any]:
        raise PullError("stripe", "shrunk", "customers would shrink")
        yield

    this = Pull("stripe", cast(Stored, None), datetime.now(UTC))
    failing = this.resource(Table("customers", (Column("id"),), ("id",)), refused)
    with pytest.raises(ResourceExtractionError):
        list(failing)
    with pytest.raises(RuntimeError) as stopped:
        this.wait_for("customers")
    assert as_pull_error("stripe", stopped.value).kind == "shrunk"
