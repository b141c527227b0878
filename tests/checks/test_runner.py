from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from checks.runner import CheckOutcome, ContractError, contract_checks, verify

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

CONTRACT = """
dataset: raw/s/t
variables:
  WARN_HOURS: {default: 2}
  FAIL_HOURS: {default: 4}
  MIN_ROWS: {default: 1}
checks:
  - schema:
      allow_extra_columns: true
      allow_other_column_order: true
      attributes: {blocking: true}
  - row_count: {threshold: {must_be_greater_than_or_equal: "${var.MIN_ROWS}"}}
  - freshness:
      column: seen_at
      threshold:
        unit: hour
        must_be_between: {greater_than_or_equal: -1, less_than: "${var.FAIL_HOURS}"}
        additional:
          level: warn
          must_be_between: {greater_than_or_equal: -1, less_than: "${var.WARN_HOURS}"}
  - failed_rows:
      qualifier: negative
      name: nothing is negative
      expression: amount < 0
      threshold: {level: warn, must_be: 0}
columns:
  - name: id
    data_type: varchar
    checks:
      - missing: {attributes: {blocking: true}}
      - duplicate: {attributes: {blocking: true}}
  - {name: amount, data_type: bigint}
  - {name: seen_at, data_type: timestamp with time zone}
"""
NAMES = [
    "soda_schema",
    "soda_row_count",
    "soda_freshness",
    "soda_failed_rows_negative",
    "soda_id_missing",
    "soda_id_duplicate",
]
SOUND_ROWS = "('a', 1, '2026-03-10 11:00+00'), ('b', 2, '2026-03-10 10:30+00')"


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    path = tmp_path / "t.yml"
    path.write_text(CONTRACT)
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return filled(tmp_path / "raw.duckdb", SOUND_ROWS)


def filled(
    path: Path, rows: str, columns: str = "id varchar, amount bigint, seen_at timestamptz"
) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema s; create table s.t ({columns})")
        if rows:
            connection.execute(f"insert into s.t values {rows}")
    return path


def outcomes(found: list[CheckOutcome]) -> dict[str, str]:
    return {check.name: check.outcome for check in found}


def test_every_declared_check_answers_in_order(contract: Path, database: Path) -> None:
    found = verify(contract, database, {}, as_of=NOON)
    assert [check.name for check in found] == NAMES
    assert {check.outcome for check in found} == {"PASSED"}
    assert all(check.passed and not check.stops for check in found)
    count = found[1]
    assert count.metrics["value"] == 2
    assert count.message == "row_count: 2 (level: fail, must be greater than or equal: 1)"


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("", {"soda_row_count": "FAILED", "soda_freshness": "FAILED"}),
        (f"{SOUND_ROWS}, (null, 1, null)", {"soda_id_missing": "FAILED"}),
        (f"{SOUND_ROWS}, ('a', 1, null)", {"soda_id_duplicate": "FAILED"}),
        (f"{SOUND_ROWS}, ('c', -1, null)", {"soda_failed_rows_negative": "WARN"}),
        ("('a', 1, '2026-03-10 09:00+00')", {"soda_freshness": "WARN"}),
        ("('a', 1, '2026-03-10 06:00+00')", {"soda_freshness": "FAILED"}),
    ],
)
def test_what_is_wrong_with_the_rows_is_said_and_nothing_else(
    tmp_path: Path, contract: Path, rows: str, wrong: dict[str, str]
) -> None:
    found = outcomes(verify(contract, filled(tmp_path / "x.duckdb", rows), {}, as_of=NOON))
    assert {name: outcome for name, outcome in found.items() if outcome != "PASSED"} == wrong


def test_a_row_from_the_future_is_not_fresh(contract: Path, tmp_path: Path) -> None:
    future = filled(tmp_path / "x.duckdb", "('a', 1, '2031-01-01 00:00+00')")
    assert outcomes(verify(contract, future, {}, as_of=NOON))["soda_freshness"] == "FAILED"


def test_now_is_what_the_caller_says_it_is(contract: Path, database: Path) -> None:
    ages = {}
    for later in (0, 2, 5):
        found = verify(contract, database, {}, as_of=NOON + timedelta(hours=later))
        ages[later] = (found[2].outcome, found[2].metrics["freshness_in_hours"])
    # The newest row is of 11:00; late from 2 hours on, stale from 4.
    assert ages == {0: ("PASSED", 1), 2: ("WARN", 3), 5: ("FAILED", 6)}


def test_now_may_stand_in_any_time_zone_but_must_stand_in_one(
    contract: Path, database: Path
) -> None:
    tokyo = datetime(2026, 3, 10, 21, tzinfo=timezone(timedelta(hours=9)))
    assert verify(contract, database, {}, as_of=tokyo)[2].metrics["freshness_in_hours"] == 1
    with pytest.raises(ValueError, match="time zone"):
        verify(contract, database, {}, as_of=datetime(2026, 3, 10, 12))  # noqa: DTZ001


def test_timestamps_without_a_zone_are_utc_whatever_the_machine_thinks(
    contract: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    contract.write_text(CONTRACT.replace("timestamp with time zone", "timestamp"))
    naive = filled(
        tmp_path / "x.duckdb",
        "('a', 1, '2026-03-10 11:00')",
        "id varchar, amount bigint, seen_at timestamp",
    )
    assert verify(contract, naive, {}, as_of=NOON)[2].metrics["freshness_in_hours"] == 1


def test_the_caller_sets_the_limits(contract: Path, database: Path) -> None:
    strict = {"MIN_ROWS": 3, "WARN_HOURS": 0.25, "FAIL_HOURS": 0.5, "OF_ANOTHER_CONTRACT": 1}
    found = outcomes(verify(contract, database, strict, as_of=NOON))
    assert found["soda_row_count"] == "FAILED"
    assert found["soda_freshness"] == "FAILED"
    between = {"WARN_HOURS": 0.25, "FAIL_HOURS": 1.5}
    assert outcomes(verify(contract, database, between, as_of=NOON))["soda_freshness"] == "WARN"


def test_a_column_that_went_stops_what_follows_and_is_named(contract: Path, tmp_path: Path) -> None:
    renamed = filled(tmp_path / "x.duckdb", "", "id varchar, total bigint, seen_at timestamptz")
    schema = verify(contract, renamed, {}, as_of=NOON)[0]
    assert schema.outcome == "FAILED"
    assert schema.stops
    assert "amount is missing" in schema.message
    assert "total" not in schema.message


def test_a_column_that_changed_its_type_stops_what_follows(contract: Path, tmp_path: Path) -> None:
    retyped = filled(tmp_path / "x.duckdb", "", "id varchar, amount varchar, seen_at timestamptz")
    schema = verify(contract, retyped, {}, as_of=NOON)[0]
    assert schema.stops
    assert "amount is varchar, not bigint" in schema.message.lower()


def test_a_new_column_stops_nothing(contract: Path, tmp_path: Path) -> None:
    columns = "id varchar, amount bigint, seen_at timestamptz, segment varchar"
    grown = filled(tmp_path / "x.duckdb", "('a', 1, '2026-03-10 11:00+00', 'smb')", columns)
    assert set(outcomes(verify(contract, grown, {}, as_of=NOON)).values()) == {"PASSED"}


def nothing_ran(found: list[CheckOutcome], reason: str) -> bool:
    assert [check.name for check in found] == NAMES
    assert {check.outcome for check in found} == {"NOT_EVALUATED"}
    assert not any(check.passed for check in found)
    assert [check.name for check in found if check.stops] == [
        "soda_schema",
        "soda_id_missing",
        "soda_id_duplicate",
    ]
    return all(reason in check.message for check in found)


def test_without_a_file_every_check_has_failed(contract: Path, tmp_path: Path) -> None:
    found = verify(contract, tmp_path / "absent.duckdb", {}, as_of=NOON)
    assert nothing_ran(found, "absent.duckdb cannot be read")
    assert not (tmp_path / "absent.duckdb").exists()


def test_with_a_damaged_file_every_check_has_failed(contract: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"\0" * 20_000)
    assert nothing_ran(verify(contract, damaged, {}, as_of=NOON), "damaged.duckdb cannot be read")


def test_without_the_table_every_check_has_failed(contract: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        connection.execute("create schema s")
    assert nothing_ran(verify(contract, tmp_path / "x.duckdb", {}, as_of=NOON), "does not exist")


HOLD_THE_FILE = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def held(database: Path, seconds: float) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_FILE, str(database), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def test_while_another_process_writes_every_check_has_failed(
    contract: Path, database: Path
) -> None:
    holder = held(database, 60)
    try:
        found = verify(contract, database, {}, as_of=NOON, wait_seconds=0.3)
    finally:
        holder.kill()
        holder.wait()
    assert nothing_ran(found, "lock")


def test_a_writer_that_soon_ends_is_waited_for(contract: Path, database: Path) -> None:
    holder = held(database, 1)
    try:
        found = verify(contract, database, {}, as_of=NOON, wait_seconds=60)
    finally:
        holder.wait()
    assert set(outcomes(found).values()) == {"PASSED"}


def test_a_writer_in_this_process_fails_every_check(contract: Path, database: Path) -> None:
    with duckdb.connect(str(database)):
        found = verify(contract, database, {}, as_of=NOON)
    assert nothing_ran(found, "cannot be read")


def test_a_broken_query_fails_its_check(contract: Path, database: Path) -> None:
    contract.write_text(CONTRACT.replace("expression: amount < 0", "query: selec nothing"))
    found = verify(contract, database, {}, as_of=NOON)
    assert outcomes(found)["soda_failed_rows_negative"] == "NOT_EVALUATED"
    assert "selec" in found[3].message
    assert outcomes(found)["soda_schema"] == "PASSED"


def test_a_check_that_finds_no_value_has_failed(contract: Path, tmp_path: Path) -> None:
    contract.write_text(
        CONTRACT.replace(
            "columns:\n",
            "  - metric: {name: sum, qualifier: sum, query: select sum(amount) from s.t,"
            " threshold: {must_be_less_than: 9}}\ncolumns:\n",
        )
    )
    found = verify(contract, filled(tmp_path / "x.duckdb", ""), {}, as_of=NOON)
    metric = next(check for check in found if check.name == "soda_metric_sum")
    assert metric.outcome == "NOT_EVALUATED"
    assert "no value to judge" in metric.message


def test_a_malformed_contract_is_refused_before_the_database_is_touched(
    contract: Path, tmp_path: Path
) -> None:
    contract.write_text(CONTRACT.replace("threshold: {level", "thresold: {level"))
    with pytest.raises(ContractError, match="thresold"):
        verify(contract, tmp_path / "absent.duckdb", {}, as_of=NOON)


def test_the_file_is_released_afterwards(contract: Path, database: Path) -> None:
    verify(contract, database, {}, as_of=NOON)
    writer = held(database, 0)
    assert writer.wait() == 0


def test_nothing_is_written_and_rows_are_not_quoted(contract: Path, tmp_path: Path) -> None:
    database = filled(tmp_path / "x.duckdb", "('person@example.com', -5, null)")
    before = database.read_bytes()
    found = verify(contract, database, {}, as_of=NOON)
    assert database.read_bytes() == before
    assert "person@example.com" not in str(found)


def test_soda_sends_nothing_to_its_maker() -> None:
    program = """
import os
os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "true"
import checks.runner
from opentelemetry import trace
from soda_core.common.env_config_helper import EnvConfigHelper
assert not EnvConfigHelper().soda_core_telemetry_enabled
assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_runner_knows_no_dagster() -> None:
    program = "import sys, checks.runner; sys.exit('dagster' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_soda_and_the_strict_reader_name_the_same_checks(contract: Path, database: Path) -> None:
    """An outcome that Soda reported under another path would be NOT_EVALUATED here."""
    assert len(contract_checks(contract)) == len(NAMES)
    assert "NOT_EVALUATED" not in outcomes(verify(contract, database, {}, as_of=NOON)).values()
