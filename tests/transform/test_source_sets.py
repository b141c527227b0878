"""The marts build for any set of sources, and one customer is found across all that know it.

Acme is known to every vendor: by its id in the product, by its domain, or by an address of its
people. All records are a day old at as_of, all pulls half a day.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .raw import declared_tables, known_sources, write_raw
from .warehouse import Dbt, connect

AS_OF = "2026-11-01T00:00:00Z"
MADE, NEWEST, PULLED = "2026-01-01T00:00:00Z", "2026-10-31T00:00:00Z", "2026-10-31T12:00:00Z"

RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "hubspot": {
        "companies": [
            {"id": "1", "archived": False, "created_at": MADE, "updated_at": NEWEST,
             "properties__name": "Acme", "properties__domain": "acme.example",
             "properties__product_account_id": "p1"},
        ],
    },
    "salesforce": {
        "accounts": [
            {"id": "001A", "is_deleted": False, "created_date": MADE, "system_modstamp": NEWEST,
             "name": "Acme Inc.", "website": "https://www.acme.example",
             "product_account_id": "p1"},
        ],
    },
    "stripe": {
        "customers": [
            {"id": "cus_1", "name": "Acme", "email": "pay@acme.example", "created": MADE,
             "metadata__product_account_id": "p1"},
        ],
        "subscriptions": [
            {"id": "sub_1", "customer": "cus_1", "status": "active", "currency": "usd",
             "created": MADE, "start_date": MADE},
        ],
        "subscription_items": [
            {"id": "si_1", "subscription": "sub_1", "quantity": 2, "price": "price_1",
             "created": MADE, "current_period_start": "2026-10-15",
             "current_period_end": "2026-11-15"},
        ],
        "prices": [
            {"id": "price_1", "product": "prod_1", "active": True, "currency": "usd",
             "billing_scheme": "per_unit", "unit_amount": 5000, "unit_amount_decimal": "5000",
             "recurring__interval": "month", "recurring__interval_count": 1,
             "recurring__usage_type": "licensed", "created": MADE},
        ],
        "events": [{"id": "evt_1", "type": "invoice.paid", "created": NEWEST}],
    },
    "mixpanel": {
        "events": [
            {"event": "report_viewed", "time": NEWEST, "event_date": "2026-10-31",
             "distinct_id": "u1", "user_id": "u1", "insert_id": "1", "group_key": "p1"},
        ],
        "profiles": [{"distinct_id": "u1", "email": "ann@acme.example", "group_key": "p1",
                      "last_seen_at": NEWEST}],
    },
    "amplitude": {
        "events": [
            {"uuid": "a1", "event_type": "report_viewed", "event_time": NEWEST, "user_id": "u1",
             "server_upload_time": NEWEST, "session_id": 1, "group_key": "p1",
             "email": "ann@acme.example"},
        ],
    },
    "segment": {
        "calls": [
            {"message_id": "s1", "type": "track", "event": "report_viewed", "user_id": "u1",
             "group_id": "p1", "occurred_at": NEWEST, "received_at": NEWEST},
        ],
    },
    "posthog": {
        "events": [
            {"uuid": "h1", "event": "report_viewed", "distinct_id": "u1", "timestamp": NEWEST,
             "inserted_at": NEWEST, "is_identified": True, "group_key": "p1"},
        ],
    },
    "heap": {
        "users": [{"user_id": "9", "identity": "u1", "email": "ann@acme.example",
                   "account_key": "p1", "joined_at": MADE, "last_modified_at": NEWEST}],
        "sessions": [{"session_id": "7", "user_id": "9", "time": NEWEST}],
        "events": [
            {"part": "p", "event_table": "report_viewed", "event_id": "e1", "user_id": "9",
             "session_id": "7", "time": NEWEST, "account_key": "p1", "is_removed": False,
             "dump_id": 1, "dumped_at": NEWEST},
        ],
    },
    "zendesk": {
        "organizations": [
            {"id": "44", "name": "Acme", "external_id": "p1", "domain_names": ["acme.example"],
             "created_at": MADE, "updated_at": NEWEST},
        ],
        "tickets": [
            {"id": "9", "organization_id": "44", "status": "open", "priority": "urgent",
             "created_at": NEWEST, "updated_at": NEWEST, "generated_at": NEWEST},
        ],
    },
    "intercom": {
        "companies": [{"id": "c1", "company_id": "p1", "name": "Acme", "created_at": MADE,
                       "updated_at": NEWEST}],
        "conversations": [{"id": "5", "company_id": "c1", "state": "open", "created_at": NEWEST,
                           "updated_at": NEWEST}],
    },
    "delighted": {
        "survey_responses": [
            {"id": "r1", "survey_type": "nps", "score": 9, "person__email": "ann@acme.example",
             "account_key": "p1", "created_at": NEWEST, "updated_at": NEWEST},
        ],
    },
    "files": {},
}  # fmt: skip
for tables in RAW.values():
    tables["pulls"] = [{"pull_id": "1", "started_at": PULLED, "pulled_through": PULLED}]

SETS: dict[str, tuple[str, ...]] = {
    "two CRMs and billing": ("hubspot", "salesforce", "stripe"),
    "no CRM": ("stripe", "mixpanel", "zendesk"),
    "product events only": ("mixpanel",),
    "billing only": ("stripe",),
    "support only": ("zendesk",),
    "two support desks and a CRM": ("hubspot", "zendesk", "intercom"),
    "surveys and files only": ("delighted", "files"),
    "amplitude and a CRM": ("amplitude", "salesforce"),
    "heap and a CRM": ("heap", "hubspot"),
    "mixpanel and a CRM": ("mixpanel", "salesforce"),
    "posthog and a CRM": ("posthog", "hubspot"),
    "segment and a CRM": ("segment", "salesforce"),
    "nothing": (),
    "everything": tuple(RAW),
}
# Answers to surveys and files tell of accounts that others know.
WITHOUT_ACCOUNTS = {"delighted", "files"}


@pytest.fixture(scope="module")
def seeded(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of every source, and a warehouse with nothing but the seeds in it."""
    path = tmp_path_factory.mktemp("sets")
    write_raw(path, {name: RAW[name] for name in known_sources()})
    dbt.build(path, sources=known_sources(), select="resource_type:seed", data_tests=False)
    return path


@pytest.fixture
def build(dbt: Dbt, seeded: Path, tmp_path: Path) -> Callable[..., duckdb.DuckDBPyConnection]:
    """`build(sources)`: the warehouse of these sources alone."""

    def built(sources: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
        (tmp_path / "raw").mkdir()
        for name in sources:
            file = f"raw/raw_{name}.duckdb"
            (tmp_path / file).symlink_to(seeded / file)
        shutil.copy(seeded / "warehouse.duckdb", tmp_path)
        dbt.build(
            tmp_path,
            as_of=AS_OF,
            sources=sources,
            exclude="resource_type:seed",
            data_tests=False,
            parsed_with=known_sources(),
        )
        return connect(tmp_path)

    return built


@pytest.mark.parametrize("name", SETS)
def test_the_marts_build_for_any_set_of_sources(
    name: str, build: Callable[..., duckdb.DuckDBPyConnection]
) -> None:
    sources = tuple(one for one in SETS[name] if one in known_sources())
    if sources != SETS[name] and name != "everything":
        pytest.skip(f"of {', '.join(SETS[name])} there is only {', '.join(sources)}")
    with build(sources) as con:
        ages = con.execute(
            "select source, data_age_hours, pull_age_hours from marts.source_freshness"
        ).fetchall()
        assert {source: pulled for source, _, pulled in ages} == dict.fromkeys(sources, 12)
        assert {source: data for source, data, _ in ages if source != "files"} == {
            source: 24 for source in sources if source != "files"
        }
        links = con.execute(
            "select source, account_id from marts.identity_map where entity = 'account'"
        ).fetchall()
        assert {source for source, _ in links} == set(sources) - WITHOUT_ACCOUNTS
        customers = con.execute("select account_id from marts.customer_360").fetchall()
        assert len(customers) == (1 if links else 0)
        assert {account for _, account in links} == {account for (account,) in customers}
        for (table,) in con.execute(
            "select table_name from information_schema.columns "
            "where table_schema = 'marts' and column_name = 'account_id'"
        ).fetchall():
            empty = f"select count(*) from marts.{table} where account_id is null"
            if table != "unmatched_records":
                assert con.execute(empty).fetchone() == (0,), table
        if "stripe" in sources:
            latest = "select mrr from marts.customer_360"
            assert con.execute(latest).fetchone() == (100,)


def test_a_vendor_in_the_sets_is_one_that_declares_its_tables() -> None:
    assert {name for name in known_sources() if declared_tables(name)} <= set(RAW)
