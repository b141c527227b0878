"""Past days of health are scored again as a backfill, and replayed beside what was stored."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import environment, replay, rescore
from orchestration.assets.health_days import rescored_days

MEASURES = "marts.health_measures_daily"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse that stored three days, of which one was replayed before."""
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path))
    environment.dbt_target().mkdir()
    with duckdb.connect(str(environment.warehouse())) as con:
        con.execute(
            f"""
            create schema marts;
            create schema intermediate;
            create table {MEASURES} as
                select 'a' as account_id, date '2026-02-01' + cast(i as integer) as day,
                    timestamp '2026-02-01 05:00' + to_days(cast(i as integer)) as as_of
                from range(3) r(i);
            create table {replay.KEPT} as
                select 'a' as account_id, date '2026-02-01' as day, 1 as star_players
                union all select 'gone', date '2026-02-01', 1
                union all select 'a', date '2026-01-31', 7;
            """
        )
    return environment.warehouse()


def test_a_range_of_partitions_is_scored_in_one_run_under_the_version_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, date, date]] = []
    monkeypatch.setattr(rescore, "refuse", lambda *asked: None)
    monkeypatch.setattr(rescore, "rescore_apart", lambda *asked: calls.append(asked))
    monkeypatch.setattr(rescore, "changes", lambda *_: [("red", "yellow", 4)])
    result = dg.materialize(
        [rescored_days({})],
        run_config={"ops": {"health__rescored_days": {"config": {"version": "v3"}}}},
        tags={
            "dagster/asset_partition_range_start": "2026-01-30",
            "dagster/asset_partition_range_end": "2026-02-02",
        },
    )
    assert calls == [("v3", date(2026, 1, 30), date(2026, 2, 2))]
    (event, *_) = result.asset_materializations_for_node("health__rescored_days")
    assert event.metadata["from red to yellow"].value == 4


def test_a_version_that_nobody_defined_fails_the_run_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("VERSION v9 is none of v1")

    monkeypatch.setattr(rescore, "refuse", refuse)
    result = dg.materialize(
        [rescored_days({})],
        partition_key="2026-02-01",
        run_config={"ops": {"health__rescored_days": {"config": {"version": "v9"}}}},
        raise_on_error=False,
    )
    assert not result.success


def test_days_that_are_over_are_replayed_as_of_the_moment_they_were_stored(warehouse: Path) -> None:
    found = replay.stored_moments(date(2026, 2, 1), date(2026, 3, 1))
    assert [moment.isoformat() for moment in found] == [
        "2026-02-01T05:00:00",
        "2026-02-02T05:00:00",
    ]
    assert replay.stored_moments(date(2026, 2, 3), date(2026, 2, 3)) == []


def test_a_replay_takes_the_place_of_an_earlier_one_of_that_day_alone(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(home: Path, moments: list[datetime]) -> None:
        with duckdb.connect(str(home / "warehouse.duckdb")) as con:
            con.execute(f"delete from {replay.KEPT}")
            con.execute(f"insert into {replay.KEPT} values ('a', '2026-02-01', 2)")

    monkeypatch.setattr(replay, "build_apart", build)
    assert replay.replay(date(2026, 2, 1), date(2026, 2, 1)) == 1
    with duckdb.connect(str(warehouse), read_only=True) as con:
        kept = con.execute(f"from {replay.KEPT} order by day").fetchall()
        stored = con.execute(f"select count(*) from {MEASURES}").fetchone()
    assert kept == [("a", date(2026, 1, 31), 7), ("a", date(2026, 2, 1), 2)]
    assert stored == (3,)
    assert environment.last_rescoring().exists()
    assert not (environment.data_dir() / "replay").exists()


def test_without_a_stored_day_a_replay_says_so(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "prepare", lambda: None)
    assert replay.main(["2025-01-01", "2025-02-01"]) == 1
    assert "no day from 2025-01-01 to 2025-02-01 is stored and over" in capsys.readouterr().err
