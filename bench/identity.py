"""Who is who, held against the made-up world's truth, and what it costs as the world grows.

`python -m bench.identity [COMPANIES ...]` measures worlds of these sizes (default 500 and 5,000).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.identity_world import SOURCES, write
from bench.measure import command, line
from sandbox import Sandbox
from sandbox.state import first_day
from sandbox.universe.world import World

SIZES = (500, 5_000)
MONTHS, SEED = 24, 7
LINKS = (
    "select source || ':' || source_id, kind, account_id, rule"
    " from intermediate.int_account_links where kind <> 'crm'"
)


@dataclass(frozen=True)
class Judged:
    """Records of billing and product against the truth, and the seconds that their links took.

    `linked` were led to another record's account, `right` of them to one of their own company;
    `findable` belong to a company that an earlier kind of source knows too.
    """

    records: int
    linked: int
    right: int
    findable: int
    found: int
    by_rule: dict[str, tuple[int, int]]
    seconds: float

    @property
    def precision(self) -> float:
        """Share of links that are right."""
        return self.right / max(self.linked, 1)

    @property
    def recall(self) -> float:
        """Share of the findable that were found."""
        return self.found / max(self.findable, 1)


def main(_: Sandbox, home: Path) -> None:
    """Measure the default size and ten times it."""
    run(SIZES, home)


def run(sizes: tuple[int, ...], home: Path) -> None:
    """Measure each size; the cost per record of the last is held against that of the one before."""
    costs: list[tuple[int, float]] = []
    for companies in sizes:
        judged = measure(companies, home / str(companies))
        told = (
            f"{judged.precision:.4f}: {judged.linked:,} links of {judged.records:,} records,"
            f" {companies:,} companies"
        )
        line("identity: links that are right", judged.precision, ">= 0.995", told)
        told = f"{judged.recall:.4f}: {judged.found:,} of {judged.findable:,} that could be linked"
        line("identity: links that were found", judged.recall, ">= 0.97", told)
        for rule, (right, linked) in sorted(judged.by_rule.items()):
            print(f"    {rule:30} {right:8,} of {linked:8,} right")
        costs.append((judged.records, judged.seconds))
    if len(costs) > 1:
        (few, quick), (many, slow) = costs[-2:]
        line(
            "identity: cost per record, of the world before",
            (slow / many) / (quick / few),
            "<= 1",
            f"{quick:.1f} s for {few:,}, {slow:.1f} s for {many:,} records",
        )


def measure(companies: int, home: Path) -> Judged:
    """Make a world, link it, and judge every link."""
    home.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).replace(microsecond=0)
    world = World(SEED, companies, MONTHS, first_day(now, MONTHS))
    truth = write(world, now, home / "data", home / "tables.log")
    del world
    seconds = _link(home, now)
    with duckdb.connect(str(home / "data" / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(LINKS).fetchall()
    return _judge(rows, truth, seconds)


def _link(home: Path, now: datetime) -> float:
    """Build the links; return the seconds that dbt gives for the models of identity."""
    arguments = [
        *["-m", "dbt.cli.main", "--quiet", "build", "--select", "+int_account_links"],
        *["--exclude-resource-type", "test", "unit_test"],
        *["--vars", json.dumps({"sources": list(SOURCES)})],
        *["--project-dir", "transform", "--profiles-dir", "transform"],
        *["--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")],
    ]
    environment = {"C360_DATA_DIR": str(home / "data"), "C360_AS_OF": now.isoformat()}
    command(arguments, environment, log=home / "dbt.log")
    results = json.loads((home / "dbt" / "run_results.json").read_text())["results"]
    manifest = json.loads((home / "dbt" / "manifest.json").read_text())["nodes"]
    return sum(
        result["execution_time"]
        for result in results
        if "/intermediate/identity/" in manifest[result["unique_id"]]["original_file_path"]
    )


def _judge(
    rows: list[tuple[str, str, str | None, str | None]], truth: dict[str, str], seconds: float
) -> Judged:
    in_crm = {company for record, company in truth.items() if record.startswith("hubspot:")}
    earlier = {
        "billing": in_crm,
        "product": in_crm
        | {company for record, company in truth.items() if record.startswith("stripe:")},
    }
    linked = right = findable = found = 0
    of_rule, right_of_rule = Counter[str](), Counter[str]()
    for record, kind, account, rule in rows:
        company = truth[record]
        is_findable = company in earlier[kind]
        is_linked = account is not None and rule not in (None, "own_record")
        is_right = is_linked and truth[str(account)] == company
        findable += is_findable
        found += is_findable and is_right
        linked += is_linked
        right += is_right
        if is_linked:
            of_rule[str(rule)] += 1
            right_of_rule[str(rule)] += is_right
    by_rule = {rule: (right_of_rule[rule], count) for rule, count in of_rule.items()}
    return Judged(len(rows), linked, right, findable, found, by_rule, seconds)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run(tuple(int(size) for size in sys.argv[1:]) or SIZES, Path(folder))
