"""What became of the customers, and how well the score had foretold it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.transform.warehouse import Dbt, connect

from . import second_opinion
from .past import AS_OF, BY_HAND, make_past, month_end, write_past

MODELS = "path:models/intermediate/backtest path:models/marts/backtest"
LABELS = "select * exclude (arr) from marts.churn_labels order by account_id, observed_on"
FIGURES = "select * from marts.health_backtest order by all"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, dbt: Dbt) -> Path:
    home = tmp_path_factory.mktemp("backtest")
    write_past(home, make_past())
    dbt.build(home, as_of=AS_OF, select=MODELS)
    return home


@pytest.fixture(scope="module")
def asked(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as con:
        yield con


def row(con: duckdb.DuckDBPyConnection, **named: str) -> pd.Series:
    """The row of the backtest with these keys, of all periods and segments unless named."""
    keys = {"health_version": "v1", "period": "all", "segment": "all", "target": "churn"} | named
    where = " and ".join(f"{name} = '{value}'" for name, value in keys.items())
    (found,) = con.sql(f"select * from marts.health_backtest where {where}").df().iloc
    return found


def cases(con: duckdb.DuckDBPyConnection, version: str = "v1") -> pd.DataFrame:
    """Counted observations with a score, joined here and not by the models."""
    found = con.execute(
        """
        select account_id, observed_on, cast(arr as double) as arr, outcome, churn_kind,
            cast(100 - health_score as double) as risk
        from marts.churn_labels inner join marts.customer_health_history using (account_id)
        where day = observed_on and health_version = ? and is_counted and health_score is not null
        order by account_id, observed_on
        """,
        [version],
    ).df()
    return found.assign(is_hit=(found.outcome == "churned").astype(int))


def test_every_ending_has_its_label(asked: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        asked.execute(
            "select account_id, outcome from marts.churn_labels where observed_on = ?",
            [month_end(5)],
        ).fetchall()
    )
    expected = {account: outcome for account, (_, outcome) in BY_HAND.items()} | {
        # It never paid, so it was there on the first day only.
        "never_paid": None
    }
    assert {account: found.get(account) for account in BY_HAND} == expected
    first = asked.execute(
        "select outcome from marts.churn_labels where account_id = 'never_paid'"
    ).fetchall()
    assert first == [("unknown",)]


def test_who_did_not_pay_left_involuntarily(asked: duckdb.DuckDBPyConnection) -> None:
    found = asked.execute(
        """
        select account_id, churn_kind, churned_on from marts.churn_labels
        where observed_on = ?
            and account_id in ('left_unpaid', 'card_died', 'first_of_the_window', 'stays')
        order by 1
        """,
        [month_end(5)],
    ).fetchall()
    assert found == [
        ("card_died", "involuntary", month_end(8)),
        ("first_of_the_window", "voluntary", month_end(7)),
        ("left_unpaid", "involuntary", month_end(8)),
        ("stays", None, None),
    ]


def test_a_window_that_is_not_over_is_censored_even_for_who_has_left_already(
    asked: duckdb.DuckDBPyConnection,
) -> None:
    counted = "select count(*) from marts.churn_labels where is_counted and observed_on > ?"
    # May 2026 is the last closed month: four months after January.
    assert asked.execute(counted, [month_end(12)]).fetchall() == [(0,)]
    last = asked.execute("select max(window_until) from marts.churn_labels where is_counted")
    assert last.fetchall() == [(month_end(15),)]


def test_days_that_were_computed_later_are_marked(asked: duckdb.DuckDBPyConnection) -> None:
    found = asked.execute(
        "select distinct observed_on, basis from marts.churn_labels order by 1"
    ).fetchall()
    assert found == [
        (month_end(number), "recorded" if number % 2 else "rebuilt") for number in range(12)
    ]


@pytest.mark.parametrize("version", ["v1", "dealt"])
def test_area_precision_lift_and_revenue_agree_with_a_second_implementation(
    version: str, asked: duckdb.DuckDBPyConnection
) -> None:
    whole, rows = row(asked, health_version=version), cases(asked, version)
    risk, hit = rows.risk.to_numpy(), rows.is_hit.to_numpy()
    lost_arr = (rows.arr * hit).to_numpy()
    assert whole.auc == pytest.approx(second_opinion.auc(risk, hit), abs=6e-5)
    assert whole.pr_auc == pytest.approx(second_opinion.average_precision(risk, hit), abs=6e-5)
    lift = second_opinion.caught(risk, hit.astype(float), 0.1) / hit.sum() / 0.1
    assert whole.lift_top_decile == pytest.approx(lift, abs=0.006)
    for part in (10, 20):
        share = 100 * second_opinion.caught(risk, lost_arr, part / 100) / lost_arr.sum()
        assert whole[f"captured_arr_{part}_pct"] == pytest.approx(share, abs=0.006)


def test_calibration_agrees_with_a_second_implementation(asked: duckdb.DuckDBPyConnection) -> None:
    whole = row(asked)
    brier, base, gap = second_opinion.calibration(cases(asked))
    assert whole.brier == pytest.approx(brier, abs=6e-5)
    assert whole.brier_of_base_rate == pytest.approx(base, abs=6e-5)
    assert whole.calibration_error_pct == pytest.approx(gap, abs=0.006)


def test_the_interval_is_as_wide_as_draws_of_whole_customers_say(
    asked: duckdb.DuckDBPyConnection,
) -> None:
    whole, rows = row(asked), cases(asked)
    drawn = second_opinion.bootstrap_error(
        rows.risk.to_numpy(), rows.is_hit.to_numpy(), rows.account_id.to_numpy(dtype=object)
    )
    assert (whole.auc_high - whole.auc_low) / 2 / 1.96 == pytest.approx(drawn, rel=0.15)


def test_scores_dealt_out_anew_foretell_nothing(asked: duckdb.DuckDBPyConnection) -> None:
    dealt = row(asked, health_version="dealt")
    assert dealt.auc_low < 0.5 < dealt.auc_high
    assert row(asked).auc_low > 0.6


def test_bands_are_counted_apart(asked: duckdb.DuckDBPyConnection) -> None:
    rows = cases(asked)
    whole = row(asked)
    for band, low, high in (("red", 50, 100), ("yellow", 25, 50), ("green", -1, 25)):
        inside = rows[(rows.risk > low) & (rows.risk <= high)]
        assert whole[f"{band}_hit_pct"] == pytest.approx(100 * inside.is_hit.mean(), abs=0.006)
    shares = [whole[f"{band}_hit_pct"] for band in ("red", "yellow", "green")]
    assert whole.is_monotone == (shares == sorted(shares, reverse=True))


def test_fewer_than_thirty_lost_customers_give_counts_and_no_figure(
    asked: duckdb.DuckDBPyConnection,
) -> None:
    few = row(asked, target="involuntary")
    assert (few.evidence, few.lost_customers) == ("not_enough_evidence", 2)
    assert few[["auc", "pr_auc", "lift_top_decile", "red_hit_pct", "brier"]].isna().all()
    thin = asked.execute(
        "select count(*), count(coalesce(auc, pr_auc, lead_days, warned_pct, red_hit_pct))"
        " from marts.health_backtest where lost_customers < 30"
    ).fetchall()
    assert thin[0][0] > 5
    assert thin[0][1] == 0
    nothing = row(asked, health_version="unscored")
    assert (nothing.evidence, nothing.observations) == ("not_enough_evidence", 0)


def test_who_leaves_for_another_reason_is_no_case(asked: duckdb.DuckDBPyConnection) -> None:
    counts = {name: row(asked, target=name) for name in ("churn", "voluntary", "involuntary")}
    hits = {name: found.hits for name, found in counts.items()}
    assert hits["voluntary"] + hits["involuntary"] == hits["churn"]
    assert counts["churn"].observations - counts["voluntary"].observations == hits["involuntary"]


def test_what_came_later_leaves_the_backtest_unmoved(
    data_dir: Path, tmp_path: Path, dbt: Dbt
) -> None:
    """A measure of after the loss, a day stored in the middle of a month, a company renamed and a
    company deleted after it left."""
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    path = str(tmp_path / "warehouse.duckdb")
    with duckdb.connect(path) as con:
        before = con.sql(LABELS).df(), con.sql(FIGURES).df()
    lost = "select account_id from marts.churn_labels where churned_on is not null"
    with duckdb.connect(path) as con:
        # Of the days after the loss: dead silent, and everybody knew.
        con.execute(
            f"""
            insert into marts.health_measures_daily by name
            select * replace (cast(day + interval 15 day as date) as day,
                999 as days_since_core_use, 0 as csm_sentiment, timestamp '2026-06-01' as loaded_at)
            from marts.health_measures_daily
            where account_id in ({lost}) and day < date '2025-12-01'
            """
        )
        con.execute(
            """
            insert into marts.customer_health_history by name
            select * replace (cast(day + interval 15 day as date) as day, 0 as health_score,
                'red' as health_band)
            from marts.customer_health_history where day < date '2025-12-01'
            """
        )
        # Its record in the CRM was overwritten: the revenue stands under another account today.
        for table in ("int_account_mrr", "int_item_mrr", "int_account_links"):
            con.execute(
                f"update intermediate.{table} set account_id = 'other'"
                " where account_id = 'card_died'"
            )
        # Nobody keeps a record of it any more; its invoices stay.
        con.execute(
            "delete from intermediate.int_account_links where account_id = 'first_of_the_window'"
        )
    dbt.build(tmp_path, as_of=AS_OF, select=MODELS, data_tests=False)
    with connect(tmp_path) as con:
        after = con.sql(LABELS).df(), con.sql(FIGURES).df()
    pd.testing.assert_frame_equal(before[0], after[0])
    pd.testing.assert_frame_equal(before[1], after[1])


def test_the_second_implementation_knows_what_is_known() -> None:
    risk, hit = np.array([3.0, 2.0, 2.0, 1.0]), np.array([1, 1, 0, 0])
    # Pairs: 3>2, 3>1, 2=2, 2>1.
    assert second_opinion.auc(risk, hit) == 3.5 / 4
    # Half of the hits at precision 1, half at 2 of 3.
    assert second_opinion.average_precision(risk, hit) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert second_opinion.caught(risk, hit.astype(float), 0.5) == 1.5
