"""How well the score foretells on the made-up world, by the protocol of the product, and whether
what came later moves it.

`python -m bench.backtest [SEED ...]` measures the default world of these seeds (default 7); the
truth is asked for nothing but whom to plant leaks on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.measure import command, line
from sandbox import Sandbox

VENDORS = ("hubspot", "stripe", "mixpanel", "zendesk", "delighted", "files")
REACH = 0.80
# Months ago: before the first nobody is old enough, after the last no window is over.
OLDEST, NEWEST = 20, 5
LEAK_COMPANIES, LEAK_OLDEST = 100, 8
FIGURES = """
    select target, evidence, lost_customers, observations, auc, auc_low, auc_high,
        auc_days_since_core_use, auc_csm_sentiment, lift_top_decile, is_monotone
    from marts.health_backtest
    where period = 'all' and segment = 'all' and health_version = (
        select max(version) from seeds.health_scorecards where effective_to is null)
    order by target
"""
# How often the score was worse the nearer the end: months from the observation to the loss.
BY_MONTH = """
    with cases as (
        select date_diff('month', observed_on, churned_on) as ahead, 100 - health_score as risk,
            outcome
        from marts.churn_labels inner join marts.customer_health_history using (account_id)
        where day = observed_on and health_score is not null
            and outcome in ('stayed', 'churned', 'embargo') and health_version = (
                select max(version) from seeds.health_scorecards where effective_to is null))
    select lost.ahead, count(distinct lost.rowid), avg(
        case when lost.risk > stayed.risk then 1 when lost.risk = stayed.risk then 0.5 else 0 end)
    from (select row_number() over () as rowid, * from cases where outcome <> 'stayed') as lost
    cross join (select * from cases where outcome = 'stayed') as stayed
    group by 1 order by 1
"""
OBSERVATIONS = """
    select account_id, observed_on, outcome, labels.churned_on, churn_kind, version, target, is_hit,
        score_risk, silence_risk, sentiment_risk
    from marts.churn_labels as labels
    left join intermediate.int_backtest_cases using (account_id, observed_on)
    order by all
"""


def main(sandbox: Sandbox, home: Path) -> None:
    """Measure the given world, then plant leaks in a small one."""
    measure(sandbox, home / "world")
    with Sandbox(companies=LEAK_COMPANIES, vendors=VENDORS) as small:
        leaks(small, home / "leaks")


def measure(sandbox: Sandbox, home: Path) -> None:
    """Print the AUC of the version in force and how it falls with the time to the loss."""
    warehouse = _product(sandbox, home, OLDEST)
    with duckdb.connect(str(warehouse), read_only=True) as asked:
        for target, evidence, lost, cases, area, *rest in asked.sql(FIGURES).fetchall():
            told = f"{lost} lost in {cases:,} observations"
            if area is None:
                print(f"backtest: {target}: {evidence}, {told}")
                continue
            low, high, silence, sentiment, lift, monotone = rest
            told += (
                f", 95 % {low} to {high}; silence {silence}, CSM {sentiment}, lift {lift},"
                f" bands {'in order' if monotone else 'not in order'}"
            )
            reach = f">= {REACH}" if target == "churn" else "-"
            line(f"backtest: AUC, {target}", float(area), reach, told)
        for ahead, cases, area in asked.sql(BY_MONTH).fetchall():
            line(f"backtest: AUC {ahead} months ahead", float(area), "-", f"{cases} observations")


def leaks(sandbox: Sandbox, home: Path) -> None:
    """Print how many observations change when each thing that a backtest could leak is planted."""
    before = _observations(_product(sandbox, home, LEAK_OLDEST))
    _plant(sandbox, home / "data")
    # Pulled on top of what was there; then everything behind it is computed anew.
    (home / "data" / "warehouse.duckdb").unlink()
    after = _observations(_product(sandbox, home, LEAK_OLDEST))
    changed = len(set(before) ^ set(after))
    line("backtest: observations that leaks moved", changed, "0", f"of {len(before):,}")


def _product(sandbox: Sandbox, home: Path, oldest: int) -> Path:
    """Pull, build, fill the month-ends from `oldest` months ago on; return the warehouse."""
    data, today = home / "data", sandbox.now.date()
    data.mkdir(parents=True, exist_ok=True)
    environment = {
        **sandbox.environment(),
        "C360_DATA_DIR": str(data),
        "C360_PUBLISH_DIR": str(home / "published"),
        "DAGSTER_HOME": str(data / "dagster"),
    }
    pull = f"from ingestion.pipeline import pull\nfor source in {VENDORS}: pull(source)"
    command(["-c", pull], environment, log=home / "pull.log")
    _dbt(environment, home, "+customer_health_history", "+int_item_mrr", "+int_link_ranges")
    days = [f"{_month_end(today, back)}" for back in (oldest, NEWEST)]
    command(["-m", "orchestration.backfill", *days], environment, log=home / "backfill.log")
    _dbt(environment, home, "path:models/intermediate/backtest", "path:models/marts/backtest")
    return data / "warehouse.duckdb"


def _dbt(environment: dict[str, str], home: Path, *selected: str) -> None:
    arguments = [
        *["-m", "dbt.cli.main", "--quiet", "build", "--select", *selected],
        *["--exclude-resource-type", "test", "unit_test"],
        *["--vars", json.dumps({"sources": list(VENDORS)})],
        *["--project-dir", "transform", "--profiles-dir", "transform"],
        *["--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")],
    ]
    command(arguments, environment, log=home / "dbt.log")


def _month_end(today: date, back: int) -> date:
    """The last day of the month that was `back` months ago."""
    months = today.year * 12 + today.month - 1 - back + 1
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)


def _observations(warehouse: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as asked:
        return asked.sql(OBSERVATIONS).fetchall()


def _plant(sandbox: Sandbox, data: Path) -> None:
    """What a company that left looks like once it is gone, and a ticket that comes months late."""
    truth = sandbox.truth
    gone = truth.churns[truth.churns.kind == "voluntary"].company
    known = truth.who_is_who[truth.who_is_who.company.isin(gone)]
    ids = known[(known.system == "hubspot") & (known.state == "live")].id.tolist()
    for identity in ids[:-1]:
        record = sandbox.record("hubspot", "companies", identity)
        assert record is not None
        record["properties"] |= {"lifecyclestage": "other", "hubspot_owner_id": None}
        sandbox.put("hubspot", "companies", record)
    sandbox.archive("hubspot", "companies", ids[-1])
    red = [
        f"hubspot:{identity},red,csm@vendor.example,{sandbox.now.date()},Left," for identity in ids
    ]
    head = "account,sentiment,author,given_on,reason,expires_on"
    text = "\n".join([head, *red])
    sandbox.put("files", "files", {"id": "csm_sentiment/afterwards.csv", "text": text})
    with duckdb.connect(str(data / "raw" / "raw_zendesk.duckdb"), read_only=True) as raw:
        tickets = raw.sql(
            "select min(id) from raw_zendesk.raw_zendesk.tickets group by organization_id"
        ).fetchall()
    created = (sandbox.now - timedelta(days=250)).isoformat()
    for (identity,) in tickets:
        ticket = sandbox.record("zendesk", "tickets", str(identity))
        if ticket is not None:
            new = {"id": 900_000_000 + int(identity), "created_at": created, "status": "open"}
            sandbox.put("zendesk", "tickets", ticket | new | {"priority": "urgent"})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for number in [int(seed) for seed in sys.argv[1:]] or [7]:
            with Sandbox(seed=number, vendors=VENDORS) as world:
                measure(world, Path(folder) / str(number))
