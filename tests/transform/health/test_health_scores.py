"""Health scores of some customers, held against hand-made numbers and a second implementation."""

from __future__ import annotations

import shutil
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import duckdb
import pytest

from tests.transform.raw import write_raw
from tests.transform.warehouse import Dbt, connect

from .conftest import ALL, WEEK_AGO, rescore
from .customers import AS_OF, CUSTOMERS, Customer
from .heard import CAPS, HEARD, Heard
from .scoring import measure_score, score

ALL_CAPS = CAPS | {"late": 49, "leaving": 25}
EVERYBODY = [("v1", who) for who in CUSTOMERS] + [("v2", who) for who in (*CUSTOMERS, *HEARD)]

each_version_and_customer = pytest.mark.parametrize(
    ("version", "who"), EVERYBODY, ids=[f"{version} {who.name}" for version, who in EVERYBODY]
)


def _row(
    con: duckdb.DuckDBPyConnection, name: str, columns: str, mart: str = "marts.customer_360"
) -> Any:
    return con.execute(
        f"select {columns} from {mart} where account_id = ?", [f"hubspot:h_{name}"]
    ).fetchone()


def _under_v1(con: duckdb.DuckDBPyConnection, name: str, columns: str) -> Any:
    return _row(con, name, columns, "rescoring.int_health_scores")


def _values(who: Customer) -> dict[str, Fraction | None]:
    # Who took part in nothing is known not to have: touches are recorded for everybody.
    touches = {} if isinstance(who, Heard) else {"touches_90d": Fraction(0)}
    return who.values() | touches


def _hundredths(exact: Fraction) -> Decimal:
    return Decimal(round(exact * 100)) / 100


def test_a_score_worked_out_by_hand(warehouse: duckdb.DuckDBPyConnection) -> None:
    # 8 of 10 seats: 75 + 25 x (0.80 - 0.76) / 0.24 = 79.17; 8 of 10 users: 75; trend 0:
    # 75 + 25 x 0.05 / 0.15 = 83.33; used today: 100.
    # adoption 0.35 x 79.17 + 0.25 x 75 + 0.25 x 83.33 + 0.15 x 100 = 82.292
    # 2 of 4 features: 75; 8 star players: 100; 1 integration: 50.
    # maturity 0.40 x 75 + 0.35 x 100 + 0.25 x 50 = 77.5
    # 3 of 4 objectives on track: outcomes 75
    # nothing urgent: 100; 9 of 10 satisfied: 75 + 25 x 0.05 / 0.15 = 83.33; 1 of 10 reopened: 75.
    # support 0.40 x 100 + 0.30 x 83.33 + 0.30 x 75 = 87.499
    # NPS 9 and 10: 75 + 25 x 0.5 = 87.5; the CSM says green: 100.
    # sentiment 0.40 x 87.5 + 0.60 x 100 = 95
    # contact 50 days ago: 75 + 25 x (65 - 50) / 25 = 90; 4 touches: 75 + 25 x 1 / 2 = 87.5.
    # engagement 88.75; nothing overdue: 100.
    # 0.35 x 82.292 + 0.20 x 77.5 + 0.10 x (75 + 87.499 + 95 + 88.75) + 0.05 x 100 = 83.9271
    columns = "health_score, health_band, health_coverage_pct, health_scorecard"
    assert _row(warehouse, "full", columns) == (Decimal("83.93"), "green", Decimal(100), "low")
    # Of this customer the first two and the last two groups are known, and no touches:
    # (35 x 82.292 + 20 x 77.5 + 10 x 45 + 5 x 100) / 70 = 76.8603
    assert _row(warehouse, "steady", columns) == (Decimal("76.86"), "green", Decimal(70), "low")
    # v1: 0.50 x 82.292 + 0.2857 x 77.5 + 0.1429 x 90 + 0.0714 x 100 = 83.28875
    v1 = _under_v1(warehouse, "steady", "score, band, coverage_pct, scorecard")
    assert v1 == (Decimal("83.29"), "green", Decimal(100), "low")


@each_version_and_customer
def test_the_score_is_that_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection, version: str, who: Customer
) -> None:
    expected = score(who.scorecard, who.touch_tier, who.tenure_days, _values(who), version)
    row = _row(
        warehouse,
        who.name,
        "health_scorecard, touch_tier, tenure_days, health_coverage_pct, health_connected_pct,"
        " health_raw_score, health_score",
        f"(from marts.customer_health_history where health_version = '{version}'"
        " and day = '2026-11-15')",
    )
    raw = None if expected.raw is None else _hundredths(expected.raw)
    final = raw if raw is None else min(raw, Decimal(ALL_CAPS.get(who.name, 100)))
    if who.name == "raised":
        assert raw is not None
        assert raw < 75
        final = Decimal(75)
    shares = _hundredths(expected.coverage), _hundredths(expected.connected)
    assert row == (who.scorecard, who.touch_tier, who.tenure_days, *shares, raw, final)


@each_version_and_customer
def test_values_and_points_of_every_driver_are_those_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection, version: str, who: Customer
) -> None:
    values = _values(who)
    expected = score(who.scorecard, who.touch_tier, who.tenure_days, values, version)
    drivers = {"v1": "rescoring.int_health_reasons", "v2": "marts.health_score_drivers"}
    rows = warehouse.execute(
        f"select measure, raw_value, points from {drivers[version]}"
        " where account_id = ? and null_reason is null",
        [f"hubspot:h_{who.name}"],
    ).fetchall()
    for measure, value, points in rows:
        assert value == pytest.approx(Decimal(float(values[measure] or 0)), abs=Decimal("0.000001"))
        if expected.raw is not None:
            # Largest remainder moves a hundredth at most.
            assert abs(Fraction(points) - expected.points[measure]) < Fraction(1, 100)
    if expected.raw is not None:
        assert {measure for measure, _, _ in rows} == set(expected.points)
        assert sum(p for _, _, p in rows) == _hundredths(expected.raw)


def test_a_driver_tells_where_red_and_green_begin(warehouse: duckdb.DuckDBPyConnection) -> None:
    # Low touch: 50 points for a contact 90 days ago, 75 for one 65 days ago.
    limits = warehouse.execute(
        "select direction, red_limit, green_limit from marts.health_score_drivers"
        " where account_id = 'hubspot:h_steady' and measure = 'days_since_contact'"
    ).fetchone()
    assert limits == ("lower", Decimal(90), Decimal(65))


def test_nobody_there_is_a_true_zero_and_scores(warehouse: duckdb.DuckDBPyConnection) -> None:
    # Nothing overdue brings 5 of 70; everything else is known and worth nothing, touches too. Of
    # the groups that are known only the trend of nobody is not: 35 x 0.25 = 8.75 of the weight.
    row = _row(
        warehouse, "silent", "health_score, health_band, active_users_28d, health_coverage_pct"
    )
    assert row == (Decimal("7.14"), "red", 0, Decimal("61.25"))


def test_use_that_nobody_can_see_is_unknown_and_neither_healthy_nor_zero(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Only contact and touches (10) and payment (5) are known.
    row = _row(
        warehouse,
        "unmapped",
        "health_score, health_band, health_null_reason, health_coverage_pct,"
        " active_users_28d, priority",
    )
    assert row == (None, "unknown", "unmapped", Decimal(15), None, None)
    reasons = warehouse.execute(
        "select distinct null_reason from marts.health_score_drivers where null_reason is not null"
        " and account_id = 'hubspot:h_unmapped' and score_group in ('adoption', 'maturity')"
    ).fetchall()
    assert reasons == [("unmapped",)]


@pytest.mark.parametrize(
    ("name", "measure", "reason"),
    [
        ("small", "days_since_contact", "not_applicable"),
        ("small", "active_user_trend_28d", "sample_too_small"),
        ("no_seats", "active_to_licensed", "no_seats"),
        ("new", "days_since_contact", "first_30_days"),
        ("steady", "open_urgent_tickets", "unmapped"),
        ("steady", "reopened_share_90d", "unmapped"),
        ("quiet", "reopened_share_90d", "no_tickets"),
        ("few_words", "reopened_share_90d", "sample_too_small"),
        ("few_words", "csat_90d", "sample_too_small"),
        ("quiet", "csat_90d", "no_answers"),
        ("few_words", "nps_180d", "no_answers"),
        ("quiet", "csm_sentiment", "not_given"),
        ("seen_red_long_ago", "csm_sentiment", "stale"),
        ("quiet", "objectives_on_track", "no_objectives"),
        ("self_starting", "objectives_on_track", "not_applicable"),
    ],
)
def test_an_unknown_measure_says_why(
    warehouse: duckdb.DuckDBPyConnection, name: str, measure: str, reason: str
) -> None:
    row = warehouse.execute(
        "select null_reason, score, points from marts.health_score_drivers"
        " where account_id = ? and measure = ?",
        [f"hubspot:h_{name}", measure],
    ).fetchone()
    assert row == (reason, None, None)


def test_in_the_first_thirty_days_only_the_plan_and_what_people_say_count(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    new = _row(warehouse, "new", "health_score, health_null_reason")
    assert new == (None, "first_30_days")
    assert _row(warehouse, "day_30", "health_score is not null") == (True,)
    # One of two objectives is on track: 50; promoter and green: 100. (35 x 50 + 10 x 100) / 45
    starting = _row(warehouse, "starting", "health_score, health_coverage_pct")
    assert starting == (Decimal("61.11"), Decimal(100))


def test_a_month_overdue_costs_points_and_a_day_more_caps_the_score(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = "health_score, health_band, health_cap, reason_1, overdue_days"
    late = (Decimal(49), "red", "payment_overdue", "Payment overdue by 31 days", 31)
    assert _row(warehouse, "late", columns) == late
    assert _row(warehouse, "a_month_late", "health_cap, overdue_days") == (None, 30)


def test_a_notice_caps_the_score_and_the_raw_score_stays(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    score_now, raw, cap, reason = _row(
        warehouse, "leaving", "health_score, health_raw_score, health_cap, reason_1"
    )
    assert (score_now, cap, reason) == (25, "cancel_notice", "Cancellation notice for 100 % of MRR")
    assert raw > 60


def test_an_urgent_ticket_caps_the_score_after_72_hours(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = "health_cap, reason_1, open_urgent_tickets, open_tickets"
    at_once = "Urgent tickets open: 1"
    assert _row(warehouse, "urgent_for_72_hours", columns) == (None, at_once, 1, 2)
    capped = ("urgent_ticket", "Urgent ticket open for 73 hours", 2, 3)
    assert _row(warehouse, "urgent_for_73_hours", columns) == capped


def test_what_the_csm_says_caps_the_score_until_it_is_too_old(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = "health_score, health_cap, reason_1"
    assert _row(warehouse, "seen_red", columns) == (49, "csm_red", "The CSM sees it red")
    assert _row(warehouse, "seen_red_long_ago", "health_cap") == (None,)
    stale = warehouse.execute(
        "select account_id, score, reason from marts.health_score_drivers where is_stale"
    ).fetchall()
    yellow = ("hubspot:h_seen_yellow_a_while_ago", Decimal("62.50"), "The CSM sees it yellow")
    assert stale == [yellow]


def test_what_a_person_sets_holds_until_it_ends_and_the_raw_score_stays(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = "health_score, health_override, health_override_by, health_cap, reason_1"
    health = "marts.customer_health"
    reason = "Set by hand to 60 until 2026-11-16: Knows better"
    assert _row(warehouse, "held", columns, health) == (60, "cap", "Kim", "override", reason)
    unheld = _row(warehouse, "held_no_more", "health_score > 60, health_override", health)
    assert unheld == (True, None)
    raised = _row(warehouse, "raised", "health_band, health_raw_score < 50, health_cap", health)
    assert raised == ("green", True, "override")


def test_a_driver_names_the_rows_that_it_was_computed_from(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    def rows(name: str, measure: str) -> Any:
        return warehouse.execute(
            "select source_rows, source_row_keys from marts.health_score_drivers"
            " where account_id = ? and measure = ?",
            [f"hubspot:h_{name}", measure],
        ).fetchone()

    assert rows("full", "nps_180d") == (2, "delighted:full 0, delighted:full 2")
    urgent = "zendesk:u_urgent_for_73_hours_0, zendesk:u_urgent_for_73_hours_1"
    assert rows("urgent_for_73_hours", "open_urgent_tickets") == (2, urgent)
    assert rows("quiet", "open_urgent_tickets") == (0, None)
    assert rows("full", "objectives_on_track")[0] == 4
    assert rows("steady", "days_since_contact") == (
        1,
        "hubspot:m_steady_COMPLETED/h_steady",
    )
    assert rows("steady", "star_players") == (1, "mixpanel:p_steady")
    late = rows("late", "overdue_days")
    assert late[0] == 1
    assert late[1].startswith("stripe:")


def test_what_support_and_surveys_tell_stands_beside_the_customer(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = (
        "open_tickets, open_urgent_tickets, csat_90d_pct, csat_answers_90d, nps_latest,"
        " nps_answers_180d, csm_sentiment, objectives, objectives_on_track, touches_90d"
    )
    full = (1, 0, 90, 10, Decimal("9.5"), 2, "green", 4, 3, 4)
    assert _row(warehouse, "full", columns) == full
    # Unknown to the help desk, so that nobody can say that it has no ticket.
    steady = (None, None, None, 0, None, 0, None, 0, 0, 0)
    assert _row(warehouse, "steady", columns) == steady


def test_three_vendors_give_a_score_and_honest_coverage(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # A week before AS_OF: adoption without the trend of nobody (26.25), maturity (20) and payment
    # (5), of 65 that the three could tell; the CRM had no record yet.
    steady = _row(
        warehouse,
        "steady",
        "health_score is not null, health_coverage_pct, health_connected_pct",
        "(from marts.customer_health_history where day = '2026-11-08')",
    )
    assert steady == (True, Decimal("51.25"), Decimal("78.85"))
    reasons = warehouse.execute(
        "select distinct open_urgent_tickets_null_reason, csat_90d_null_reason, csm_sentiment,"
        " touches_90d_null_reason from marts.health_measures_daily where day = '2026-11-08'"
    ).fetchall()
    assert reasons == [("source_off", "source_off", None, "source_off")]


def test_reasons_and_strengths_are_in_plain_words_and_the_costliest_first(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Lost points, of 50: seats 17.5 x (1 - 0.4167) = 10.2, trend 12.5 x 1 = 12.5,
    # users 12.5 x 0.5 = 6.25; of 28.57: features 1 of 4 half of 11.43 = 5.7, stars all 10.0,
    # integrations all 7.1; contact 80 days ago 14.29 x 0.4 = 5.7. Nothing overdue brings 7.14,
    # core use 3 days ago 7.5 x (1 - 0.25 x 3 / 7) = 6.7.
    row = _under_v1(
        warehouse, "fell", "reason_1, reason_2, reason_3, strength_1, strength_2, strength_3"
    )
    assert row == (
        "Active users fell 50 % in 28 days (risk from 5 %)",
        "Only 50 % of paid seats were used in 28 days (risk below 76 %)",
        "Users with many active days: 0 (risk below 2)",
        "No overdue invoice",
        "Core use 3 days ago",
        None,
    )


def test_priority_is_arr_at_risk_times_urgency(warehouse: duckdb.DuckDBPyConnection) -> None:
    # ARR 24000, score 76.86, renewal on 1 December (16 days): 24000 x 0.2314 x 1.5
    row = _row(warehouse, "steady", "arr, renewal_on::text, priority")
    assert row == (Decimal(24000), "2026-12-01", Decimal("8330.40"))


def test_prospects_and_former_customers_are_there_without_a_score(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select account_id, is_customer, lifecycle_stage, mrr, health_score, health_null_reason,"
        " touch_tier from marts.customer_360 where not is_customer order by account_id"
    ).fetchall()
    assert rows == [
        ("hubspot:h_prospect", False, "prospect", 0, None, "not_a_customer", None),
        ("stripe:cus_former", False, "churned", 0, None, "not_a_customer", None),
    ]


def test_the_arr_of_unknown_health_stands_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    # unmapped and new: twice 10 seats at 200 a month
    row = warehouse.execute(
        "select customers, arr from marts.health_bands_now where health_band = 'unknown'"
    ).fetchone()
    assert row == (2, Decimal(48000))


@pytest.mark.parametrize(
    ("value", "anchors", "expected"),
    [
        ("0.60", ["0", "0.60", "0.76", "1"], "50"),
        ("0.76", ["0", "0.60", "0.76", "1"], "75"),
        ("1.20", ["0", "0.60", "0.76", "1"], "100"),
        ("14", ["28", "14", "7", "0"], "50"),
        ("21", ["28", "14", "7", "0"], "25"),
        ("30", ["28", "14", "7", "0"], "0"),
    ],
)
def test_the_second_implementation_itself_meets_the_anchors(
    value: str, anchors: list[str], expected: str
) -> None:
    assert measure_score(Fraction(value), [Fraction(a) for a in anchors]) == Fraction(expected)


def _stored(con: duckdb.DuckDBPyConnection, where: str) -> Any:
    """Rows of both histories, without the moment at which they were written."""
    return tuple(
        con.execute(
            f"select * exclude (loaded_at) from marts.{mart} where {where} order by all"
        ).fetchall()
        for mart in ("customer_health_history", "health_measures_daily")
    )


def test_each_day_is_stored_and_the_change_is_measured_against_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    days = warehouse.execute(
        "select day::text, health_version, is_in_force, count(*)"
        " from marts.customer_health_history where day > '2026-11-01' group by all order by all"
    ).fetchall()
    customers = len(CUSTOMERS) + len(HEARD)
    assert days == [
        ("2026-11-08", "v2", True, customers),
        ("2026-11-15", "v1", False, customers),
        ("2026-11-15", "v2", True, customers),
    ]
    history = "(from marts.customer_health_history where day = '2026-11-{}' and is_in_force)"
    before = _row(warehouse, "steady", "health_score", history.format("08"))[0]
    now = _row(warehouse, "steady", "health_score", history.format("15"))[0]
    assert now != before
    deltas = "health_delta_7d, health_delta_28d, health_delta_90d"
    for mart in (history.format("15"), "marts.customer_health"):
        assert _row(warehouse, "steady", deltas, mart) == (now - before, ANY, None)
    # Scored under v1 there is no day of v1 to compare with: the one in force stands in.
    of_v1 = "(from marts.customer_health_history where health_version = 'v1' and not is_in_force)"
    v1 = _row(warehouse, "steady", "health_score, health_delta_7d", of_v1)
    assert v1 == (Decimal("83.29"), Decimal("83.29") - before)


def test_late_data_is_listed_by_a_replay_and_changes_no_day_that_is_over(
    built: Path, dbt: Dbt, tmp_path: Path
) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    with connect(tmp_path) as con:
        before = _stored(con, "day = '2026-11-08'")
        today = _stored(con, "day = '2026-11-15' and account_id <> 'hubspot:h_quiet'")
    # Whatever a scoring of stored days gives is what was stored.
    rescore(dbt, tmp_path, "v2", "2026-11-08", "2026-11-15")
    late = {"id": "late", "survey_type": "nps", "score": 3, "account_key": "p_quiet",
            "person__email": "ann@quiet.example", "created_at": "2026-11-07T09:00:00Z",
            "updated_at": "2026-11-07T09:00:00Z"}  # fmt: skip
    surveys = {"delighted": {"survey_responses": [late]}}
    write_raw(tmp_path, surveys, ["delighted"], load_id="1800000000.0", replace=False)
    # The same day run again replaces itself; of the days before nothing is touched.
    ends = ("health_late_data", "customer_health_history")
    answered = " ".join(f"int_survey_responses+,+{end}" for end in ends)
    options = {"sources": ALL, "data_tests": False}
    dbt.build(tmp_path, as_of=AS_OF.isoformat(), select=answered, **options)
    with connect(tmp_path) as con:
        assert _stored(con, "day = '2026-11-08'") == before
        of_the_others = "day = '2026-11-15' and account_id <> 'hubspot:h_quiet'"
        assert _stored(con, of_the_others) == today
        quiet = "marts.health_measures_daily where day = '2026-11-15' and account_id like '%quiet'"
        assert con.execute(f"select nps_180d from {quiet}").fetchall() == [(3,)]
        of_that_day = "from marts.health_late_data where day = '2026-11-08'"
        assert con.execute(f"select count(*) {of_that_day}").fetchone() == (0,)
    # The day before that, as it is known now: what was stored stays, the difference is listed.
    select = "+health_measures_daily +customer_health_history +health_late_data"
    dbt.build(tmp_path, as_of=WEEK_AGO.isoformat(), select=select, **options)
    with connect(tmp_path) as con:
        assert _stored(con, "day = '2026-11-08'") == before
        assert _stored(con, of_the_others) == today
        found = con.execute(
            f"select stored_value, stored_words, value_now, words_now {of_that_day}"
            " and account_id = 'hubspot:h_quiet' and fact = 'nps_180d'"
        ).fetchall()
        assert found == [(None, "source_off", 3, None)]
