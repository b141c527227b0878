"""How well the health score foretold, version against version, once a quarter: figures, three plots
and what a fitted model would weigh otherwise."""

from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration import challenger, environment, plots, policies

BACKTEST = dg.AssetKey(["backtest", "champion_against_challengers"])
MARTS = ("health_backtest", "churn_labels", "customer_health_history", "health_measures_daily")
# Figures of fewer losses could be luck; the mart says the same by its column evidence.
ENOUGH = "enough"
WINS_NEEDED = 2


def backtest_report(tags: dict[str, str]) -> dg.AssetsDefinition:
    """The asset of the report, made by the job that `tags` name."""
    policy = policies.policy_for(BACKTEST)

    @dg.asset(
        key=BACKTEST,
        deps=[dg.AssetKey(["marts", mart]) for mart in MARTS],
        group_name="e_marts_backtest",
        owners=[policy.owner],
        freshness_policy=policy.made_within.policy(),
        kinds={"duckdb"},
        pool="warehouse",
        tags=tags,
        description=(
            "The version of the scorecards in force against every other one that scored the past,"
            " and against a fitted model where scikit-learn is installed. It suggests and changes"
            " nothing. Its metadata holds aggregates only."
        ),
    )
    def champion_against_challengers() -> dg.MaterializeResult:
        with duckdb.connect(str(environment.warehouse()), read_only=True) as warehouse:
            return dg.MaterializeResult(metadata=report(warehouse))

    return champion_against_challengers


@dataclass(frozen=True)
class Champion:
    """The version in force and its row of the whole backtest."""

    version: str
    whole: dict[str, Any]

    @property
    def is_judged(self) -> bool:
        """Whether enough customers were lost to judge by."""
        return bool(self.whole["evidence"] == ENOUGH)


def report(warehouse: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Metadata of the report: figures, tables and plots. No customer's name or number is in it."""
    champion = _champion(warehouse)
    whole = champion.whole
    lost = f"{whole['lost_customers']} lost customers in {whole['observations']} observations"
    if not champion.is_judged:
        return {
            "champion": champion.version,
            "evidence": f"Not enough evidence: {lost}. `make backfill` adds the past.",
        }
    return {
        "champion": champion.version,
        "evidence": f"Enough: {lost}, {whole['rebuilt_observations']} of them rebuilt.",
        "auc": float(whole["auc"]),
        "auc_interval": f"{whole['auc_low']} to {whole['auc_high']} (95 %)",
        "versions": dg.MetadataValue.md(_versions(warehouse)),
        "verdict": _verdict(warehouse, champion.version),
        "churn_by_band": dg.MetadataValue.md(_bands(whole)),
        "reliability": dg.MetadataValue.md(_reliability(warehouse, champion.version)),
        "lift": dg.MetadataValue.md(_lift(warehouse, champion.version)),
        "fitted_challenger": dg.MetadataValue.md(_fitted(warehouse, champion.version)),
    }


def _champion(warehouse: duckdb.DuckDBPyConnection) -> Champion:
    rows = warehouse.execute(
        """
        select * from marts.health_backtest
        where period = 'all' and segment = 'all' and target = 'churn' and health_version = (
            select max(version) from seeds.health_scorecards
            where effective_from <= as_of and (effective_to is null or effective_to > as_of))
        """
    )
    names = [column[0] for column in rows.description or ()]
    (row,) = rows.fetchall()
    whole = dict(zip(names, row, strict=True))
    return Champion(whole["health_version"], whole)


def _versions(warehouse: duckdb.DuckDBPyConnection) -> str:
    columns = (
        "health_version", "period", "target", "lost_customers", "auc", "auc_low", "auc_high",
        "auc_days_since_core_use", "auc_csm_sentiment", "pr_auc", "base_rate_pct",
        "lift_top_decile", "captured_arr_20_pct", "green_before_pct", "coverage_pct",
    )  # fmt: skip
    rows = warehouse.execute(
        f"select {', '.join(columns)} from marts.health_backtest"
        " where segment = 'all' and evidence = ? order by target, period, health_version",
        [ENOUGH],
    ).fetchall()
    return plots.table(columns, rows)


def _verdict(warehouse: duckdb.DuckDBPyConnection, champion: str) -> str:
    """Which other version did better in how many half-years; two are asked for to change."""
    rows = warehouse.execute(
        """
        select other.health_version, count(*) filter (other.auc > held.auc), count(*)
        from marts.health_backtest as other
        inner join marts.health_backtest as held using (period, segment, target)
        where held.health_version = ? and other.health_version <> held.health_version
            and period <> 'all' and segment = 'all' and target = 'churn'
            and held.auc is not null and other.auc is not null
        group by 1 order by 1
        """,
        [champion],
    ).fetchall()
    told = [
        f"{version} foretold better in {wins} of {periods} half-years"
        + (": worth a change." if wins >= WINS_NEEDED else ".")
        for version, wins, periods in rows
    ]
    return " ".join(told) or "No other version has half-years with enough evidence."


def _bands(whole: dict[str, Any]) -> str:
    values = [(band, whole[f"{band}_hit_pct"]) for band in ("red", "yellow", "green", "unknown")]
    known = [(band, None if value is None else float(value)) for band, value in values]
    return plots.bars("Lost in the window, by band", "percent", known)


def _reliability(warehouse: duckdb.DuckDBPyConnection, version: str) -> str:
    points = warehouse.execute(
        """
        select foretold_rate, 1.0 * hits / cases from intermediate.int_backtest_calibration
        where version = ? and target = 'churn' and cases >= 20 order by 1
        """,
        [version],
    ).fetchall()
    return plots.curve(
        "Foretold and found", "foretold", "found", [(float(x), float(y)) for x, y in points]
    )


def _lift(warehouse: duckdb.DuckDBPyConnection, version: str) -> str:
    """Share of the losses that lie in the worst tenth, fifth and so on of the scores."""
    shares = warehouse.execute(
        """
        with ranked as (
            select is_hit, percent_rank() over (order by score_risk desc) as place
            from intermediate.int_backtest_cases
            where version = ? and target = 'churn' and score_risk is not null)
        select tenth / 10.0, 1.0 * sum(is_hit) filter (place <= tenth / 10.0) / sum(is_hit)
        from ranked cross join range(1, 11) as tenths(tenth) group by 1 order by 1
        """,
        [version],
    ).fetchall()
    points = [(0.0, 0.0), *((float(x), float(y or 0)) for x, y in shares)]
    return plots.curve("Losses found in the worst scores", "share of customers", "found", points)


def _fitted(warehouse: duckdb.DuckDBPyConnection, version: str) -> str:
    if not challenger.is_there():
        return challenger.MISSING
    cases, measures = _cases(warehouse, version)
    trials = challenger.trials(cases, measures)
    if not trials:
        return "No half-year has enough losses in it and before it to try a fitted model on."
    tried = plots.table(
        ("half-year", "observations", "lost", "AUC fitted", f"AUC {version}"),
        [(t.period, t.observations, t.lost, f"{t.auc:.3f}", f"{t.score_auc:.3f}") for t in trials],
    )
    shares = challenger.suggested_shares(cases, measures)
    ranked = sorted(shares.items(), key=lambda share: -share[1])
    weights = plots.table(("measure", "suggested % of the weight"), ranked)
    wins = sum(trial.auc > trial.score_auc for trial in trials)
    told = f"The fitted model foretold better in {wins} of {len(trials)} half-years."
    return f"{told} Its weights are a suggestion.\n\n{tried}\n\n{weights}"


def _cases(warehouse: duckdb.DuckDBPyConnection, version: str) -> tuple[pd.DataFrame, list[str]]:
    """Cases of any churn with every measure of the version, turned so that higher is worse."""
    directions = dict(
        warehouse.execute(
            "select measure, min(direction) from seeds.health_measures where version = ?"
            " group by measure",
            [version],
        ).fetchall()
    )
    turned = ", ".join(
        f"cast({'-' if direction == 'higher' else ''}{name} as double) as {name}"
        for name, direction in sorted(directions.items())
    )
    cases = warehouse.execute(
        f"""
        select account_id, observed_on, labels.window_until, half_year as period, is_hit,
            cast(score_risk as double) as score_risk, {turned}
        from intermediate.int_backtest_cases
        inner join marts.churn_labels as labels using (account_id, observed_on)
        inner join marts.health_measures_daily as measures using (account_id)
        where version = ? and target = 'churn' and measures.day = observed_on
        order by observed_on, account_id
        """,
        [version],
    ).df()
    return cases, sorted(directions)
