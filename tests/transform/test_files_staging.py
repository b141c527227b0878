"""What people drop, as the models see it: which row counts, whom it is about, what is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse

AS_OF = "2026-11-01T12:00:00Z"
SOURCES = ["hubspot", "stripe", "files"]
SELECT = (
    "+path:models/intermediate/success +path:models/intermediate/planning"
    " +unmatched_references +int_exchange_rates +source_freshness"
)


def company(number: str, name: str, domain: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "archived": False,
        "created_at": "2025-01-01T00:00:00Z",
        "properties__name": name,
        "properties__domain": domain,
    } | more


def lines(file_name: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"file_name": file_name, "row_number": n} | row for n, row in enumerate(rows, 2)]


def felt(account: str, colour: str, day: str = "2026-10-01", author: str = "kim") -> dict[str, Any]:
    return {"account": account, "sentiment": colour, "author": author, "given_on": day}


def cap(account: str, value: str, start: str, end: str) -> dict[str, Any]:
    return {"account": account, "kind": "cap", "value": value, "author": "kim", "reason": "why",
            "from_on": start, "expires_on": end}  # fmt: skip


def tier(account: str, touch_tier: str, start: str, end: str | None = None) -> dict[str, Any]:
    return {"account": account, "touch_tier": touch_tier, "author": "kim", "reason": "why",
            "from_on": start, "expires_on": end}  # fmt: skip


def goal(account: str, objective: str, **more: Any) -> dict[str, Any]:
    return {"account": account, "objective": objective, "status": "active", "owner": "kim",
            "created_on": "2026-01-01"} | more  # fmt: skip


def touch(
    account: str | None, email: str | None, at: str = "2026-10-01T10:00:00Z"
) -> dict[str, Any]:
    return {"account": account, "contact_email": email, "type": "webinar", "occurred_at": at,
            "title": "News"}  # fmt: skip


RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "hubspot": {
        "companies": [
            company("1", "Acme Inc.", "acme.example"),
            company("2", "Twin", "twin.example"),
            company("3", "Twin", "twins.example"),
            company("4", "Parent", "shared.example"),
            company("5", "Child", "shared.example"),
            company("6", "Free", "gmail.com"),
        ],
        "contacts": [
            {"id": "10", "archived": False, "created_at": "2025-01-01T00:00:00Z",
             "properties__email": "jun@elsewhere.example",
             "properties__associatedcompanyid": "1"},
        ],
        "assoc_company_contact": [{"from_id": "1", "to_id": "10", "type_id": "2"}],
    },
    "stripe": {
        "customers": [{"id": "cus_Ab1", "name": "Acme Billing", "created": "2025-01-01",
                       "metadata__hubspot_company_id": "1"}],
    },
    "files": {
        "dropped_files": [
            {"file_name": name, "schema_name": "s", "modified_at": at}
            for name, at in (
                ("old.csv", "2026-10-01T00:00:00Z"),
                ("new.csv", "2026-10-20T00:00:00Z"),
                ("ahead.csv", "2026-12-01T00:00:00Z"),
            )
        ],
        "csm_sentiment": [
            *lines(
                "new.csv",
                felt("hubspot:1", "red"),
                felt("Twin", "green"),
                felt("nobody.example", "green"),
                felt("hubspot:1", "green", "2026-11-02"),  # after as_of
            ),
            *lines(
                "old.csv",
                felt("Hubspot:1", "yellow"),  # the same row, in an older file
                felt("acme.example", "green"),  # the same account, named otherwise
                felt("stripe:cus_Ab1", "green", "2026-10-05"),
                felt("ACME INC.", "yellow", "2026-10-06"),
                felt("hubspot:1", "green", "2026-09-01", "lee"),
                felt("https://www.acme.example/about", "green", "2026-09-02"),
                felt("shared.example", "red"),
                felt("gmail.com", "red"),
                felt("stripe:CUS_AB1", "red", "2026-08-01"),
            ),
        ],
        "success_plan_objectives": lines(
            "new.csv",
            goal("acme.example", "Roll out", status="met", met_on="2026-11-15"),
            goal("acme.example", "Report", status="met", met_on="2026-10-15"),
            goal("hubspot:1", "roll OUT", status="active"),
        ),
        "score_overrides": lines(
            "new.csv",
            cap("acme.example", "49", "2026-10-01", "2026-11-01"),
            cap("acme.example", "25.5", "2026-10-15", "2026-12-15"),
            {**cap("Twin", "", "2026-10-15", "2026-12-15"), "kind": "band", "value": "red"},
        ),
        "tier_overrides": lines(
            "new.csv",
            tier("acme.example", "low", "2026-01-01"),
            tier("hubspot:2", "high", "2026-01-01", "2026-10-31"),
        ),
        "identity_overrides": lines(
            "new.csv",
            {"record_source": "Stripe", "record_id": "cus_9", "account": "acme.example",
             "action": "link", "author": "kim", "reason": "why", "valid_from": "2026-10-01"},
        ),
        "touches": [
            *lines(
                "new.csv",
                touch("acme.example", None),
                touch(None, "jun@elsewhere.example"),
                touch(None, "stranger@acme.example"),
                touch("typo.example", "jun@elsewhere.example"),
                touch(None, "nobody@gmail.com"),
                touch("hubspot:1", None, "2026-11-01T12:00:01Z"),
            ),
            *lines("old.csv", touch("acme.example", None)),
        ],
        "feature_requests": lines(
            "new.csv",
            {"request_id": "FR-1", "title": "Login", "account": "hubspot:1", "status": "shipped",
             "votes": None, "requested_on": "2026-01-01", "shipped_on": "2026-11-20",
             "release": "9"},
        ),
        "costs": [
            *lines("new.csv", {"month": "2026-10-01", "kind": "sales", "amount": "1000000",
                               "currency": "JPY"}),
            *lines("old.csv", {"month": "2026-10-01", "kind": "sales", "amount": "7",
                               "currency": "JPY"}),
        ],
        "kpi_targets": lines(
            "new.csv",
            {"metric": "NRR", "segment": None, "month": "2026-10-01", "target": "1.05"},
        ),
        "exchange_rates": lines(
            "new.csv",
            {"currency": "JPY", "valid_from": "2026-01-01", "usd_per_unit": "0.0064"},
            {"currency": "CHF", "valid_from": "2026-01-01", "usd_per_unit": "1.25"},
        ),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def built(
    build_warehouse: BuildWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    with build_warehouse(
        tmp_path_factory.mktemp("files"),
        RAW,
        as_of=AS_OF,
        sources=SOURCES,
        select=SELECT,
        data_tests=False,
    ) as connection:
        connection.execute("use warehouse.intermediate")
        yield connection


Built = duckdb.DuckDBPyConnection


@pytest.mark.parametrize(
    ("reference", "account", "rule"),
    [
        ("hubspot:1", "hubspot:1", "record_id"),
        ("stripe:cus_Ab1", "hubspot:1", "record_id"),
        ("stripe:CUS_AB1", "hubspot:1", "record_id"),
        ("acme.example", "hubspot:1", "domain"),
        ("https://www.acme.example/about", "hubspot:1", "domain"),
        ("ACME INC.", "hubspot:1", "name"),
        ("jun@elsewhere.example", "hubspot:1", "contact"),
        ("stranger@acme.example", "hubspot:1", "domain"),
    ],
)
def test_an_account_is_found_by_what_people_write(
    built: Built, reference: str, account: str, rule: str
) -> None:
    found = built.execute(
        "select account_id, rule, reason from int_account_references where reference = ?",
        [reference],
    ).fetchall()
    assert found == [(account, rule, None)]


def test_what_leads_nowhere_or_to_several_is_listed_and_never_guessed(built: Built) -> None:
    found = built.execute(
        "select entity, reference, reason, candidates, records from int_unmatched_references"
        " order by all"
    ).fetchall()
    assert found == [
        ("csm_sentiment", "Twin", "ambiguous", "hubspot:2, hubspot:3", 1),
        ("csm_sentiment", "gmail.com", "unknown", None, 1),
        ("csm_sentiment", "nobody.example", "unknown", None, 1),
        ("csm_sentiment", "shared.example", "ambiguous", "hubspot:4, hubspot:5", 1),
        ("score_overrides", "Twin", "ambiguous", "hubspot:2, hubspot:3", 1),
        ("touches", "nobody@gmail.com", "unknown", None, 1),
    ]


def test_readers_see_no_address_of_a_person(built: Built) -> None:
    found = built.execute(
        "select reference, reason, records, example_source_id"
        " from warehouse.marts.unmatched_references where entity = 'touches'"
    ).fetchall()
    assert found == [("...@gmail.com", "unknown", 1, "new.csv:6")]


def test_of_rows_that_say_the_same_the_file_written_last_counts(built: Built) -> None:
    found = built.execute(
        "select given_on, sentiment, author, source_id, is_latest from int_csm_sentiment"
        " where account_id = 'hubspot:1' order by all"
    ).fetchall()
    assert found == [
        (date(2026, 8, 1), "red", "kim", "old.csv:10", False),
        (date(2026, 9, 1), "green", "lee", "old.csv:6", False),
        (date(2026, 9, 2), "green", "kim", "old.csv:7", False),
        (date(2026, 10, 1), "red", "kim", "new.csv:2", False),
        (date(2026, 10, 5), "green", "kim", "old.csv:4", False),
        (date(2026, 10, 6), "yellow", "kim", "old.csv:5", True),
    ]


def test_an_objective_met_later_was_still_open(built: Built) -> None:
    found = built.execute(
        "select account_id, objective, status, met_on from int_objectives order by objective"
    ).fetchall()
    assert found == [
        ("hubspot:1", "Report", "met", date(2026, 10, 15)),
        ("hubspot:1", "roll OUT", "active", None),
    ]


def test_overrides_hold_from_their_first_day_to_the_last_before_they_expire(built: Built) -> None:
    found = built.execute(
        "select account_id, kind, score_cap, band, is_in_force from int_score_overrides"
        " order by all"
    ).fetchall()
    assert found == [
        ("hubspot:1", "cap", Decimal("25.5"), None, True),
        ("hubspot:1", "cap", Decimal(49), None, False),
        (None, "band", None, "red", True),
    ]
    tiers = built.execute(
        "select account_id, touch_tier, is_in_force from int_tier_overrides order by all"
    ).fetchall()
    assert tiers == [("hubspot:1", "low", True), ("hubspot:2", "high", False)]
    links = built.execute(
        "select record_source, record_id, account_id, action, is_in_force"
        " from int_identity_overrides"
    ).fetchall()
    assert links == [("stripe", "cus_9", "hubspot:1", "link", True)]


def test_a_touch_counts_once_and_by_account_or_person(built: Built) -> None:
    found = built.execute(
        "select account_source_id, contact_email, account_id from int_touches order by all"
    ).fetchall()
    assert found == [
        ("acme.example", None, "hubspot:1"),
        ("typo.example", "jun@elsewhere.example", "hubspot:1"),
        (None, "jun@elsewhere.example", "hubspot:1"),
        (None, "nobody@gmail.com", None),
        (None, "stranger@acme.example", "hubspot:1"),
    ]


def test_a_wish_shipped_later_was_still_open(built: Built) -> None:
    assert built.execute(
        "select account_id, status, votes, shipped_on, release from int_feature_requests"
    ).fetchall() == [("hubspot:1", "open", 1, None, None)]


def test_rates_of_files_win_over_the_seed_of_the_same_day(built: Built) -> None:
    found = built.execute(
        "select currency, valid_from, rate from int_exchange_rates"
        " where currency in ('JPY', 'CHF') and valid_from >= '2025-01-01' order by all"
    ).fetchall()
    assert found == [
        ("CHF", date(2026, 1, 1), Decimal("1.25")),
        ("JPY", date(2025, 1, 1), Decimal("0.0066")),
        ("JPY", date(2026, 1, 1), Decimal("0.0064")),
    ]
    costs = built.execute("select amount, currency, amount_reporting from int_costs").fetchall()
    assert costs == [(Decimal(1_000_000), "JPY", Decimal(6400))]


def test_targets_without_a_segment_are_those_of_all(built: Built) -> None:
    assert built.execute("select metric, segment, target from int_kpi_targets").fetchall() == [
        ("nrr", "all", Decimal("1.05"))
    ]


def test_a_file_from_the_future_makes_nothing_fresh(built: Built) -> None:
    assert built.execute(
        "select kind, newest_record_at from warehouse.marts.source_freshness where source = 'files'"
    ).fetchall() == [("files", datetime(2026, 10, 20))]  # noqa: DTZ001  UTC by convention
