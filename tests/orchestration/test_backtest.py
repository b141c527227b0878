"""The quarterly report on the score, the fitted challenger, and the filling of the past."""

from __future__ import annotations

import base64
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration import backfill, challenger, environment, plots
from orchestration.assets import backtest

FIGURES = (
    "auc, auc_low, auc_high, auc_days_since_core_use, auc_csm_sentiment, pr_auc, lift_top_decile,"
    " captured_arr_20_pct, red_hit_pct, yellow_hit_pct, green_hit_pct, green_before_pct"
)


def warehouse(evidence: str, beats: tuple[float, ...] = ()) -> duckdb.DuckDBPyConnection:
    """What the report reads: version v2 in force; `beats` are the AUCs of v1 by half-year."""
    con = duckdb.connect()
    numbers = ", ".join(f"0.7 as {name.strip()}" for name in FIGURES.split(","))
    con.execute(
        f"""
        create schema marts; create schema intermediate; create schema seeds;
        create table seeds.health_scorecards as select * from (values
            ('v1', date '2000-01-01', date '2026-01-01'), ('v2', date '2026-01-01', null)
        ) t(version, effective_from, effective_to);
        create table seeds.health_measures as select 'v2' as version, * from (values
            ('active', 'higher'), ('silent', 'lower')) t(measure, direction);
        create table marts.health_backtest as
        select 'v2' as health_version, 'all' as period, 'all' as segment, 'churn' as target,
            '{evidence}' as evidence, 41 as lost_customers, 700 as observations,
            500 as rebuilt_observations, 6.1 as base_rate_pct, 92.0 as coverage_pct,
            null::double as unknown_hit_pct, {numbers}, timestamp '2026-06-01' as as_of
        """
    )
    for number, auc in enumerate(beats):
        for version, area in (("v1", auc), ("v2", 0.7)):
            con.execute(
                "insert into marts.health_backtest select * replace (? as health_version,"
                " ? as period, ? as auc) from marts.health_backtest limit 1",
                [version, f"202{number}H1", area],
            )
    observed = cases()
    con.register("given", observed)
    con.execute(
        """
        create table intermediate.int_backtest_cases as select 'v2' as version, 'churn' as target,
            account_id, observed_on, period as half_year, is_hit, score_risk from given;
        create table intermediate.int_backtest_calibration as select 'v2' as version,
            'churn' as target, t / 10.0 as foretold_rate, 3 * t as hits, 30 as cases
            from range(10) r(t);
        create table marts.churn_labels as select account_id, observed_on, window_until from given;
        create table marts.health_measures_daily as
            select account_id, observed_on as day, -active as active, silent from given
        """
    )
    con.unregister("given")
    return con


def cases() -> pd.DataFrame:
    """120 customers at six month-ends: the silent ones leave; the score knows half of it."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(120):
        leaves = number % 3 == 0
        for month in (1, 2, 3, 9, 10, 11):
            silent = rng.normal(20 if leaves else 5, 4)
            hit = int(leaves and month in (2 + number % 2, 10 + number % 2))
            rows.append(
                (
                    f"secret-{number}",
                    pd.Timestamp(2026, month, 28),
                    pd.Timestamp(2026, month, 28) + pd.Timedelta(days=120),
                    "2026H1" if month < 7 else "2026H2",
                    hit,
                    float(silent / 2 + rng.normal(20, 8)),
                    float(rng.normal()),
                    float(silent),
                )
            )
    columns = ["account_id", "observed_on", "window_until", "period", "is_hit", "score_risk"]
    return pd.DataFrame(rows, columns=[*columns, "active", "silent"])


def text_of(metadata: dict[str, Any]) -> str:
    """Everything that a reader of the metadata can see, plots included."""
    shown = " ".join(str(getattr(value, "value", value)) for value in metadata.values())
    plotted = re.findall(r"base64,([A-Za-z0-9+/=]+)", shown)
    return shown + " ".join(base64.b64decode(plot).decode() for plot in plotted)


def test_the_report_names_figures_plots_and_no_customer() -> None:
    metadata = backtest.report(warehouse("enough"))
    assert metadata["champion"] == "v2"
    assert metadata["auc"] == 0.7
    for plot in ("churn_by_band", "reliability", "lift"):
        assert metadata[plot].value.startswith("![")
    assert "<svg" in text_of(metadata)
    assert "secret-" not in text_of(metadata)


def test_without_enough_evidence_the_report_gives_no_figure() -> None:
    metadata = backtest.report(warehouse("not_enough_evidence"))
    assert set(metadata) == {"champion", "evidence"}
    assert metadata["evidence"].startswith("Not enough evidence: 41 lost customers")


@pytest.mark.parametrize(
    ("beats", "verdict"),
    [
        ((0.8, 0.6), "v1 foretold better in 1 of 2 half-years."),
        ((0.8, 0.9), "v1 foretold better in 2 of 2 half-years: worth a change."),
        ((), "No other version has half-years with enough evidence."),
    ],
)
def test_a_change_is_worth_while_after_two_half_years(
    beats: tuple[float, ...], verdict: str
) -> None:
    assert backtest.report(warehouse("enough", beats))["verdict"] == verdict


def test_without_scikit_learn_everything_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenger, "is_there", lambda: False)
    metadata = backtest.report(warehouse("enough"))
    assert "scikit-learn is not installed" in metadata["fitted_challenger"].value
    assert metadata["versions"].value.count("\n") >= 2


def test_a_fitted_model_is_tried_on_what_it_has_not_seen_and_finds_what_tells() -> None:
    pytest.importorskip("sklearn")
    (trial,) = challenger.trials(cases(), ["active", "silent"])
    # In the first half-year there was nothing to learn from.
    assert (trial.period, trial.observations, trial.lost) == ("2026H2", 360, 40)
    assert trial.auc > trial.score_auc > 0.6
    shares = challenger.suggested_shares(cases(), ["active", "silent"])
    assert shares["silent"] > 90
    told = backtest.report(warehouse("enough"))["fitted_challenger"].value
    assert "| silent |" in told


def test_the_area_counts_a_tie_as_half_a_pair() -> None:
    # 3 beats 2 and 1; 2 ties with 2 and beats 1.
    assert challenger.auc(np.array([3.0, 2, 2, 1]), np.array([1, 1, 0, 0])) == 3.5 / 4


def test_a_bar_of_nothing_known_is_drawn_as_unknown() -> None:
    drawn = text_of({"plot": plots.bars("t", "percent", [("red", 12.5), ("unknown", None)])})
    assert "12.5 %" in drawn
    assert ">-</text>" in drawn


def test_only_whole_months_are_filled() -> None:
    assert backfill.month_ends(date(2025, 12, 31), date(2026, 3, 30)) == [
        date(2025, 12, 31),
        date(2026, 1, 31),
        date(2026, 2, 28),
    ]


def test_stored_days_stay_and_what_no_source_dates_is_unknown_in_filled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undated = ", ".join(
        f"1 as {name}, null::varchar as {name}_null_reason" for name in backfill.UNDATED
    )
    table = f"select 'a' as account_id, {undated}, 5 as open_urgent_hours, 0.2::double as active"
    for path, days in (("stored", ("2026-06-30",)), ("built", ("2026-05-31", "2026-06-30"))):
        with duckdb.connect(str(tmp_path / path)) as con:
            con.execute("create schema marts")
            unions = " union all ".join(
                f"{table}, date '{day}' as day, '{path}' as origin" for day in days
            )
            con.execute(f"create table marts.health_measures_daily as {unions}")
    monkeypatch.setattr(environment, "warehouse", lambda: tmp_path / "stored")
    assert backfill.keep(tmp_path / "built") == 1
    with duckdb.connect(str(tmp_path / "stored")) as con:
        found = con.sql(
            "select day, origin, open_urgent_tickets, open_urgent_tickets_null_reason,"
            " open_urgent_hours, active from marts.health_measures_daily order by day"
        ).fetchall()
    assert found == [
        (date(2026, 5, 31), "built", None, "source_off", None, 0.2),
        (date(2026, 6, 30), "stored", 1, None, 5, 0.2),
    ]


def test_a_range_without_a_new_month_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            "create schema marts; create schema seeds;"
            "create table marts.health_measures_daily as select date '2026-06-30' as day;"
            "create table seeds.health_scorecards as select 'v1' as version"
        )
    monkeypatch.setattr(environment, "warehouse", lambda: path)
    with pytest.raises(ValueError, match="is older than all that is stored"):
        backfill.backfill(date(2026, 6, 30), date(2026, 8, 31))
