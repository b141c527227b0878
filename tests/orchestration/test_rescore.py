"""Past days are scored again month by month, and what cannot be is refused with the reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from orchestration import environment, rescore


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse with two versions and some days of three customers."""
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path))
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            create schema seeds;
            create schema marts;
            create table seeds.health_scorecards as
                select unnest(['v1', 'v2', 'v2']) as version;
            create table marts.health_measures_daily as
                select date '2026-01-10' + cast(i as integer) as day from range(60) r(i);
            create table marts.customer_health_history as
                select * from (values
                    ('a', date '2026-02-01', 'v1', true, 'red'),
                    ('b', date '2026-02-01', 'v1', true, 'green'),
                    ('c', date '2026-02-01', 'v1', true, 'green'),
                    ('a', date '2026-02-01', 'v2', false, 'yellow'),
                    ('b', date '2026-02-01', 'v2', false, 'green'),
                    ('c', date '2026-02-01', 'v2', false, 'green'),
                    ('c', date '2026-01-31', 'v2', false, 'red')
                ) t(account_id, day, health_version, is_in_force, health_band);
            """
        )
    return path


def test_a_range_is_cut_at_the_ends_of_months() -> None:
    found = list(rescore.months(date(2025, 12, 30), date(2026, 2, 3)))
    assert found == [
        (date(2025, 12, 30), date(2025, 12, 31)),
        (date(2026, 1, 1), date(2026, 1, 31)),
        (date(2026, 2, 1), date(2026, 2, 3)),
    ]
    assert list(rescore.months(date(2026, 2, 28), date(2026, 2, 28))) == [
        (date(2026, 2, 28), date(2026, 2, 28))
    ]


def test_each_month_is_one_run_of_the_models_of_health(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, Any]] = []

    def dbt(*command: str, target: Path, variables: Any, manifest: Any = None) -> Any:
        calls.append((command[0], variables))
        assert (manifest is None) == (command[0] == "parse")
        return SimpleNamespace(success=True, exception=None, result="parsed")

    monkeypatch.setattr(environment, "dbt", dbt)
    environment.dbt_target().mkdir()
    rescore.rescore("v2", date(2026, 1, 20), date(2026, 2, 2))
    january = {
        "rescore_version": "v2",
        "rescore_from": "2026-01-20",
        "rescore_to": "2026-01-31",
    }
    february = january | {"rescore_from": "2026-02-01", "rescore_to": "2026-02-02"}
    assert calls == [("parse", january), ("run", january), ("run", february)]
    assert environment.last_rescoring().exists()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (["v9", "2026-01-20", "2026-01-21"], "VERSION v9 is none of v1, v2"),
        (["v1", "2026-01-21", "2026-01-20"], "FROM 2026-01-21 is after TO 2026-01-20"),
        (["v1", "2025-01-01", "2025-02-01"], "only 2026-01-10 to 2026-03-10"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_reason(
    warehouse: Path, capsys: pytest.CaptureFixture[str], asked: list[str], reason: str
) -> None:
    assert rescore.main(asked) == 1
    assert reason in capsys.readouterr().err


def test_without_a_warehouse_it_says_what_builds_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path))
    assert rescore.main(["v1", "2026-01-20", "2026-01-21"]) == 1
    assert "`make run` builds it" in capsys.readouterr().err


def test_the_changes_of_band_are_counted_on_the_last_day(warehouse: Path) -> None:
    assert rescore.changes("v2", date(2026, 6, 1)) == [
        ("green", "green", 2),
        ("red", "yellow", 1),
    ]
