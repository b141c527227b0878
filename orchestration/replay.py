"""`make replay FROM=2026-10-01 TO=2026-10-31`: what is known by now of stored days of health.

Each stored day is built anew in a copy of the warehouse, with the moment as of which it was stored
as "now". What was stored stays; what is known now is kept beside it (int_health_days_again), and
the next run lists the difference in health_late_data.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path

import duckdb

from orchestration import environment
from orchestration.backfill import TIMELESS

KEPT = "intermediate.int_health_days_again"


def stored_moments(first: date, last: date) -> list[datetime]:
    """The moment (UTC) as of which each day from `first` to `last` was stored, but for the newest.

    The newest day is still being written. Raises duckdb.Error when nothing was ever stored.
    """
    with duckdb.connect(str(environment.warehouse()), read_only=True) as warehouse:
        found = warehouse.execute(
            "select max(as_of) from marts.health_measures_daily where day between ? and ?"
            " and day < (select max(day) from marts.health_measures_daily)"
            " group by day order by day",
            [first, last],
        ).fetchall()
    return [moment for (moment,) in found]


def build(home: Path, moments: Sequence[datetime]) -> None:
    """Build the measures as of each moment in the warehouse of the data folder `home`.

    Raises RuntimeError when dbt fails.
    """
    manifest = None
    for moment in moments:
        environment.live_in(home, moment.replace(tzinfo=UTC).isoformat())
        manifest = manifest or environment.dbt("parse").result
        selection = ("--select", "+int_health_days_again", "--exclude", *TIMELESS)
        result = environment.dbt("run", *selection, manifest=manifest)
        if not result.success:
            raise RuntimeError(f"{moment:%Y-%m-%d} could not be built: {result.exception}")
        print(f"  {moment:%Y-%m-%d}", flush=True)


def build_apart(home: Path, moments: Sequence[datetime]) -> None:
    """The same in a process of its own: dbt holds files for as long as its process lives."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(build, home, moments).result()


def keep(built: Path) -> None:
    """Take what the copy knows of replayed days over into the warehouse."""
    with duckdb.connect(str(environment.warehouse())) as warehouse:
        warehouse.execute(f"attach '{built}' as built (read_only)")
        warehouse.execute(f"delete from {KEPT} where day in (select day from built.{KEPT})")
        warehouse.execute(f"insert into {KEPT} by name select * from built.{KEPT}")


def replay(first: date, last: date) -> int:
    """Replay the stored days of a range; return how many.

    Raises ValueError when there is none, RuntimeError when dbt fails.
    """
    if not environment.warehouse().exists():
        raise ValueError(f"{environment.warehouse()} is not there; `make run` builds it")
    moments = stored_moments(first, last)
    if not moments:
        raise ValueError(f"no day from {first} to {last} is stored and over")
    home = environment.data_dir() / "replay"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "raw").symlink_to(environment.data_dir() / "raw")
    shutil.copy2(environment.warehouse(), home / "warehouse.duckdb")
    build_apart(home, moments)
    keep(home / "warehouse.duckdb")
    shutil.rmtree(home)
    # What readers have lacks it, although no source has anything new.
    environment.last_rescoring().write_text(datetime.now(UTC).isoformat())
    return len(moments)


def main(arguments: list[str] | None = None) -> int:
    """Replay and say how many days; 1 when there is none or dbt fails."""
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument("first", type=date.fromisoformat, metavar="from")
    parser.add_argument("last", type=date.fromisoformat, metavar="to")
    asked = parser.parse_args(arguments)
    try:
        environment.prepare()
        days = replay(asked.first, asked.last)
    except (ValueError, RuntimeError, duckdb.Error) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{days} days replayed. The next `make run` lists what came late in health_late_data.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
