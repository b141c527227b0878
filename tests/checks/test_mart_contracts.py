"""What the contracts on the marts let through to readers, on small marts made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from checks.baseline import published_values
from checks.runner import CheckOutcome, mart_contracts, verify

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MARTS_OF_THE_PROJECT = Path(__file__).parents[2] / "transform" / "models" / "marts"

# Hundred accounts, all customers; twenty red, thirty of unknown health.
HEALTHY = """
    create schema marts;
    create table marts.customer_360 as
        select 'a' || i as account_id, 'Account ' || i as account_name, 'Ann' as csm_name,
            true as is_customer, cast(10 as decimal(18, 4)) as mrr,
            cast(120 as decimal(18, 4)) as arr, timestamp '2026-03-10 12:00' as as_of
        from range(100) r(i);
    create table marts.customer_health as
        select 'a' || i as account_id, cast(80 as decimal(5, 2)) as health_coverage_pct,
            cast(90 as decimal(5, 2)) as health_connected_pct,
            cast(i as decimal(5, 2)) as health_score,
            case when i < 20 then 'red' when i < 50 then 'unknown' else 'green' end as health_band
        from range(100) r(i);
    create table marts.health_score_drivers as
        select 'a' || i as account_id, m as measure, 5 as nominal_weight, 60 as score,
            cast(null as varchar) as null_reason
        from range(100) r(i), range(2) s(m);
    create table marts.customer_health_history as
        select account_id, date '2026-03-10' - cast(d as integer) as day, 'v1' as health_version,
            d = 0 as is_in_force, health_score
        from marts.customer_health, range(3) t(d);
    create table marts.health_measures_daily as
        select account_id, date '2026-03-10' - cast(d as integer) as day,
            cast(date '2026-03-10' - cast(d as integer) as timestamp) as loaded_at
        from marts.customer_health, range(40) t(d);
    create table marts.health_score_changes as
        select 'a' || i as account_id, m as measure, 1.5 as behaviour_change,
            -2 as definition_change, 0.5 as late_data_change, 10 as points, 10 as points_before
        from range(70) r(i), range(2) s(m);
    create table marts.health_late_data as
        select 'a' || i as account_id, date '2026-02-10' as day from range(10) r(i);
    create table marts.health_version_moves as
        select 'a' || i as account_id, 'v2' as health_version, i < 10 as is_in_another_band
        from range(100) r(i);
    create table marts.account_families as
        select account_id as family_account_id from marts.customer_health;
    create table marts.health_bands_now as
        select unnest(['red', 'yellow', 'green', 'unknown']) as health_band;
    create table marts.churn_labels as
        select account_id, if(health_score < 2, 'unknown', 'stayed') as outcome
        from marts.customer_health;
    create table marts.health_backtest as
        select 'v1' as health_version, evidence, auc, auc as pr_auc, auc as lift_top_decile
        from (values ('enough', 0.7), ('not_enough_evidence', null)) t(evidence, auc);
    create table marts.account_tiers as
        select 'a' || i as account_id, case when i < 10 then 'high' else 'tech' end as touch_tier
        from range(100) r(i);
    create table marts.account_tier_history as
        select 'a' || i as account_id, k as tier_kind, date '2026-01-01' as valid_from,
            cast(null as date) as valid_to, true as is_current, 'low' as tier, 'first' as because,
            timestamp '2026-03-10 12:00' as as_of
        from range(100) r(i), unnest(['touch', 'value']) t(k);
    create table marts.identity_map as
        select 'a' || i as account_id, 'account' as entity, k as kind,
            case k when 'crm' then 'crm_record' else 'company_domain' end as rule,
            'one' as source, cast(null as timestamp) as valid_to
        from range(90) r(i), unnest(['crm', 'billing']) t(k);
    create table marts.unmatched_records as
        select 'u' || i as source_id, 'account' as entity, 'billing' as kind,
            cast(5 as decimal(18, 4)) as mrr_at_stake, 'one' as source, 'no_key' as reason
        from range(10) r(i);
    create table marts.identity_exceptions as
        select 'domain_of_many_accounts' as exception, 'd' || i as subject from range(5) r(i);
    create table marts.account_hierarchy as
        select 'a' || i as account_id, 0 as depth, false as is_parent_refused from range(100) r(i);
    create table marts.dim_account as
        select 'a' || i as account_id, 'Account ' || i as name from range(100) r(i);
    create table marts.mrr_monthly as
        select 'a' || i as account_id,
            date '2026-03-01' - to_months(cast(m as integer)) as month_on,
            m > 0 as is_closed, cast(10 as decimal(18, 4)) as mrr_reporting
        from range(100) r(i), range(12) t(m);
    update marts.mrr_monthly set month_on = date_trunc('month', month_on);
    create table marts.mrr_daily as
        select 'a' || i as account_id, 'USD' as currency,
            date '2025-01-01' + cast(100 * m as integer) as from_on,
            case when m < 3 then date '2025-01-01' + cast(100 * m + 100 as integer) end as to_on,
            cast(10 as decimal(18, 4)) as mrr_reporting
        from range(100) r(i), range(4) t(m);
    create table marts.revenue_restatements as
        select date '2026-01-01' as month_on, 'a' || i as account_id, 'mrr' as metric,
            timestamp '2026-03-10 06:00' - to_hours(cast(i as integer)) as noticed_at
        from range(30) r(i);
    create table marts.mrr_movements as
        select 'a' || i as account_id, date '2026-02-01' as month_on, 'new' as movement,
            cast(10 as decimal(18, 4)) as amount_reporting
        from range(100) r(i);
    create table marts.cohort_retention as
        select date '2026-01-01' as cohort_on, date '2026-02-01' as month_on;
    create table marts.renewals as
        select 'i' || i as item_source_id, date '2026-02-01' as due_month_on,
            case when i < 10 then 'late' else 'renewed' end as outcome
        from range(50) r(i);
    create table marts.kpi_monthly as
        select 'mrr' as metric, date '2026-03-01' as month_on, 'outcome' as metric_class,
            cast(1 as decimal(18, 6)) as target
        union all select 'calls', date '2026-03-01', 'activity', null;
    create table marts.revenue_exceptions as
        select 'e' || i as exception_id, i < 25 as is_current from range(40) r(i);
    create table marts.account_usage_daily as
        select 'a' || i as account_id, date '2026-03-10' - cast(d as integer) as day,
            true as is_known, 100 as core_events
        from range(10) r(i), range(30) t(d);
    create table marts.feature_adoption as
        select 'a' || i as account_id, f as feature, date '2026-03-08' as week_end,
            f = 'reports' as is_entitled, case f when 'reports' then 5 else 0 end as core_events
        from range(10) r(i), unnest(['reports', 'api']) t(f);
    create table marts.account_adoption_weekly as
        select 'a' || i as account_id, date '2026-03-02' as week_start, i as active_users_4w
        from range(10) r(i);
    create table marts.account_activation as
        select 'a' || i as account_id, 'activation' as goal,
            case when i < 80 then 'unmapped' when i < 90 then 'immature' end as null_reason
        from range(100) r(i);
    create table marts.activation as
        select g as goal, 0.5 as activation_rate, 3 as reached
        from unnest(['activation', 'first_value']) t(g);
    create table marts.time_to_value as
        select 'activation' as goal, 4 as first_quarter_days, 9 as median_days,
            cast(null as varchar) as median_null_reason
        union all select 'first_value', 4, null, 'fewer_than_half';
    create table marts.usage_retention as
        select 'user' as unit, 'week' as period, date '2026-01-05' as cohort_on, i as age,
            20 - i as returned_or_later
        from range(8) r(i);
    create table marts.source_freshness as
        select * from (values
            ('hubspot', 'crm', timestamp '2026-03-09 12:00', timestamp '2026-03-10 11:00', 24, 1),
            ('stripe', 'billing', timestamp '2026-03-10 10:00', timestamp '2026-03-10 11:00', 2, 1),
            ('files', 'files', null, timestamp '2026-03-10 11:00', null, 1)
        ) t(source, kind, newest_record_at, pulled_at, data_age_hours, pull_age_hours);
    create table marts.account_tickets as
        select 'a' || i as account_id from range(100) r(i);
    create table marts.account_survey_answers as
        select 'a' || i as account_id, cast(50 as decimal(18, 6)) as score_0_100
        from range(100) r(i);
    create table marts.account_invoices as
        select 'a' || i as account_id, cast(10 as decimal(18, 4)) as total from range(100) r(i);
    create table marts.account_subscriptions as
        select 'a' || i as account_id, cast(5 as decimal(18, 4)) as mrr_reporting
        from range(100) r(i), range(2) s(n);
    create table marts.account_timeline as
        select 'a' || i as account_id, timestamp '2026-03-09 12:00' as happened_at
        from range(100) r(i);
    create table marts.calendar as
        select date '2026-01-01' + cast(i as integer) as day from range(800) r(i);
    create table marts.unmatched_references as
        select 'r' || i as reference, 9 as records from range(11) r(i);
"""

Audit = Callable[..., dict[str, CheckOutcome]]


def built(path: Path, *changes: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in (HEALTHY, *changes):
            connection.execute(statement)
    return path


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Build the marts, change them, and check one of them."""

    def run(
        mart: str, *changes: str, variables: dict[str, float | str] | None = None
    ) -> dict[str, CheckOutcome]:
        warehouse = tmp_path / "warehouse.duckdb"
        warehouse.unlink(missing_ok=True)
        built(warehouse, *changes)
        contract = next(path for path in mart_contracts() if path.stem == mart)
        found = verify(contract, warehouse, variables or {}, as_of=NOON)
        return {check.name.removeprefix("soda_"): check for check in found}

    return run


def wrong(found: dict[str, CheckOutcome]) -> dict[str, str]:
    return {name: check.outcome for name, check in found.items() if not check.passed}


def test_every_mart_has_its_contract_and_every_contract_its_mart() -> None:
    marts = {path.stem for path in MARTS_OF_THE_PROJECT.rglob("*.sql")}
    assert {path.stem for path in mart_contracts()} == marts


@pytest.mark.parametrize("mart", [path.stem for path in mart_contracts()])
def test_healthy_marts_pass(mart: str, audit: Audit) -> None:
    assert wrong(audit(mart)) == {}


@pytest.mark.parametrize("mart", [path.stem for path in mart_contracts()])
def test_an_empty_mart_is_judged_and_only_an_empty_customer_360_is_held_back(
    mart: str, audit: Audit
) -> None:
    found = audit(mart, f"delete from marts.{mart}")
    assert "NOT_EVALUATED" not in wrong(found).values()
    stops = [name for name, check in found.items() if check.stops]
    assert stops == (["row_count"] if mart == "customer_360" else [])


@pytest.mark.parametrize(
    ("mart", "variable", "published"),
    [
        ("customer_360", "PUBLISHED_CUSTOMER_360_ROWS", 100),
        ("mrr_monthly", "PUBLISHED_MRR_MONTHLY_ROWS", 1200),
        ("mrr_movements", "PUBLISHED_MRR_MOVEMENTS_ROWS", 100),
        ("mrr_daily", "PUBLISHED_MRR_DAILY_ROWS", 400),
    ],
)
def test_a_fifth_may_go_between_two_publications_and_no_row_more(
    mart: str, variable: str, published: int, audit: Audit
) -> None:
    fifth = f"delete from marts.{mart} where rowid >= {published * 8 // 10}"
    one_more = f"delete from marts.{mart} where rowid >= {published * 8 // 10 - 1}"
    last: dict[str, float | str] = {variable: published}
    assert not audit(mart, fifth, variables=last)["metric_pct_of_published"].stops
    assert audit(mart, one_more, variables=last)["metric_pct_of_published"].stops
    allowed = {**last, "MIN_PCT_OF_PUBLISHED": 50}
    assert not audit(mart, one_more, variables=allowed)["metric_pct_of_published"].stops


def test_a_red_share_that_jumps_by_more_than_ten_points_is_not_published(audit: Audit) -> None:
    # 20 of the 70 that have a score.
    assert audit("customer_health")["metric_red_pct"].metrics["value"] == pytest.approx(
        28.571, 1e-4
    )
    last: dict[str, float | str] = {
        "PUBLISHED_CUSTOMER_HEALTH_SCORED": 70,
        "PUBLISHED_CUSTOMER_HEALTH_RED_PCT": 2000 / 70,
    }
    turn_red = "update marts.customer_health set health_band = 'red' where account_id in ({})"
    ids = ", ".join(f"'a{i}'" for i in range(50, 57))  # 27 of 70: exactly ten points
    assert not audit("customer_health", turn_red.format(ids), variables=last)[
        "metric_red_rise_points"
    ].stops
    ids = ", ".join(f"'a{i}'" for i in range(50, 58))  # 28 of 70: 11.4 points
    found = audit("customer_health", turn_red.format(ids), variables=last)
    assert found["metric_red_rise_points"].stops
    assert found["metric_red_rise_points"].metrics["value"] == pytest.approx(11.4286, 1e-4)
    allowed = {**last, "MAX_RED_RISE_POINTS": 12}
    assert not audit("customer_health", turn_red.format(ids), variables=allowed)[
        "metric_red_rise_points"
    ].stops


def test_a_red_share_among_a_handful_of_scores_is_held_against_nothing(audit: Audit) -> None:
    for scored, stops in ((0, False), (19, False), (20, True)):
        last: dict[str, float | str] = {
            "PUBLISHED_CUSTOMER_HEALTH_SCORED": scored,
            "PUBLISHED_CUSTOMER_HEALTH_RED_PCT": 0,
        }
        found = audit("customer_health", variables=last)
        assert found["metric_red_rise_points"].stops == stops


@pytest.mark.parametrize(
    ("unknown", "outcome"), [(39, "PASSED"), (40, "WARN"), (79, "WARN"), (80, "FAILED")]
)
def test_too_many_customers_of_unknown_health_show(
    unknown: int, outcome: str, audit: Audit
) -> None:
    found = audit(
        "customer_health",
        "update marts.customer_health set health_band = 'green'",
        f"update marts.customer_health set health_band = 'unknown' where rowid < {unknown}",
    )
    assert found["metric_unknown_pct"].outcome == outcome
    assert not found["metric_unknown_pct"].stops


def test_a_coverage_that_falls_by_more_than_five_points_shows(audit: Audit) -> None:
    for last, outcome in ((25, "PASSED"), (24, "FAILED")):
        values: dict[str, float | str] = {
            "PUBLISHED_CUSTOMER_HEALTH_ROWS": 100,
            "PUBLISHED_CUSTOMER_HEALTH_UNKNOWN_PCT": last,
        }
        found = audit("customer_health", variables=values)
        assert found["metric_unknown_rise_points"].outcome == outcome


def test_a_change_that_its_parts_do_not_explain_stops_and_much_that_moves_shows(
    audit: Audit,
) -> None:
    rest = "update marts.health_score_changes set late_data_change = 0 where account_id = 'a7'"
    assert wrong(audit("health_score_changes", rest)) == {"metric_unexplained": "FAILED"}
    late = """insert into marts.health_late_data
        select 'a' || i, date '2026-02-10' from range(10, 50) r(i)"""
    assert wrong(audit("health_late_data", late)) == {"metric_late_pct": "WARN"}
    moved = "update marts.health_version_moves set is_in_another_band = true where {}"
    half = moved.format("substr(account_id, 2)::int < 50")
    assert wrong(audit("health_version_moves", half)) == {"metric_moved_pct": "WARN"}
    no_family = "delete from marts.account_families"
    assert set(wrong(audit("account_families", no_family)).values()) == {"WARN"}


def test_scores_that_stand_on_little_of_their_weight_show(audit: Audit) -> None:
    few_systems = "update marts.customer_health set health_coverage_pct = 40"
    assert wrong(audit("customer_health", few_systems)) == {"metric_coverage_pct": "WARN"}
    few_facts = "update marts.customer_health set health_connected_pct = 50"
    assert wrong(audit("customer_health", few_facts)) == {"metric_connected_pct": "WARN"}


def test_a_history_of_health_that_shrinks_lags_or_disagrees_shows(audit: Audit) -> None:
    last: dict[str, float | str] = {"PUBLISHED_CUSTOMER_HEALTH_HISTORY_ROWS": 376}
    found = audit("customer_health_history", variables=last)  # 300 of 376 are 79.8 %
    assert found["metric_pct_of_published"].stops
    behind = "delete from marts.customer_health_history where day > date '2026-03-08'"
    assert wrong(audit("customer_health_history", behind)) == {"metric_days_behind": "FAILED"}
    other = "update marts.customer_health set health_score = null where account_id = 'a7'"
    assert wrong(audit("customer_health_history", other)) == {"metric_unlike_now": "WARN"}


def test_a_day_of_which_no_measures_were_stored_shows(audit: Audit) -> None:
    lost = "delete from marts.health_measures_daily where day = date '2026-{}'"
    missing = {"metric_missing_days": "WARN"}
    assert wrong(audit("health_measures_daily", lost.format("02-11"))) == missing
    assert wrong(audit("health_measures_daily", lost.format("02-10"))) == {}
    short = "delete from marts.health_measures_daily where day < date '2026-03-08'"
    assert wrong(audit("health_measures_daily", short)) == {}
    filled = """insert into marts.health_measures_daily
        select account_id, unnest([date '2025-12-31', date '2026-02-28']), timestamp '2026-03-10'
        from marts.customer_health"""
    assert wrong(audit("health_measures_daily", short, filled)) == {}


def test_the_match_rate_counts_billing_and_product_accounts_only(audit: Audit) -> None:
    into = "insert into marts.identity_map by name select 'x' as account_id, 'one' as source, "
    crm = into + "'account' as entity, 'crm' as kind, 'crm_record' as rule"
    user = into + "'user' as entity, 'product' as kind, 'account_of_user' as rule"
    past = (
        into + "'account' as entity, 'product' as kind, 'company_domain' as rule, now() as valid_to"
    )
    contact = (
        "insert into marts.unmatched_records by name"
        " select 'x' as source_id, 'contact' as entity, 'crm' as kind"
    )
    # 90 matched, 10 not.
    found = audit("identity_map", crm, user, past, contact)
    assert found["metric_matched_pct"].metrics["value"] == 90
    own = into + "'account' as entity, 'product' as kind, 'own_record' as rule"
    assert audit("identity_map", own)["metric_matched_pct"].metrics["value"] == 90


def test_a_match_rate_that_is_low_or_falls_shows(audit: Audit) -> None:
    more = (
        "insert into marts.unmatched_records by name select 'y' || i as source_id,"
        " 'account' as entity, 'product' as kind, 'one' as source, 'no_key' as reason"
    )
    for added, outcome in ((28, "PASSED"), (29, "WARN"), (124, "WARN"), (125, "FAILED")):
        # 90 of 128 are 70.3 %, of 129 69.8 %; 90 of 224 are 40.2 %, of 225 exactly 40 %.
        found = audit("identity_map", f"{more} from range({added}) r(i)")
        assert found["metric_matched_pct"].outcome == outcome
    for last, outcome in ((95, "PASSED"), (95.5, "FAILED")):
        found = audit("identity_map", variables={"PUBLISHED_IDENTITY_MAP_MATCHED_PCT": last})
        assert found["metric_matched_fall_points"].outcome == outcome


def test_one_source_that_is_hardly_matched_shows(audit: Audit) -> None:
    # 90 of source one are matched, and as many of another as are not.
    rows = (
        "insert into marts.{} by name"
        " select 'z' || i as {}, 'account' as entity, {} from range({}) r(i)"
    )
    matched = rows.format(
        "identity_map", "account_id", "'support' as kind, 'two' as source, 'known_email' as rule", 9
    )
    for unmatched, outcome in ((8, "PASSED"), (9, "WARN")):
        left = rows.format(
            "unmatched_records",
            "source_id",
            "'support' as kind, 'two' as source, 'no_key' as reason",
            unmatched,
        )
        found = audit("identity_map", matched, left)
        assert found["metric_least_matched_pct"].outcome == outcome
        assert found["metric_matched_pct"].metrics["value"] == 90


def test_identity_exceptions_show(audit: Audit) -> None:
    more = (
        "insert into marts.identity_exceptions"
        " select 'circle_of_parents', 'c' || i from range({}) r(i)"
    )
    assert wrong(audit("identity_exceptions", more.format(20))) == {}
    assert wrong(audit("identity_exceptions", more.format(21))) == {"metric_exceptions": "WARN"}
    lost = "insert into marts.identity_exceptions values ('override_unknown_account', 'x')"
    assert wrong(audit("identity_exceptions", lost)) == {"metric_decisions": "WARN"}
    circle = "update marts.account_hierarchy set is_parent_refused = true where account_id = 'a1'"
    assert wrong(audit("account_hierarchy", circle)) == {"metric_refused": "WARN"}
    deep = "update marts.account_hierarchy set depth = 11 where account_id = 'a1'"
    assert wrong(audit("account_hierarchy", deep)) == {"metric_deepest": "WARN"}
    lost_one = "delete from marts.dim_account where account_id = 'a1'"
    assert wrong(audit("dim_account", lost_one)) == {"metric_only_on_one_side": "WARN"}


def test_money_that_belongs_to_nobody_known_shows(audit: Audit) -> None:
    # 10 records of 5 against 100 accounts of 10.
    assert audit("unmatched_records")["metric_mrr_at_stake_pct"].metrics["value"] == 5
    tenfold = "update marts.unmatched_records set mrr_at_stake = 50"
    assert audit("unmatched_records", tenfold)["metric_mrr_at_stake_pct"].outcome == "FAILED"


def test_an_arr_in_minor_units_shows(audit: Audit) -> None:
    last: dict[str, float | str] = {"PUBLISHED_CUSTOMER_360_ARR": 12000}
    assert wrong(audit("customer_360", variables=last)) == {}
    cents = "update marts.customer_360 set arr = arr * 100"
    assert wrong(audit("customer_360", cents, variables=last)) == {
        "metric_arr_pct_of_published": "WARN"
    }
    one = "update marts.customer_360 set arr = 60000000 where account_id = 'a1'"
    assert wrong(audit("customer_360", one)) == {"metric_largest_arr": "WARN"}


def test_customers_without_a_csm_or_a_name_show(audit: Audit) -> None:
    nobody = "update marts.customer_360 set csm_name = null where rowid < 25"
    assert wrong(audit("customer_360", nobody)) == {"metric_without_csm_pct": "WARN"}
    leads = "update marts.customer_360 set is_customer = false where rowid < 25"
    assert wrong(audit("customer_360", nobody, leads)) == {}
    nameless = "update marts.customer_360 set account_name = null where rowid < 5"
    assert wrong(audit("customer_360", nameless)) == {"account_name_missing": "WARN"}


@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [
        ("2026-03-10 12:00", "PASSED"),
        ("2026-03-09 09:00", "WARN"),
        ("2026-03-08 09:00", "FAILED"),
        ("2026-03-11 12:00", "FAILED"),
    ],
)
def test_marts_that_were_built_for_another_now_show(as_of: str, outcome: str, audit: Audit) -> None:
    moved = f"update marts.customer_360 set as_of = timestamp '{as_of}'"
    assert audit("customer_360", moved)["freshness"].outcome == outcome


def test_revenue_of_the_last_closed_month_is_held_against_the_one_before(audit: Audit) -> None:
    # The running month is not closed and does not count.
    running = "update marts.mrr_monthly set mrr_reporting = 0 where month_on = date '2026-03-01'"
    assert wrong(audit("mrr_monthly", running)) == {}
    half = "update marts.mrr_monthly set mrr_reporting = 5 where month_on = date '2026-02-01'"
    found = audit("mrr_monthly", half)
    assert found["metric_month_on_month_pct"].outcome == "WARN"
    assert found["metric_month_on_month_pct"].metrics["value"] == 50


def test_revenue_that_ends_in_the_past_or_in_the_future_shows(audit: Audit) -> None:
    for months, outcome in ((-1, "FAILED"), (0, "PASSED"), (1, "PASSED"), (2, "FAILED")):
        moved = f"update marts.mrr_monthly set month_on = month_on - to_months({months})"
        assert audit("mrr_monthly", moved)["metric_months_behind"].outcome == outcome


def test_use_that_stops_or_that_nobody_tells_of_shows(audit: Audit) -> None:
    silent = "update marts.account_usage_daily set core_events = 0 where day >= date '2026-03-03'"
    assert wrong(audit("account_usage_daily", silent)) == {"metric_week_on_week_pct": "WARN"}
    # Today is not over and does not count.
    today = "update marts.account_usage_daily set core_events = 0 where day = date '2026-03-10'"
    assert wrong(audit("account_usage_daily", today)) == {}
    unknown = "update marts.account_usage_daily set is_known = false where day >= date '2026-03-07'"
    found = audit("account_usage_daily", unknown)  # four of seven days
    assert found["metric_known_pct"].metrics["value"] == pytest.approx(300 / 7)
    assert found["metric_known_pct"].outcome == "WARN"
    behind = "delete from marts.account_usage_daily where day > date '2026-03-07'"
    assert wrong(audit("account_usage_daily", behind)) == {"metric_days_behind": "FAILED"}


def test_a_measure_that_is_unknown_for_everybody_shows(audit: Audit) -> None:
    silent = "update marts.health_score_drivers set score = null where measure = 1"
    assert wrong(audit("health_score_drivers", silent)) == {"metric_silent_measures": "WARN"}
    weightless = "update marts.health_score_drivers set nominal_weight = 0 where measure = 1"
    assert wrong(audit("health_score_drivers", silent, weightless)) == {}
    off = "update marts.health_score_drivers set null_reason = 'source_off' where measure = 1"
    assert wrong(audit("health_score_drivers", silent, off)) == {}


def test_a_source_that_is_old_or_never_delivered_shows(audit: Audit) -> None:
    for hours, outcome in ((97, "PASSED"), (98, "WARN"), (168, "FAILED")):
        old = f"update marts.source_freshness set data_age_hours = {hours} where source = 'stripe'"
        assert audit("source_freshness", old)["metric_oldest_data_hours"].outcome == outcome
    rest = "update marts.source_freshness set data_age_hours = 9000 where source = 'files'"
    assert wrong(audit("source_freshness", rest)) == {}, "nobody has to drop a file"
    never = "update marts.source_freshness set newest_record_at = null where source = 'stripe'"
    assert wrong(audit("source_freshness", never)) == {"failed_rows_never_delivered": "WARN"}


@pytest.mark.parametrize(
    ("mart", "change", "found"),
    [
        (
            "account_subscriptions",
            "mrr_reporting = 6",
            {"metric_mrr_unlike_customer_360": "FAILED"},
        ),
        ("account_survey_answers", "score_0_100 = null", {"metric_off_scale": "WARN"}),
        ("account_invoices", "total = null", {"metric_unknown_currency": "WARN"}),
        (
            "account_timeline",
            "happened_at = timestamp '2026-03-11 13:00'",
            {"metric_days_behind": "FAILED"},
        ),
    ],
)
def test_what_cannot_be_true_of_one_customer_shows(
    mart: str, change: str, found: dict[str, str], audit: Audit
) -> None:
    where = "true" if mart == "account_timeline" else "account_id = 'a1'"
    assert wrong(audit(mart, f"update marts.{mart} set {change} where {where}")) == found


def test_revenue_that_cannot_be_counted_shows_above_a_limit(audit: Audit) -> None:
    more = "update marts.revenue_exceptions set is_current = true where exception_id = 'e25'"
    assert wrong(audit("revenue_exceptions", more)) == {"metric_current": "WARN"}
    found = audit("revenue_exceptions", more, variables={"MAX_REVENUE_EXCEPTIONS": 26})
    assert wrong(found) == {}


def test_a_portfolio_without_scores_by_tier_is_not_all_high_touch(audit: Audit) -> None:
    half = "update marts.account_tiers set touch_tier = 'high' where rowid < 50"
    assert wrong(audit("account_tiers", half)) == {"metric_high_touch_pct": "WARN"}


def test_the_last_publication_gives_the_values_that_the_next_is_held_against(
    tmp_path: Path,
) -> None:
    values = published_values(built(tmp_path / "c360.duckdb"), as_of=NOON)
    assert values["PUBLISHED_CUSTOMER_360_ROWS"] == 100
    assert values["PUBLISHED_CUSTOMER_360_ARR"] == 12000
    assert values["PUBLISHED_MRR_MONTHLY_ROWS"] == 1200
    assert values["PUBLISHED_CUSTOMER_HEALTH_RED_PCT"] == pytest.approx(2000 / 70)
    assert values["PUBLISHED_CUSTOMER_HEALTH_UNKNOWN_PCT"] == 30
    assert values["PUBLISHED_IDENTITY_MAP_MATCHED_PCT"] == 90


@pytest.mark.parametrize(
    ("mart", "change", "check"),
    [
        (
            "renewals",
            "insert into marts.renewals values ('i99', date '2026-03-01', 'late')",
            "metric_late_now",
        ),
        (
            "kpi_monthly",
            "update marts.kpi_monthly set target = 9 where metric = 'calls'",
            "metric_goals_on_activity",
        ),
        (
            "cohort_retention",
            "update marts.cohort_retention set month_on = date '2025-12-01'",
            "metric_cohorts_before_the_first_month",
        ),
        ("mrr_daily", "update marts.mrr_daily set to_on = null", "metric_overlapping"),
        (
            "revenue_restatements",
            "update marts.revenue_restatements set noticed_at = timestamp '2026-03-10 06:00'",
            "metric_noticed_lately",
        ),
    ],
)
def test_revenue_that_is_not_right_shows(mart: str, change: str, check: str, audit: Audit) -> None:
    assert list(wrong(audit(mart, change))) == [check]


def test_every_value_that_a_contract_compares_with_is_measured(tmp_path: Path) -> None:
    values = published_values(built(tmp_path / "c360.duckdb"), as_of=NOON)
    wanted = {
        word.strip("{}:, ")
        for path in mart_contracts()
        for line in path.read_text().splitlines()
        for word in line.split(":")[:1]
        if word.strip().startswith("PUBLISHED_")
    }
    assert wanted
    assert wanted <= set(values)


def test_the_same_marts_again_pass_against_their_own_publication(tmp_path: Path) -> None:
    marts = built(tmp_path / "c360.duckdb")
    values = published_values(marts, as_of=NOON)
    for contract in mart_contracts():
        assert {check.outcome for check in verify(contract, marts, values, as_of=NOON)} == {
            "PASSED"
        }


def test_without_a_publication_nothing_is_compared(tmp_path: Path) -> None:
    assert published_values(tmp_path / "c360.duckdb", as_of=NOON) == {}


def test_a_publication_from_before_a_mart_existed_leaves_it_out(tmp_path: Path) -> None:
    old = built(tmp_path / "c360.duckdb", "drop table marts.mrr_monthly")
    values = published_values(old, as_of=NOON)
    assert "PUBLISHED_MRR_MONTHLY_ROWS" not in values
    assert values["PUBLISHED_CUSTOMER_360_ROWS"] == 100


def test_tiers_of_two_times_that_overlap_are_not_published_and_many_that_move_show(
    audit: Audit,
) -> None:
    again = """insert into marts.account_tier_history select * replace (
        date '2026-02-01' as valid_from, 'two_month_ends' as because)
        from marts.account_tier_history where tier_kind = 'touch' and account_id = 'a7'"""
    found = audit("account_tier_history", again)
    assert [name for name, check in found.items() if check.stops] == ["metric_overlapping"]
    move = """update marts.account_tier_history set because = 'renewal',
        valid_from = date '2026-02-20' where substr(account_id, 2)::int < {}"""
    assert wrong(audit("account_tier_history", move.format(19))) == {}
    assert wrong(audit("account_tier_history", move.format(20))) == {"metric_moved_pct": "WARN"}


def test_a_feature_that_nobody_is_sold_shows_and_so_do_weeks_that_stopped(audit: Audit) -> None:
    used = "update marts.feature_adoption set core_events = 1 where feature = 'api'"
    assert wrong(audit("feature_adoption", used)) == {"metric_unknown_features": "WARN"}
    unlisted = "update marts.feature_adoption set is_entitled = null where feature = 'api'"
    assert wrong(audit("feature_adoption", used, unlisted)) == {}
    old = "update marts.feature_adoption set week_end = date '2026-02-{}'"
    assert wrong(audit("feature_adoption", old.format("28"))) == {"metric_weeks_behind": "WARN"}
    quiet = "update marts.account_adoption_weekly set active_users_4w = 0 where rowid > 2"
    assert wrong(audit("account_adoption_weekly", quiet)) == {"metric_active_pct": "WARN"}


def test_goals_that_cannot_be_judged_or_reached_show(audit: Audit) -> None:
    unwatched = "update marts.account_activation set null_reason = 'unmapped' where rowid < 90"
    assert wrong(audit("account_activation", unwatched)) == {"metric_unwatched_pct": "WARN"}
    nobody = "update marts.activation set reached = 0 where goal = 'activation'"
    assert wrong(audit("activation", nobody)) == {"metric_never_reached": "WARN"}


def test_curves_that_no_data_could_give_are_not_published(audit: Audit) -> None:
    for change in ("median_days = 3", "median_null_reason = 'fewer_than_half'"):
        found = audit(
            "time_to_value", f"update marts.time_to_value set {change} where goal = 'activation'"
        )
        assert found["metric_medians_out_of_order"].stops
    more = "update marts.usage_retention set returned_or_later = 20 where age = 5"
    assert audit("usage_retention", more)["metric_rising_unbounded"].stops
