"""What Intercom's records become: tickets, ratings, people as they are after every merge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse

AS_OF = "2026-11-01T00:00:00Z"
SELECT = "path:models/staging/intercom"
AUTHOR = {"author_type": "user", "author_id": "ann", "author_email": "Old@Acme.test"}
INITIATED = {"source__type": "conversation", "source__delivered_as": "customer_initiated"}


def at(moment: str) -> datetime:
    """A UTC wall clock, as the models have it."""
    return datetime.fromisoformat(moment)


def conversation(number: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "state": "open", "open": True, "priority": "not_priority",
        "created_at": "2026-10-01T10:00:00Z", "updated_at": "2026-10-02T10:00:00Z",
        **INITIATED, **AUTHOR,
    } | more  # fmt: skip


def rating(score: int | None, **more: Any) -> dict[str, Any]:
    return {
        "conversation_rating__rating": score, "rated_by": "ann",
        "conversation_rating__created_at": "2026-10-03T09:00:00Z",
    } | more  # fmt: skip


def outbound(number: str, **more: Any) -> dict[str, Any]:
    return conversation(
        number,
        source__delivered_as="admin_initiated",
        author_type="admin",
        author_id="991",
        author_email="agent@vendor.test",
        **more,
    )


STATISTICS = {
    "statistics__first_admin_reply_at": "2026-10-01T11:00:00Z",
    "statistics__first_close_at": "2026-10-01T12:00:00Z",
    "statistics__last_close_at": "2026-10-02T10:00:00Z",
    "statistics__count_reopens": 2,
}
RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "intercom": {
        "admins": [
            {"id": "991", "name": "Ada Agent", "email": "ADA@vendor.test"},
            {"id": "992", "name": "Bo Left", "deleted": True},
        ],
        "companies": [
            {"id": "co1", "company_id": "acme-1", "name": " Acme ", "size": 40,
             "website": "https://www.Acme.test/about", "created_at": "2025-01-01",
             "updated_at": "2026-10-30", "custom_attributes": {"crm_company_id": "2101", "n": 1}},
            {"id": "co2", "company_id": "", "custom_attributes": "null"},
            {"id": "co3", "deleted": True},
        ],
        "contacts": [
            {"id": "ann", "email": "Ann@Acme.test", "name": " Ann Mary Lee ", "role": "user",
             "created_at": "2025-02-01", "updated_at": "2026-10-31T12:00:00Z"},
            {"id": "lead1", "gone": "merged", "merged_into": "lead2", "email": "a@home.test"},
            {"id": "lead2", "gone": "merged", "merged_into": "lead3"},
            {"id": "lead3", "gone": "merged", "merged_into": "lead4"},
            {"id": "lead4", "gone": "merged", "merged_into": "ann"},
            {"id": "bob", "name": "Bob", "gone": "archived"},
            {"id": "eve", "gone": "deleted", "updated_at": "2099-01-01"},
            {"id": "carl", "email": "carl@advice.test"},
            {"id": "self", "gone": "merged", "merged_into": "self"},
            {"id": "gone2", "gone": "merged", "merged_into": "never_seen", "email": "g@x.test"},
        ],
        "contact_companies": [
            {"contact_id": "ann", "company_id": "co1"},
            {"contact_id": "ann", "company_id": "co3"},
            {"contact_id": "ann", "company_id": "co2", "removed": True},
            {"contact_id": "carl", "company_id": "co1"},
            {"contact_id": "carl", "company_id": "co2"},
        ],
        "conversations": [
            conversation("open"),
            conversation("snoozed", state="snoozed", priority="priority", source__type="email"),
            conversation("closed", state="closed", open=False, **STATISTICS),
            conversation("reopened", **STATISTICS),
            conversation("once", state="closed", statistics__first_close_at="2026-10-01T12:00:00Z"),
            conversation("no state", state=None, open=False, priority=None, source__type=None),
            conversation("levels", priority="medium", source__type="phone_call"),
            conversation("thrown away"),
            conversation("by a lead", author_id="lead1", author_type="lead"),
            conversation("by a consultant", author_id="carl"),
            conversation("about one", author_id="carl", company_id="co2"),
            conversation("by a stranger", author_id="nobody", author_email="who@x.test"),
            outbound("unanswered"),
            outbound("answered", statistics__first_contact_reply_at="2026-10-01T10:30:00Z"),
            conversation("rated", **rating(4, conversation_rating__updated_at="2026-10-05")),
            conversation("rated once", **rating(1)),
            conversation("asked", **rating(None)),
            conversation("out of scale", **rating(7)),
            conversation("rated by a lead", **rating(2, rated_by="lead1")),
            conversation("rated and gone", **rating(5)),
            conversation("future", updated_at="2099-01-01T00:00:00Z"),
        ],
        "conversation_contacts": [
            {"conversation_id": "answered", "contact_id": "aaron", "removed": True},
            {"conversation_id": "answered", "contact_id": "lead4"},
        ],
        "deleted_conversations": [
            {"id": "thrown away", "deleted_at": "2026-10-20"},
            {"id": "rated and gone", "deleted_at": "2026-10-20"},
            {"id": "never pulled", "deleted_at": "2026-10-20"},
        ],
        "pulls": [
            {"pull_id": "1", "pulled_through": "2026-10-31T18:00:00Z"},
            {"pull_id": "2", "pulled_through": "2026-11-01T00:00:01Z"},
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def con(
    build_warehouse: BuildWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The staging models over every case of this file."""
    folder = tmp_path_factory.mktemp("intercom")
    options = {"as_of": AS_OF, "select": SELECT, "sources": ["intercom"]}
    with build_warehouse(folder, RAW, **options) as connection:
        yield connection


def found(con: duckdb.DuckDBPyConnection, entity: str, key: str, columns: str) -> tuple[Any, ...]:
    """The columns of the one row of an entity."""
    sql = f"select {columns} from staging.stg_intercom__{entity} where source_id = ?"
    (row,) = con.execute(sql, [key]).fetchall()
    return tuple(row)


@pytest.mark.parametrize(
    ("key", "status", "priority", "channel"),
    [
        ("open", "open", None, "chat"),
        ("snoozed", "waiting", "high", "email"),
        ("closed", "solved", None, "chat"),
        ("no state", "solved", None, None),
        ("levels", "open", "normal", "phone"),
    ],
)
def test_states_priorities_and_channels_become_those_of_every_vendor(
    con: duckdb.DuckDBPyConnection, key: str, status: str, priority: str | None, channel: str | None
) -> None:
    assert found(con, "tickets", key, "status, priority, channel") == (status, priority, channel)


def test_a_closed_ticket_tells_when_it_was_answered_and_solved_for_good(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = "first_reply_at, solved_at, reopened_count"
    times = at("2026-10-01 11:00"), at("2026-10-02 10:00")
    assert found(con, "tickets", "closed", columns) == (*times, 2)
    assert found(con, "tickets", "once", columns) == (None, at("2026-10-01 12:00"), 0)


def test_a_reopened_ticket_is_not_solved(con: duckdb.DuckDBPyConnection) -> None:
    assert found(con, "tickets", "reopened", "solved_at, reopened_count") == (None, 2)


def test_a_deleted_conversation_is_a_deleted_ticket_and_one_never_pulled_is_none(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert found(con, "tickets", "thrown away", "is_deleted") == (True,)
    assert found(con, "tickets", "open", "is_deleted") == (False,)
    sql = "select count(*) from staging.stg_intercom__tickets where source_id = 'never pulled'"
    assert con.execute(sql).fetchone() == (0,)


@pytest.mark.parametrize(
    ("key", "requester", "email", "account"),
    [
        ("open", "ann", "ann@acme.test", "co1"),
        ("by a lead", "ann", "ann@acme.test", "co1"),
        ("by a consultant", "carl", "carl@advice.test", None),
        ("about one", "carl", "carl@advice.test", "co2"),
        ("by a stranger", "nobody", "who@x.test", None),
        ("answered", "ann", "ann@acme.test", "co1"),
    ],
)
def test_a_ticket_belongs_to_whom_its_writer_is_today_and_to_that_ones_only_company(
    con: duckdb.DuckDBPyConnection, key: str, requester: str, email: str, account: str | None
) -> None:
    columns = "requester_source_id, requester_email, account_source_id"
    assert found(con, "tickets", key, columns) == (requester, email, account)


def test_a_message_that_we_sent_and_nobody_answered_is_no_ticket(
    con: duckdb.DuckDBPyConnection,
) -> None:
    sql = "select count(*) from staging.stg_intercom__tickets where source_id = 'unanswered'"
    assert con.execute(sql).fetchone() == (0,)


def test_only_ratings_that_were_given_on_the_scale_are_answers(
    con: duckdb.DuckDBPyConnection,
) -> None:
    sql = """select source_id, score from staging.stg_intercom__survey_responses order by 1"""
    assert con.execute(sql).fetchall() == [
        ("rated", 4), ("rated and gone", 5), ("rated by a lead", 2), ("rated once", 1),
    ]  # fmt: skip


def test_a_rating_is_csat_from_1_to_5_of_the_moment_it_was_given(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = (
        "instrument, scale_min, scale_max, ticket_source_id, respondent_source_id, responded_at"
    )
    expected = ("csat", 1, 5, "rated", "ann", at("2026-10-05"))
    assert found(con, "survey_responses", "rated", columns) == expected
    asked = (at("2026-10-03 09:00"), False)
    assert found(con, "survey_responses", "rated once", "responded_at, is_deleted") == asked
    assert found(con, "survey_responses", "rated and gone", "is_deleted") == (True,)
    columns = "respondent_source_id, respondent_email, account_source_id"
    merged = ("ann", "ann@acme.test", "co1")
    assert found(con, "survey_responses", "rated by a lead", columns) == merged


def test_a_company_carries_its_ids_in_product_and_crm(con: duckdb.DuckDBPyConnection) -> None:
    columns = "kind, name, website, employee_count, product_id, crm_id, is_deleted"
    expected = ("support", "Acme", "https://www.Acme.test/about", 40, "acme-1", "2101", False)
    assert found(con, "accounts", "co1", columns) == expected
    assert found(con, "accounts", "co2", "product_id, crm_id") == (None, None)
    assert found(con, "accounts", "co3", "is_deleted") == (True,)


def test_contacts_who_are_gone_are_deleted_and_keep_what_is_known_of_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = "email, email_domain, first_name, last_name, account_source_id, is_deleted"
    expected = ("ann@acme.test", "acme.test", "Ann", "Mary Lee", "co1", False)
    assert found(con, "contacts", "ann", columns) == expected
    assert found(con, "contacts", "bob", "first_name, last_name, is_deleted") == ("Bob", None, True)
    assert found(con, "contacts", "carl", "account_source_id, is_deleted") == (None, False)
    assert found(con, "contacts", "eve", "is_deleted") == (True,)
    sql = """select id, survivor_id, email from staging.stg_intercom__contact_survivors
        where id in ('lead1', 'self', 'gone2') order by 1"""
    assert con.execute(sql).fetchall() == [
        ("gone2", "never_seen", "g@x.test"), ("lead1", "ann", "ann@acme.test"),
        ("self", "self", None),
    ]  # fmt: skip


def test_teammates_who_left_are_inactive_owners(con: duckdb.DuckDBPyConnection) -> None:
    columns = "name, email, is_active"
    assert found(con, "owners", "991", columns) == ("Ada Agent", "ada@vendor.test", True)
    assert found(con, "owners", "992", columns) == ("Bo Left", None, False)


def test_freshness_passes_over_what_is_dated_after_now(con: duckdb.DuckDBPyConnection) -> None:
    row = con.execute("select * from staging.stg_intercom__freshness").fetchone()
    assert row == (
        "intercom", "support", at("2026-10-31 12:00"), at("2026-10-31 18:00"),
    )  # fmt: skip


def test_every_entity_has_the_columns_of_its_contract(con: duckdb.DuckDBPyConnection) -> None:
    row = con.execute("select * from staging.stg_intercom__tickets where source_id = 'open'")
    assert {column[0] for column in row.description or []} == {
        "source", "source_id", "account_source_id", "requester_source_id", "requester_email",
        "channel", "type", "status", "priority", "created_at", "updated_at", "first_reply_at",
        "solved_at", "reopened_count", "is_deleted",
    }  # fmt: skip
    row.fetchall()
    assert found(con, "survey_responses", "rated", "cast(score as decimal(18, 6))") == (Decimal(4),)
