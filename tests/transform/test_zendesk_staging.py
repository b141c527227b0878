"""What Zendesk's records become, and what is known of a ticket's priority after it was raised."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse
from .warehouse import Dbt, connect

MONDAY, TUESDAY = "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"
OPTIONS: dict[str, Any] = {
    # The set of another test, which spares the project from being parsed once more.
    "sources": ["hubspot", "mixpanel", "zendesk", "delighted"],
    "select": "path:models/staging/zendesk +path:models/intermediate/support",
    "data_tests": False,
}

# What changes from one day to the next; the accounts stay.
AGAIN = OPTIONS | {"select": "path:models/intermediate/support snap_tickets"}
Tables = dict[str, list[dict[str, Any]]]


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def ticket(number: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "status": "open",
        "created_at": "2026-10-20T08:00:00Z",
        "updated_at": "2026-10-20T08:00:00Z",
        "generated_at": "2026-10-20T08:00:00Z",
    } | more


def moment(
    number: str, ticket_id: str, metric: str, kind: str, time: str, instance: int = 1
) -> Any:
    return {"id": number, "ticket_id": ticket_id, "metric": metric, "type": kind,
            "instance_id": instance, "time": time}  # fmt: skip


WAIT = "requester_wait_time"
RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "zendesk": {
        "organizations": [
            {"id": "o1", "name": " Acme ", "domain_names": ["acme.test", "acme.example"],
             "external_id": "acme-1", "organization_fields": {"crm_id": "1", "plan": "team"},
             "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-02-01T00:00:00+01:00"},
            {"id": "o2", "name": "", "domain_names": [], "external_id": None,
             "organization_fields": None, "created_at": "2026-01-01T00:00:00Z",
             "deleted_at": "2026-06-01T00:00:00Z"},
            {"id": "o3", "name": "Elsewhere", "domain_names": None,
             "organization_fields": {"crm_id": " "}},
        ],
        "users": [
            {"id": "u1", "name": "Ada King Lovelace", "email": " Ada@Acme.TEST ",
             "role": "end-user", "organization_id": "o1", "active": True,
             "user_fields": {"job_title": "Countess"}},
            {"id": "u2", "name": "Madonna", "email": None, "role": "end-user", "active": False},
            {"id": "u3", "name": "Bo", "email": "bo@acme.test", "role": "end-user"},
            {"id": "u4", "name": "Cy", "email": "cy@gmail.com", "role": "end-user"},
            {"id": "u5", "name": "Di", "email": "di@firm.test", "role": "end-user"},
            {"id": "u6", "name": "Eve", "email": "eve@gmail.com", "role": "end-user"},
            {"id": "a1", "name": "Agent One", "email": "One@Vendor.test", "role": "agent",
             "active": True},
            {"id": "a2", "name": "Agent Two", "email": None, "role": "admin", "active": False},
        ],
        "tickets": [
            ticket("answered", requester_id="u1", organization_id="o1", channel="Email",
                   type="incident", priority="normal", status="pending"),
            ticket("reopened", requester_id="u1", organization_id="o1", status="open",
                   priority="high"),
            ticket("twice", requester_id="u1", organization_id="o1", status="closed",
                   priority="low"),
            ticket("never_solved", requester_id="u2", status="closed", priority="low"),
            ticket("gone", requester_id="u1", organization_id="o1", status="deleted",
                   priority="urgent"),
            ticket("waiting", requester_id="u3", status="hold", priority="urgent"),
            ticket("new", requester_id="u4", status="new"),
            ticket("by_domain", requester_id="u5", priority="blocker"),
            ticket("nobodys", requester_id="u6"),
            ticket("imported", requester_id="u1", organization_id="o1", status="solved"),
            ticket("ancient", requester_id="u1", organization_id="o1", status="closed",
                   created_at="2025-10-25T22:00:00Z"),
            ticket("tomorrows", requester_id="u1", created_at="2026-11-02T00:00:01Z"),
        ],
        "ticket_metric_events": [
            moment("1", "answered", "reply_time", "activate", "2026-10-20T08:00:00Z"),
            moment("2", "answered", "reply_time", "fulfill", "2026-10-20T10:30:00Z"),
            moment("3", "answered", "reply_time", "activate", "2026-10-20T11:00:00Z", 2),
            moment("4", "answered", "reply_time", "fulfill", "2026-10-20T11:30:00Z", 2),
            moment("5", "answered", WAIT, "activate", "2026-10-20T08:00:00Z"),
            moment("6", "answered", WAIT, "pause", "2026-10-20T10:30:00Z"),
            moment("7", "answered", WAIT, "activate", "2026-10-20T11:00:00Z"),
            # The same clock again is no reopening; a new one is.
            moment("8", "reopened", WAIT, "activate", "2026-10-20T08:00:00Z"),
            moment("9", "reopened", WAIT, "fulfill", "2026-10-21T08:00:00Z"),
            moment("10", "reopened", WAIT, "activate", "2026-10-22T08:00:00Z", 2),
            moment("11", "twice", WAIT, "activate", "2026-10-20T08:00:00Z"),
            moment("12", "twice", WAIT, "fulfill", "2026-10-20T09:00:00Z"),
            moment("13", "twice", WAIT, "activate", "2026-10-20T20:00:00Z", 2),
            moment("14", "twice", WAIT, "fulfill", "2026-10-21T08:00:00Z", 2),
            moment("15", "twice", "agent_work_time", "fulfill", "2026-10-30T08:00:00Z", 2),
            moment("18", "ancient", WAIT, "fulfill", "2026-10-26T22:00:00Z"),
            # Brought over from another help desk, with the stamps of the day of the move.
            moment("16", "imported", "reply_time", "fulfill", "2026-10-19T08:00:00Z"),
            moment("17", "imported", WAIT, "fulfill", "2026-11-02T06:00:00Z"),
        ],
        "satisfaction_ratings": [
            {"id": "r1", "ticket_id": "twice", "requester_id": "u1", "score": "good",
             "created_at": "2026-10-22T00:00:00Z", "updated_at": "2026-10-25T00:00:00Z"},
            {"id": "r2", "ticket_id": "never_solved", "requester_id": "u2",
             "score": "bad_with_comment", "created_at": "2026-10-22T00:00:00Z"},
            {"id": "r3", "ticket_id": "gone", "requester_id": "u1", "score": "bad"},
            {"id": "r4", "ticket_id": "new", "requester_id": "u3", "score": "offered"},
            {"id": "r5", "ticket_id": "unheard", "requester_id": "u1", "score": "good",
             "deleted": True},
        ],
        "pulls": [{"pull_id": "1", "pulled_through": "2026-11-01T18:00:00Z"}],
    },
    "hubspot": {
        "companies": [
            {"id": "1", "properties__name": "Acme Inc.", "properties__domain": "acme.test",
             "created_at": "2025-01-01T00:00:00Z"},
            {"id": "2", "properties__name": "Firm", "properties__domain": "firm.test",
             "created_at": "2025-01-01T00:00:00Z"},
        ],
        "contacts": [
            {"id": "c1", "properties__email": "cy@gmail.com",
             "properties__associatedcompanyid": "2", "created_at": "2025-01-01T00:00:00Z"},
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zendesk")


@pytest.fixture(scope="module")
def monday(data_dir: Path, build_warehouse: BuildWarehouse) -> Tables:
    return tables(build_warehouse(data_dir, RAW, as_of=MONDAY, **OPTIONS))


@pytest.fixture(scope="module")
def tuesday(monday: Tables, data_dir: Path, build_warehouse: BuildWarehouse) -> Tables:
    raw = deepcopy(RAW)
    by_id = {one["id"]: one for one in raw["zendesk"]["tickets"]}
    by_id["answered"] |= {"priority": "urgent"}
    by_id["waiting"] |= {"priority": "low", "status": "solved"}
    raw["zendesk"]["tickets"].append(
        ticket("fresh", requester_id="u1", organization_id="o1", priority="high",
               created_at="2026-11-02T09:00:00Z")
    )  # fmt: skip
    raw["zendesk"]["ticket_metric_events"] += [
        moment("20", "waiting", "reply_time", "fulfill", "2026-11-01T12:00:00Z"),
        moment("21", "waiting", WAIT, "fulfill", "2026-11-02T12:00:00Z"),
        moment("22", "fresh", "reply_time", "fulfill", "2026-11-02T10:00:00Z"),
    ]
    return tables(build_warehouse(data_dir, raw, as_of=TUESDAY, **AGAIN))


@pytest.fixture(scope="module")
def replayed(tuesday: Tables, data_dir: Path, dbt: Dbt) -> Tables:
    dbt.build(data_dir, as_of=MONDAY, **AGAIN)
    return tables(connect(data_dir))


def tables(con: duckdb.DuckDBPyConnection) -> Tables:
    found: Tables = {}
    for name in (
        *(f"staging.stg_zendesk__{entity}" for entity in
          ("accounts", "contacts", "owners", "tickets", "survey_responses", "freshness")),
        "intermediate.int_tickets", "intermediate.int_ticket_versions",
    ):  # fmt: skip
        rows = con.execute(f"select * from {name}")
        names = [column[0] for column in rows.description]
        found[name.split(".")[1].removeprefix("stg_zendesk__")] = [
            dict(zip(names, row, strict=True)) for row in rows.fetchall()
        ]
    con.close()
    return found


def read(rows: list[dict[str, Any]], *names: str) -> dict[str, Any]:
    assert len({row["source_id"] for row in rows}) == len(rows)
    values = {row["source_id"]: tuple(row[name] for name in names) for row in rows}
    return {key: value[0] if len(names) == 1 else value for key, value in values.items()}


def test_organizations_are_accounts_with_the_ids_of_other_systems(monday: Tables) -> None:
    found = read(monday["accounts"], "name", "domain", "crm_id", "product_id", "is_deleted")
    assert found == {
        "o1": ("Acme", "acme.test", "1", "acme-1", False),
        "o2": (None, None, None, None, True),
        "o3": ("Elsewhere", None, None, None, False),
    }
    assert {row["kind"] for row in monday["accounts"]} == {"support"}
    assert read(monday["accounts"], "updated_at")["o1"] == at("2026-01-31T23:00:00")


def test_end_users_are_contacts_and_agents_are_owners(monday: Tables) -> None:
    found = read(
        monday["contacts"], "email", "email_domain", "first_name", "last_name", "title",
        "account_source_id", "is_deleted",
    )  # fmt: skip
    assert found["u1"] == (
        "ada@acme.test", "acme.test", "Ada", "King Lovelace", "Countess", "o1", False
    )  # fmt: skip
    assert found["u2"] == (None, None, "Madonna", None, None, None, True)
    assert set(found) == {"u1", "u2", "u3", "u4", "u5", "u6"}
    assert read(monday["owners"], "name", "email", "is_active") == {
        "a1": ("Agent One", "one@vendor.test", True),
        "a2": ("Agent Two", None, False),
    }


def test_a_ticket_is_answered_solved_and_reopened_by_its_clocks(monday: Tables) -> None:
    found = read(
        monday["tickets"], "status", "priority", "first_reply_at", "solved_at", "reopened_count"
    )
    assert found["answered"] == ("waiting", "normal", at("2026-10-20T10:30:00"), None, 0)
    assert found["reopened"] == ("open", "high", None, None, 1)
    assert found["twice"] == ("solved", "low", None, at("2026-10-21T08:00:00"), 1)
    assert found["never_solved"] == ("solved", "low", None, None, 0)
    assert found["waiting"] == ("waiting", "urgent", None, None, 0)
    assert found["new"] == ("open", None, None, None, 0)
    assert found["by_domain"][1] is None, "a priority that nobody knows"
    assert found["gone"][0] is None
    assert [key for key, gone in read(monday["tickets"], "is_deleted").items() if gone] == ["gone"]
    assert read(monday["tickets"], "channel", "type", "requester_email")["answered"] == (
        "email", "incident", "ada@acme.test"
    )  # fmt: skip


def test_ratings_are_csat_on_a_scale_from_nought_to_one(monday: Tables) -> None:
    found = read(
        monday["survey_responses"], "score", "account_source_id", "responded_at", "is_deleted"
    )
    assert found == {
        "r1": (1, "o1", at("2026-10-22T00:00:00"), False),
        "r2": (0, None, at("2026-10-22T00:00:00"), False),
        "r3": (0, "o1", None, True),
        "r5": (1, "o1", None, True),
    }
    kinds = {(r["instrument"], r["scale_min"], r["scale_max"]) for r in monday["survey_responses"]}
    assert kinds == {("csat", 0, 1)}


def test_freshness_passes_over_what_is_dated_ahead(monday: Tables) -> None:
    (row,) = monday["freshness"]
    assert row["newest_record_at"] == at("2026-10-30T08:00:00")
    assert row["pulled_at"] == at("2026-11-01T18:00:00")


def test_a_ticket_belongs_to_its_organisation_else_to_who_asked(monday: Tables) -> None:
    found = read(monday["int_tickets"], "account_id", "account_rule")
    assert found["answered"] == ("hubspot:1", "organisation")
    assert found["waiting"] == ("hubspot:1", "domain")
    assert found["new"] == ("hubspot:2", "contact_email")
    assert found["by_domain"] == ("hubspot:2", "domain")
    assert found["nobodys"] == (None, None)
    assert "tomorrows" not in found


def test_hours_until_reply_and_solution(monday: Tables) -> None:
    found = read(monday["int_tickets"], "first_reply_hours", "resolution_hours", "status")
    assert found["answered"] == (Decimal("2.50"), None, "waiting")
    assert found["twice"] == (None, Decimal("24.00"), "solved")
    # A year and a day, and the clocks went back and forth in between: 366 x 24.
    assert found["ancient"] == (None, Decimal("8784.00"), "solved")
    # Answered before it was created, and solved after Monday: one is unknown, one not yet so.
    assert found["imported"] == (None, None, "open")


def test_open_urgent_tickets_are_those_that_still_wait(monday: Tables, tuesday: Tables) -> None:
    def urgent(tables: Tables) -> set[str]:
        flags = read(tables["int_tickets"], "is_open_urgent")
        return {key for key, flag in flags.items() if flag}

    assert urgent(monday) == {"waiting"}
    assert urgent(tuesday) == {"answered"}


def test_a_time_counts_against_the_priority_that_held_when_it_ended(tuesday: Tables) -> None:
    found = read(
        tuesday["int_tickets"], "priority", "first_reply_priority", "resolution_priority",
        "is_priority_recorded",
    )  # fmt: skip
    # Answered before the first load: the oldest priority known, and said to be no record.
    assert found["answered"] == ("urgent", "normal", None, False)
    # Solved at noon, when it was still urgent; lowered only afterwards.
    assert found["waiting"] == ("low", "urgent", "urgent", False)
    # Created after the first load: as first seen from its creation on.
    assert found["fresh"] == ("high", "high", None, True)


def test_versions_follow_one_another_without_a_gap(tuesday: Tables) -> None:
    spans = {
        (row["source_id"], row["version_no"]): (row["valid_from"], row["valid_to"])
        for row in tuesday["int_ticket_versions"]
    }
    assert spans["answered", 1] == (at("2026-11-02"), at("2026-11-03"))
    assert spans["answered", 2] == (at("2026-11-03"), None)
    assert spans["fresh", 1] == (at("2026-11-02T09:00:00"), None)
    assert ("twice", 2) not in spans


def test_a_replay_of_monday_gives_what_monday_knew(monday: Tables, replayed: Tables) -> None:
    was, now = ({r["source_id"]: r for r in t["int_tickets"]} for t in (monday, replayed))
    assert set(now) == set(was)
    assert now["answered"] == was["answered"]
    # That it had been answered on Sunday came to light on Monday noon.
    late = {"first_reply_at", "first_reply_hours", "first_reply_priority", "is_priority_recorded"}
    assert {k for k in was["waiting"] if was["waiting"][k] != now["waiting"][k]} == late
    assert now["waiting"]["is_open_urgent"]
