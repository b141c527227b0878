"""What each raw contract says about good and bad loads, on tables made from the contracts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from checks.runner import CheckOutcome, raw_contracts, verify
from tests.checks import contract_tables

SOURCES = [
    "hubspot",
    "stripe",
    "mixpanel",
    "delighted",
    "intercom",
    "salesforce",
    "amplitude",
    "segment",
]
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
AT = "2026-03-10 11:00+00"
ELEVEN = int(datetime(2026, 3, 10, 11, tzinfo=UTC).timestamp())

Load = Callable[..., dict[str, CheckOutcome]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Make all tables of a source, run statements on them, and check one table."""

    def run(source: str, table: str, *statements: str) -> dict[str, CheckOutcome]:
        database = tmp_path / f"raw_{source}.duckdb"
        contracts = {path.stem: path for path in raw_contracts(source)}
        fresh = not database.exists()
        with duckdb.connect() as connection:
            connection.execute(f"attach '{database}' as raw")
            connection.execute("use raw")
            connection.execute("set TimeZone = 'UTC'")
            for path in contracts.values() if fresh else ():
                contract_tables.create(connection, path)
            for statement in statements:
                connection.execute(statement)
        found = verify(contracts[table], database, {}, as_of=NOON)
        return {check.name.removeprefix("soda_"): check for check in found}

    return run


def wrong(found: dict[str, CheckOutcome]) -> dict[str, str]:
    return {name: check.outcome for name, check in found.items() if not check.passed}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_sent_nothing_shows_and_stops_nothing(source: str, load: Load) -> None:
    seen = {}
    for path in raw_contracts(source):
        found = load(source, path.stem)
        assert "NOT_EVALUATED" not in wrong(found).values(), path.stem
        assert not [name for name, check in found.items() if check.stops], path.stem
        seen[path.stem] = wrong(found)
    assert any("FAILED" in outcomes.values() for outcomes in seen.values())
    assert seen["pulls"] == {"freshness": "FAILED"}


@pytest.mark.parametrize("source", SOURCES)
def test_losing_any_column_that_is_read_stops_the_source(source: str, load: Load) -> None:
    for path in raw_contracts(source):
        found = load(
            source,
            path.stem,
            f"alter table raw_{source}.{path.stem} rename _dlt_load_id to lost",
        )
        assert found["schema"].stops, path.stem
        assert "_dlt_load_id is missing" in found["schema"].message


@pytest.mark.parametrize(
    ("source", "table", "key"),
    [
        ("hubspot", "companies", {"id": "1"}),
        ("hubspot", "pipeline_stages", {"pipeline_id": "p", "id": "won"}),
        ("hubspot", "assoc_company_deal", {"from_id": "1", "to_id": "2", "type_id": "5"}),
        ("stripe", "subscriptions", {"id": "sub_1"}),
        ("salesforce", "accounts", {"id": "001"}),
        ("mixpanel", "profiles", {"distinct_id": "u"}),
        ("segment", "files", {"key": "k", "etag": "e"}),
        (
            "amplitude",
            "events",
            {"uuid": "e", "event_type": "x"}
            | dict.fromkeys(("event_time", "server_upload_time"), AT),
        ),
        (
            "segment",
            "calls",
            {"message_id": "m", "type": "track", "occurred_at": AT, "received_at": AT},
        ),
        ("intercom", "conversation_contacts", {"conversation_id": "1", "contact_id": "a"}),
    ],
)
def test_a_key_that_is_missing_or_stands_twice_stops_the_source(
    source: str, table: str, key: dict[str, str], load: Load
) -> None:
    name = f"raw_{source}.{table}"
    columns, values = ", ".join(key), ", ".join(f"'{value}'" for value in key.values())
    insert = f"insert into {name} ({columns}) values ({values})"
    assert not [c for c in load(source, table, insert).values() if c.stops]
    assert [n for n, c in load(source, table, insert).items() if c.stops and "duplicate" in n]
    for column in key:
        found = load(source, table, f"update {name} set {column} = null")
        assert found[f"{column}_missing"].stops


def test_one_stage_id_in_two_pipelines_is_no_duplicate(load: Load) -> None:
    found = load(
        "hubspot",
        "pipeline_stages",
        "insert into raw_hubspot.pipeline_stages (pipeline_id, id)"
        " values ('a', 'won'), ('b', 'won')",
    )
    assert wrong(found) == {}


def test_rows_rejected_by_the_last_pull_warn_and_older_ones_do_not(load: Load) -> None:
    pull = "insert into raw_stripe.pulls (pull_id, started_at, rejected) values "
    check = "metric_rejected_by_last_pull"
    found = load("stripe", "quarantine", pull + "('a', '2026-03-09 11:00+00', 3)")
    assert found[check].outcome == "WARN"
    assert found[check].metrics["value"] == 3
    found = load("stripe", "quarantine", pull + "('b', '2026-03-10 11:00+00', 0)")
    assert found[check].outcome == "PASSED"


@pytest.mark.parametrize(
    ("pulled_at", "outcome"),
    [
        ("2026-03-10 11:00+00", "PASSED"),
        ("2026-03-09 09:00+00", "WARN"),  # 27 hours; late from 26
        ("2026-03-08 09:00+00", "FAILED"),  # 51 hours; stale from 50
        ("2026-03-11 12:00+00", "FAILED"),  # a clock that runs a day ahead
    ],
)
def test_a_vendor_that_is_down_ages_and_stops_nothing(
    pulled_at: str, outcome: str, load: Load
) -> None:
    found = load(
        "hubspot",
        "pulls",
        f"insert into raw_hubspot.pulls (pull_id, started_at) values ('a', '{pulled_at}')",
    )
    assert found["freshness"].outcome == outcome
    assert not found["freshness"].stops


def test_the_age_of_billing_data_is_read_from_epoch_seconds(load: Load) -> None:
    found = load(
        "stripe",
        "invoices",
        f"insert into raw_stripe.invoices (id, created, status) values ('in_1', {ELEVEN}, 'paid')",
    )
    assert found["freshness"].metrics["freshness_in_hours"] == 1
    assert wrong(found) == {}


def test_a_status_that_mrr_does_not_know_shows(load: Load) -> None:
    found = load(
        "stripe",
        "subscriptions",
        "insert into raw_stripe.customers (id) values ('cus_1')",
        "insert into raw_stripe.subscriptions (id, customer, status) values"
        " ('sub_1', 'cus_1', 'active'), ('sub_2', 'cus_1', 'hibernating')",
    )
    assert wrong(found) == {"status_invalid": "FAILED"}
    assert not found["status_invalid"].stops


@pytest.mark.parametrize(
    ("table", "check", "broken", "repaired"),
    [
        (
            "subscriptions",
            "failed_rows_without_customer",
            "insert into raw_stripe.subscriptions (id, customer) values ('s', 'c')",
            "insert into raw_stripe.customers (id) values ('c')",
        ),
        (
            "subscription_items",
            "failed_rows_without_subscription",
            "insert into raw_stripe.subscription_items (id, subscription) values ('i', 's')",
            "insert into raw_stripe.subscriptions (id) values ('s')",
        ),
        (
            "invoice_lines",
            "failed_rows_without_invoice",
            "insert into raw_stripe.invoice_lines (id, invoice) values ('l', 'i')",
            "insert into raw_stripe.invoices (id) values ('i')",
        ),
        (
            "refunds",
            "failed_rows_refunded_without_refund",
            "insert into raw_stripe.charges (id, amount_refunded) values ('c', 5), ('d', 0)",
            "insert into raw_stripe.refunds (id, charge) values ('r', 'c')",
        ),
        (
            "credit_notes",
            "failed_rows_made_without_credit_note",
            "insert into raw_stripe.events (id, type, object_id)"
            " values ('e', 'credit_note.created', 'n'), ('f', 'invoice.created', 'i')",
            "insert into raw_stripe.credit_notes (id) values ('n')",
        ),
        (
            "coupons",
            "failed_rows_discount_without_coupon",
            "insert into raw_stripe.subscriptions (id, discounts)"
            " values ('s', '[{\"id\": 1}]'), ('t', '[]'), ('u', null)",
            "insert into raw_stripe.coupons (id) values ('c')",
        ),
    ],
)
def test_billing_that_came_in_half_warns_until_the_rest_is_there(
    table: str, check: str, broken: str, repaired: str, load: Load
) -> None:
    found = load("stripe", table, broken)
    assert found[check].outcome == "WARN"
    assert found[check].metrics["value"] == 1
    assert load("stripe", table, repaired)[check].outcome == "PASSED"


def test_a_deal_in_a_stage_that_is_gone_warns_unless_it_is_archived(load: Load) -> None:
    stage = "insert into raw_hubspot.pipeline_stages (pipeline_id, id) values ('p', 'won')"
    deals = """insert into raw_hubspot.deals (id, archived, properties__pipeline,
        properties__dealstage) values ('1', false, 'p', 'won'), ('2', false, 'p', 'lost'),
        ('3', true, 'p', 'lost'), ('4', null, 'q', 'won')"""
    found = load("hubspot", "deals", stage, deals)
    assert found["failed_rows_unknown_stage"].outcome == "WARN"
    assert found["failed_rows_unknown_stage"].metrics["value"] == 2


def test_a_product_of_an_opportunity_that_was_not_pulled_warns_unless_it_is_deleted(
    load: Load,
) -> None:
    found = load(
        "salesforce",
        "opportunity_line_items",
        "insert into raw_salesforce.opportunities (id) values ('006a')",
        "insert into raw_salesforce.opportunity_line_items (id, opportunity_id, is_deleted)"
        " values ('1', '006a', false), ('2', '006b', null), ('3', '006b', true)",
    )
    assert wrong(found) == {"failed_rows_without_opportunity": "WARN"}
    assert found["failed_rows_without_opportunity"].metrics["value"] == 1


def events(day: str, count: int, hours_old: int = 1) -> str:
    return f"""insert into raw_mixpanel.events
        (event_date, event, time, distinct_id, insert_id, processed_at, group_key)
        select date '{day}', 'api_call', timestamptz '{day} 10:00+00', 'u',
            '{day}' || i, timestamptz '{NOON.isoformat()}' - interval {hours_old} hour, 'acme'
        from range({count}) r(i)"""


@pytest.mark.parametrize(
    ("yesterday", "week_before", "outcome"),
    [
        (100, 100, "PASSED"),
        (21, 100, "PASSED"),
        (20, 100, "WARN"),
        (0, 100, "WARN"),
        (499, 100, "PASSED"),
        (500, 100, "WARN"),
        (100, 0, "PASSED"),  # nothing to compare with
    ],
)
def test_a_day_unlike_the_week_before_warns(
    yesterday: int, week_before: int, outcome: str, load: Load
) -> None:
    # Today's events do not count: the day is not over.
    found = load(
        "mixpanel",
        "events",
        events("2026-03-10", 7),
        events("2026-03-09", yesterday),
        events("2026-03-02", week_before),
    )
    assert found["metric_yesterday_pct_of_week_before"].outcome == outcome


def test_the_vendors_repeats_warn_when_they_are_many_and_never_stop(load: Load) -> None:
    found = load("mixpanel", "events", events("2026-03-09", 100), events("2026-03-09", 5))
    assert found["duplicate"].outcome == "PASSED"  # 5 of 105 are 4.8 %
    found = load("mixpanel", "events", events("2026-03-09", 1))
    assert found["duplicate"].outcome == "WARN"  # 6 of 106 are 5.7 %
    assert not found["duplicate"].stops


def test_events_without_an_account_warn_when_they_are_half(load: Load) -> None:
    found = load("mixpanel", "events", events("2026-03-09", 100))
    assert found["group_key_missing"].outcome == "PASSED"
    half = "update raw_mixpanel.events set group_key = null where insert_id < '2026-03-0955'"
    found = load("mixpanel", "events", half)
    assert found["group_key_missing"].outcome == "WARN"


def test_a_client_clock_that_runs_ahead_does_not_hide_that_events_stopped(load: Load) -> None:
    ahead = "update raw_mixpanel.events set time = timestamptz '2026-03-10 11:59+00'"
    found = load("mixpanel", "events", events("2026-03-08", 10, hours_old=55), ahead)
    assert found["freshness"].outcome == "FAILED"


def test_an_nps_answer_off_its_scale_warns(load: Load) -> None:
    rows = """insert into raw_delighted.survey_responses (id, survey_type, score, updated_at) values
        ('1', 'nps', 10, timestamptz '2026-03-10 11:00+00'), ('2', 'csat', 5, null)"""
    assert wrong(load("delighted", "survey_responses", rows)) == {}
    eleven = "update raw_delighted.survey_responses set score = 11 where id = '1'"
    found = load("delighted", "survey_responses", eleven)
    assert wrong(found) == {"failed_rows_off_scale": "WARN"}


def test_a_dropped_file_that_was_not_read_whole_warns_until_it_is_mended_or_gone(
    load: Load,
) -> None:
    check = "failed_rows_not_used_whole"
    file = "insert into raw_files.dropped_files (file_name, problem) values "
    found = load("files", "dropped_files", file + "('a.csv', null), ('b.csv', 'no header')")
    assert found[check].outcome == "WARN"
    assert found[check].metrics["value"] == 1
    gone = f"update raw_files.dropped_files set removed_at = '{NOON}' where file_name = 'b.csv'"
    assert load("files", "dropped_files", gone)[check].outcome == "PASSED"


def test_a_dropped_row_that_says_nothing_of_what_it_must_stops_the_source(load: Load) -> None:
    row = "insert into raw_files.csm_sentiment (file_name, row_number, account, sentiment, author,"
    row += " given_on) values ('a.csv', 2, 'x', 'red', 'kim', '2026-03-01')"
    assert wrong(load("files", "csm_sentiment", row)) == {}
    found = load("files", "csm_sentiment", row, "update raw_files.csm_sentiment set author = null")
    assert {name for name, check in found.items() if check.stops} == {"duplicate", "author_missing"}


def test_a_state_that_the_ticket_model_does_not_know_and_a_rating_off_its_scale_show(
    load: Load,
) -> None:
    columns = "id, state, updated_at, conversation_rating__rating"
    found = load(
        "intercom",
        "conversations",
        f"insert into raw_intercom.conversations ({columns}) values"
        " ('1', 'snoozed', '2026-03-10 11:00+00', 5), ('2', 'pending', '2026-03-10 11:00+00', 7)",
    )
    assert set(wrong(found)) == {"state_invalid", "conversation_rating__rating_invalid"}
    assert not any(check.stops for check in found.values())


@pytest.mark.parametrize(
    ("table", "check", "broken", "repaired"),
    [
        (
            "tickets",
            "failed_rows_unknown_requester",
            "insert into raw_zendesk.tickets (id, status, requester_id)"
            " values ('1', 'open', 'u'), ('2', 'deleted', 'v'), ('3', 'new', null)",
            "insert into raw_zendesk.users (id) values ('u')",
        ),
        (
            "ticket_metric_events",
            "failed_rows_without_ticket",
            "insert into raw_zendesk.ticket_metric_events (id, ticket_id) values ('1', '2')",
            "insert into raw_zendesk.tickets (id) values ('2')",
        ),
    ],
)
def test_a_help_desk_that_came_in_half_warns_until_the_rest_is_there(
    table: str, check: str, broken: str, repaired: str, load: Load
) -> None:
    found = load("zendesk", table, broken)
    assert found[check].outcome == "WARN"
    assert found[check].metrics["value"] == 1
    assert load("zendesk", table, repaired)[check].outcome == "PASSED"


@pytest.mark.parametrize(
    ("table", "column", "known", "unknown"),
    [
        ("tickets", "status", "hold", "parked"),
        ("satisfaction_ratings", "score", "good", "superb"),
    ],
)
def test_a_word_of_the_help_desk_that_no_model_knows_shows(
    table: str, column: str, known: str, unknown: str, load: Load
) -> None:
    insert = f"insert into raw_zendesk.{table} (id, {column}) values "
    assert load("zendesk", table, insert + f"('1', '{known}')")[f"{column}_invalid"].passed
    found = load("zendesk", table, insert + f"('2', '{unknown}')")
    assert found[f"{column}_invalid"].outcome == "FAILED"
    assert not found[f"{column}_invalid"].stops
