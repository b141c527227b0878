"""`make rescore VERSION=v2 FROM=2026-10-01 TO=2026-10-31`: score stored days under any version.

The scores of that version on those days are replaced, all others stay. What they are computed from
is what health_measures_daily stored on each day, so nothing that came later is in them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context

import duckdb

from orchestration import environment

# From what is stored to the history of scores, and who moves; nothing else beside and behind.
MODELS = (
    "int_health_inputs+,+customer_health_history",
    "int_health_subjects+,+customer_health_history",
    "health_version_moves",
)


def months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The range cut at the ends of months, oldest first: each is scored in memory at once."""
    while first <= last:
        next_month = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(last, next_month - timedelta(days=1))
        first = next_month


def rescore(version: str, first: date, last: date) -> None:
    """Score every stored day from `first` to `last` under a version.

    Raises RuntimeError when dbt fails.
    """
    target = environment.dbt_target() / "rescoring"
    manifest = None
    for start, end in months(first, last):
        asked = {"rescore_version": version, "rescore_from": f"{start}", "rescore_to": f"{end}"}
        if manifest is None:
            manifest = environment.dbt("parse", target=target, variables=asked).result
        result = environment.dbt(
            *("run", "--select", *MODELS), target=target, variables=asked, manifest=manifest
        )
        if not result.success:
            raise RuntimeError(f"{start} to {end} could not be scored: {result.exception}")
        print(f"  {start} to {end}", flush=True)
    # What readers have lacks it, although no source has anything new.
    environment.last_rescoring().write_text(datetime.now(UTC).isoformat())


def rescore_apart(version: str, first: date, last: date) -> None:
    """The same in a process of its own, because dbt holds the warehouse for as long as it lives."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(rescore, version, first, last).result()


def refuse(version: str, first: date, last: date) -> None:
    """Raise ValueError for a version that nobody defined, or a range of which nothing is stored."""
    if first > last:
        raise ValueError(f"FROM {first} is after TO {last}")
    if not environment.warehouse().exists():
        raise ValueError(f"{environment.warehouse()} is not there; `make run` builds it")
    with duckdb.connect(str(environment.warehouse()), read_only=True) as warehouse:
        versions = warehouse.execute(
            "select distinct version from seeds.health_scorecards order by 1"
        ).fetchall()
        stored = warehouse.execute(
            "select min(day), max(day), count(*) filter (day between ? and ?)"
            " from marts.health_measures_daily",
            [first, last],
        ).fetchone()
    if (version,) not in versions:
        known = ", ".join(name for (name,) in versions)
        raise ValueError(f"VERSION {version} is none of {known}")
    if stored is None or not stored[2]:
        there_is = f"only {stored[0]} to {stored[1]}" if stored and stored[0] else "none at all"
        raise ValueError(f"no measures are stored from {first} to {last}; {there_is}")


def changes(version: str, day: date) -> list[tuple[str, str, int]]:
    """Band in force, band under `version` and customers, of the last scored day up to `day`."""
    with duckdb.connect(str(environment.warehouse()), read_only=True) as warehouse:
        return warehouse.execute(
            """
            with newest as (
                select max(day) as day from marts.customer_health_history
                where health_version = ? and day <= ?)
            select held.health_band, asked.health_band, count(*)
            from marts.customer_health_history as asked
            inner join marts.customer_health_history as held
                on asked.account_id = held.account_id and asked.day = held.day and held.is_in_force
            inner join newest on asked.day = newest.day
            where asked.health_version = ?
            group by all order by all
            """,
            [version, day, version],
        ).fetchall()


def main(arguments: list[str] | None = None) -> int:
    """Score, then say how many customers stand in another band than in the version in force."""
    parser = argparse.ArgumentParser(prog="make rescore", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("first", type=date.fromisoformat, metavar="from")
    parser.add_argument("last", type=date.fromisoformat, metavar="to")
    asked = parser.parse_args(arguments)
    try:
        refuse(asked.version, asked.first, asked.last)
        environment.prepare()
        rescore_apart(asked.version, asked.first, asked.last)
    except (ValueError, RuntimeError, duckdb.Error) as problem:
        print(problem, file=sys.stderr)
        return 1
    for held, found, customers in changes(asked.version, asked.last):
        moved = "stay" if held == found else f"move from {held} to"
        print(f"  {customers:6} {moved} {found}")
    print("The next `make run` publishes it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
