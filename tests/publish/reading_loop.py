"""A reader in its own process: reads as fast as it can until its standard input is closed, then
prints what it saw. Run as `python reading_loop.py <folder> database|parquet`.
"""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from publish.reader import connect

MARTS = ("account_ids", "customer_360", "mrr_monthly", "source_freshness")
SEEN = "select min(batch), max(batch), count(*)"


def read_database(target: Path) -> tuple[set[int], tuple[int, ...]]:
    """Builds and row counts that one connection sees, table after table."""
    builds, counts = set(), []
    with connect(target) as connection:
        for mart in MARTS:
            seen = connection.execute(f"{SEEN} from marts.{mart}").fetchall()
            builds |= {*seen[0][:2]}
            counts.append(seen[0][2])
        run = connection.execute("select distinct run_id from marts.publication").fetchall()
        builds.add(int(run[0][0]))
    return builds, tuple(counts)


class PrunedMeanwhile(Exception):
    """Three publications came while a reader of files was at work; it has to start again."""


def read_parquet(target: Path) -> tuple[set[int], tuple[int, ...]]:
    """The same from the Parquet files, by a reader that resolves the link once, as told."""
    folder = (target / "parquet").resolve()
    builds, counts = set(), []
    for mart in MARTS:
        try:
            seen = duckdb.sql(f"{SEEN} from '{folder}/{mart}.parquet'").fetchall()
        except duckdb.IOException as error:
            if folder.exists():
                raise
            raise PrunedMeanwhile from error
        builds |= {*seen[0][:2]}
        counts.append(seen[0][2])
    return builds, tuple(counts)


def main(target: Path, read: Callable[[Path], tuple[set[int], tuple[int, ...]]]) -> None:
    seen: set[int] = set()
    torn, errors, reads = [], [], 0
    # A breath between two reads, or the readers keep the machine from publishing at all.
    while not select.select([sys.stdin], [], [], 0.03)[0]:
        try:
            builds, counts = read(target)
        except PrunedMeanwhile:
            continue
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        reads += 1
        seen |= builds
        if len(builds) != 1 or counts != (100, 100, 2000, 2):
            torn.append([sorted(builds), counts])
        if reads == 1:
            print("reading", flush=True)
    print(json.dumps({"reads": reads, "seen": sorted(seen), "torn": torn, "errors": errors}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), read_parquet if sys.argv[2] == "parquet" else read_database)
