"""`make backfill FROM=2025-03-31 TO=2026-06-30`: month-ends of health from before the first run.

Each month-end is built anew in a copy of the warehouse, with that day as "now": from what the
sources date, and nothing dated later. What a source does not date (how urgent a ticket was, whether
it was reopened, how an objective stood) is left unknown: today's state would tell what came of it.
Days that are stored already stay as they are. Every version of the scorecards then scores the
new ones, so that the backtest has something to judge by.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import duckdb

from orchestration import environment, rescore

# Made of raw data alone, whatever day it is: the most expensive part needs no second time.
TIMELESS = ("int_product_days", "int_product_event_daily")
# Measures whose inputs have a state today and no date for it.
UNDATED = ("open_urgent_tickets", "reopened_share_90d", "objectives_on_track")


def month_ends(first: date, last: date) -> list[date]:
    """The last days of months from `first` to `last`, both included."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if (day + timedelta(days=1)).day == 1]


def build(home: Path, days: Sequence[date]) -> None:
    """Build the measures of each day in the warehouse of the data folder `home`.

    Runs in a process of its own. Raises RuntimeError when dbt fails.
    """
    manifest = None
    for day in days:
        # Noon falls on the same day in nearly every reporting time zone.
        environment.live_in(home, f"{day}T12:00:00Z")
        manifest = manifest or environment.dbt("parse").result
        selection = ("--select", "+health_measures_daily", "--exclude", *TIMELESS)
        result = environment.dbt("run", *selection, manifest=manifest)
        if not result.success:
            raise RuntimeError(f"{day} could not be built: {result.exception or 'see dbt.log'}")
        print(f"  {day}", flush=True)


def score(days: Sequence[date], versions: Sequence[str]) -> None:
    """Score what is stored from the first to the last of the days under each version."""
    for version in versions:
        asked = {
            "rescore_version": version,
            "rescore_from": f"{days[0]}",
            "rescore_to": f"{days[-1]}",
        }
        result = environment.dbt(
            *("run", "--select", *rescore.MODELS),
            target=environment.dbt_target() / "rescoring",
            variables=asked,
        )
        if not result.success:
            raise RuntimeError(f"{version} could not be scored: {result.exception}")


def keep(built: Path) -> int:
    """Take the days that are not stored yet over into the warehouse; return how many rows."""
    unknown = [f"null as {name}, 'source_off' as {name}_null_reason" for name in UNDATED]
    replaced = [part.split(" as ")[1] for line in unknown for part in line.split(", ")]
    with duckdb.connect(str(environment.warehouse())) as warehouse:
        warehouse.execute(f"attach '{built}' as built (read_only)")
        rows = warehouse.execute(
            f"""
            insert into marts.health_measures_daily by name
            select * exclude (open_urgent_hours, {", ".join(replaced)}), {", ".join(unknown)}
            from built.marts.health_measures_daily
            where day not in (select day from marts.health_measures_daily)
            """
        ).fetchone()
    return int(rows[0]) if rows else 0


def _stored() -> tuple[set[date], list[str]]:
    with duckdb.connect(str(environment.warehouse()), read_only=True) as warehouse:
        days = warehouse.execute("select distinct day from marts.health_measures_daily").fetchall()
        versions = warehouse.execute(
            "select distinct version from seeds.health_scorecards order by 1"
        ).fetchall()
    return {day for (day,) in days}, [version for (version,) in versions]


def backfill(first: date, last: date) -> int:
    """Build, keep and score the month-ends of a range that are not stored; return new rows.

    Raises ValueError when there is no such month-end, RuntimeError when dbt fails.
    """
    if not environment.warehouse().exists():
        raise ValueError(f"{environment.warehouse()} is not there; `make run` builds it")
    stored, versions = _stored()
    days = [day for day in month_ends(first, last) if day not in stored and day < min(stored)]
    if not days:
        raise ValueError(f"no month-end from {first} to {last} is older than all that is stored")
    home = environment.data_dir() / "backfill"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "raw").symlink_to(environment.data_dir() / "raw")
    shutil.copy2(environment.warehouse(), home / "warehouse.duckdb")
    # dbt holds the files that it opened for as long as its process lives.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        process.submit(build, home, days).result()
    rows = keep(home / "warehouse.duckdb")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        process.submit(score, days, versions).result()
    shutil.rmtree(home)
    # What readers have lacks it, although no source has anything new.
    environment.last_rescoring().write_text(datetime.now(UTC).isoformat())
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Back-fill and say how many customers and days were new."""
    parser = argparse.ArgumentParser(prog="make backfill", description=__doc__)
    parser.add_argument("first", type=date.fromisoformat, metavar="from")
    parser.add_argument("last", type=date.fromisoformat, metavar="to")
    asked = parser.parse_args(arguments)
    try:
        environment.prepare()
        rows = backfill(asked.first, asked.last)
    except (ValueError, RuntimeError, duckdb.Error) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{rows} rows of measures are new. The next `make run` judges and publishes them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
