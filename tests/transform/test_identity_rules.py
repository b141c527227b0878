"""Known addresses, members, registrable domains, names, and what people decide instead of rules.

The second build is a month later: two decisions are gone from the file, one has run out, a payer
has lost the id that placed it, and one company was merged into another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .raw import write_raw
from .test_identity import COMPANY, CRM_ID, EMAIL, MERGED, PRODUCT, company, customer, user
from .warehouse import Dbt, connect

SOURCES = ("hubspot", "stripe", "mixpanel", "zendesk", "files")
FIRST, SECOND = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
BILLING_ID = "properties__billing_customer_id"


def contact(number: str, email: str, company_id: str | None) -> dict[str, Any]:
    return {"id": number, EMAIL: email, COMPANY: company_id, "created_at": "2025-01-02"}


def organization(number: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "created_at": "2025-04-01"} | more


def member(number: str, email: str, organization_id: str | None) -> dict[str, Any]:
    return {"id": number, "role": "end-user", "email": email, "organization_id": organization_id,
            "active": True, "created_at": "2025-04-02"}  # fmt: skip


def ticket(number: str, organization_id: str) -> dict[str, Any]:
    return {"id": number, "organization_id": organization_id, "status": "open",
            "created_at": "2026-10-01", "updated_at": "2026-10-01"}  # fmt: skip


def decision(record: str, account: str | None, action: str, **more: Any) -> dict[str, Any]:
    source, _, number = record.partition(":")
    return {"record_source": source, "record_id": number, "account": account, "action": action,
            "author": "kim", "reason": "why", "valid_from": "2026-10-01"} | more  # fmt: skip


def numbered(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"file_name": "decisions.csv", "row_number": n, **row} for n, row in enumerate(rows, 2)]


CROWD = [company(f"9{n}", "crowd.test") for n in range(4)]
NAMESAKES = [company(f"8{n}", f"twin{n}.test", properties__name="Twin Works") for n in range(2)]

RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "hubspot": {
        "companies": [
            company("1", "one.test"),
            company("2", "two.test"),
            company("3", "three.co.uk"),
            company("4", None),
            company("5", "five.test", **{BILLING_ID: "cus_named"}),
            company("6", None, properties__name="Alder Analytics, Inc.",
                    properties__country="United States"),
            company("7", "seven.test"),
            company("701", "seven.test"),
            company("11", "eleven.test"),
            company("12", "twelve.test"),
            company("13", "thirteen.test"),
            company("14", "fourteen.test", **{PRODUCT: "p14"}),
            company("15", "fifteen.test", **{PRODUCT: "p14"}),
            *CROWD,
            *NAMESAKES,
        ],
        "contacts": [
            contact("c1", "Ann@Gmail.com", "4"),
            contact("c2", "bob@two.test", "2"),
            contact("c3", "consultant@away.test", "1"),
            contact("c4", "cleo@away.test", "2"),
            contact("c5", "both@away.test", "1"),
            contact("c6", "both@away.test", "2"),
            contact("c7", "lost@one.test", None),
            *(contact(f"c8{n}", "all@gmail.com", str(n)) for n in (1, 2, 3, 4)),
        ],
    },
    "stripe": {
        "customers": [
            customer("cus_known", " ann@gmail.com "),
            customer("cus_both", "both@away.test"),
            customer("cus_all", "all@gmail.com"),
            customer("cus_sub", "pay@mail.three.co.uk"),
            customer("cus_named", "pay@elsewhere.test"),
            customer("cus_crowd", "pay@crowd.test"),
            customer("cus_thrown", "x@mailinator.com"),
            customer("cus_name", None, name="ALDER ANALYTICS INC", address__country="US"),
            customer("cus_twins", None, name="Twin Works GmbH"),
            customer("cus_like", None, name="Alder Anal.", address__country="FR"),
            customer("cus_moved", "moved@eleven.test"),
            customer("cus_cut", "pay@eleven.test"),
            customer("cus_cut_one", "pay@eleven.test", **{CRM_ID: "12"}),
            customer("cus_past", "pay@eleven.test"),
            customer("cus_asked", "pay@eleven.test"),
            customer("cus_loses", None, **{CRM_ID: "13"}),
            customer("cus_14", "pay@fifteen.test", metadata__product_account_id="p14"),
        ],
        "subscriptions": [
            {"id": f"sub_{number}", "customer": number, "status": "active", "currency": "usd",
             "created": "2025-02-01", "start_date": "2025-02-01"}
            for number in ("cus_cut", "cus_loses", "cus_crowd")
        ],
    },
    "mixpanel": {
        "profiles": [
            user("u1", "p_members", "bob@two.test"),
            user("u2", "p_members", "cleo@away.test"),
            user("u3", "p_members", "consultant@away.test"),
            user("u4", "p_members", "new@gmail.com"),
            user("u5", "p_helped", "dora@gmail.com"),
            user("u6", "p_follows", "moved@eleven.test"),
        ],
    },
    "zendesk": {
        "organizations": [
            organization("41", "Helped", external_id=None),
            organization("42", "Alder Analytics", domain_names=[]),
        ],
        "users": [
            member("z1", "dora@gmail.com", "41"),
            member("z2", "BOB@two.test", None),
        ],
        "tickets": [ticket("t1", "41")],
    },
    "files": {
        "identity_overrides": numbered(
            decision("stripe:cus_moved", "hubspot:12", "link"),
            decision("stripe:cus_cut", None, "unlink"),
            decision("stripe:cus_cut_one", "twelve.test", "unlink"),
            decision("stripe:cus_past", "Company 12", "link",
                     valid_from="2026-08-01", valid_to="2026-11-15"),
            decision("hubspot:7", "hubspot:701", "link"),
            decision("stripe:cus_asked", "nobody.test", "link"),
            decision("stripe:cus_14", "mixpanel:p_members", "link"),
            decision("mixpanel:p_helped", "stripe:cus_moved", "link"),
        ),
    },
}  # fmt: skip


def later() -> dict[str, dict[str, list[dict[str, Any]]]]:
    raw = copy.deepcopy(RAW)
    taken_back = {"cus_cut", "7"}
    raw["files"]["identity_overrides"] = [
        row for row in raw["files"]["identity_overrides"] if row["record_id"] not in taken_back
    ]
    for row in raw["stripe"]["customers"]:
        if row["id"] == "cus_loses":
            row[CRM_ID] = None
    for row in raw["hubspot"]["companies"]:
        if row["id"] == "5":
            row["archived"] = True
    raw["hubspot"]["companies"].append(
        company(
            "55",
            "five.test",
            created_at="2026-11-20T00:00:00Z",
            **{MERGED: "5;55", BILLING_ID: "cus_named"},
        )
    )
    return raw


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity_rules")


def _built(data_dir: Path, dbt: Dbt, raw: Any, as_of: str) -> duckdb.DuckDBPyConnection:
    write_raw(data_dir, raw, sources=SOURCES)
    dbt.build(
        data_dir,
        as_of=as_of,
        sources=SOURCES,
        variables={"identity_max_records_per_source": 1},
        select="+identity_map +unmatched_records +identity_exceptions",
    )
    return connect(data_dir)


@pytest.fixture(scope="module")
def first(data_dir: Path, dbt: Dbt) -> dict[str, list[tuple[Any, ...]]]:
    """What was asked of the first build before the second took its place."""
    with _built(data_dir, dbt, RAW, FIRST) as con:
        return {
            "map": con.execute(
                "select source || ':' || source_id, account_id, rule, entity, valid_from::varchar,"
                " valid_to::varchar from marts.identity_map order by all"
            ).fetchall(),
            "unmatched": con.execute(
                "select source || ':' || source_id, reason, candidates from marts.unmatched_records"
            ).fetchall(),
            "exceptions": con.execute(
                "select exception, subject from marts.identity_exceptions order by all"
            ).fetchall(),
        }


@pytest.fixture(scope="module")
def second(
    data_dir: Path, dbt: Dbt, first: dict[str, list[tuple[Any, ...]]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = _built(data_dir, dbt, later(), SECOND)
    yield con
    con.close()


def now(rows: list[tuple[Any, ...]], record: str) -> list[tuple[Any, ...]]:
    return [row[1:3] for row in rows if row[0] == record and row[5] is None]


@pytest.mark.parametrize(
    ("record", "account", "rule"),
    [
        pytest.param("stripe:cus_known", "hubspot:4", "known_email", id="free mail of a contact"),
        pytest.param("stripe:cus_sub", "hubspot:3", "company_domain", id="registrable domain"),
        pytest.param("stripe:cus_named", "hubspot:5", "explicit_billing_id", id="CRM names it"),
        pytest.param("stripe:cus_crowd", "stripe:cus_crowd", "own_record", id="crowded domain"),
        pytest.param("stripe:cus_name", "hubspot:6", "company_name", id="name and country"),
        pytest.param("mixpanel:p_members", "hubspot:2", "membership", id="most known users"),
        pytest.param("zendesk:41", "hubspot:12", "membership_in_product", id="its one user"),
        pytest.param("zendesk:42", "hubspot:6", "company_name", id="a desk has it by name too"),
        pytest.param("stripe:cus_14", "hubspot:15", "company_domain", id="settled among two"),
        pytest.param("stripe:cus_moved", "hubspot:12", "manual_link", id="decision beats domain"),
        pytest.param("stripe:cus_cut", "stripe:cus_cut", "own_record", id="cut from all"),
        pytest.param("stripe:cus_cut_one", "hubspot:11", "company_domain", id="cut from one"),
        pytest.param("stripe:cus_past", "hubspot:12", "manual_link", id="named by its name"),
        pytest.param("stripe:cus_asked", "hubspot:11", "company_domain", id="unknown account"),
        pytest.param("hubspot:7", "hubspot:701", "manual_link", id="two companies are one"),
        pytest.param("mixpanel:p_helped", "hubspot:12", "manual_link", id="to a moved payer"),
        pytest.param("mixpanel:p_follows", "hubspot:12", "known_email_in_billing", id="follows"),
        pytest.param("hubspot:c7", "hubspot:1", "company_domain", id="contact without a company"),
        pytest.param("zendesk:z2", "hubspot:2", "known_email", id="member of no organisation"),
    ],
)
def test_a_record_is_placed_by_the_first_rule_that_finds_one_account(
    first: dict[str, list[tuple[Any, ...]]], record: str, account: str, rule: str
) -> None:
    assert now(first["map"], record) == [(account, rule)]


@pytest.mark.parametrize(
    ("record", "reason", "candidates"),
    [
        ("stripe:cus_both", "ambiguous", "hubspot:1, hubspot:2"),
        ("stripe:cus_twins", "ambiguous", "hubspot:80, hubspot:81"),
        ("stripe:cus_like", "similar_name", "hubspot:6"),
        ("stripe:cus_crowd", "no_match", None),
        ("stripe:cus_thrown", "free_mail", None),
        ("stripe:cus_all", "free_mail", None),
    ],
)
def test_what_is_not_sure_waits_for_a_person_with_its_candidates(
    first: dict[str, list[tuple[Any, ...]]], record: str, reason: str, candidates: str | None
) -> None:
    assert [row[1:] for row in first["unmatched"] if row[0] == record] == [(reason, candidates)]


def test_what_a_person_decided_is_no_work_for_a_person(
    first: dict[str, list[tuple[Any, ...]]],
) -> None:
    assert not [row for row in first["unmatched"] if row[0] == "stripe:cus_cut"]


def test_decisions_that_cannot_be_followed_are_shown(
    first: dict[str, list[tuple[Any, ...]]],
) -> None:
    assert [row for row in first["exceptions"] if row[0].startswith("override_")] == [
        ("override_account_of_later_kind", "stripe:cus_14"),
        ("override_unknown_account", "stripe:cus_asked"),
    ]


def test_keys_and_accounts_that_are_too_crowded_are_shown(
    first: dict[str, list[tuple[Any, ...]]],
) -> None:
    crowded = [row for row in first["exceptions"] if not row[0].startswith("override_")]
    assert crowded == [
        *(("address_of_many_accounts", f"hubspot:{n}") for n in (1, 2, 3, 4)),
        ("domain_of_many_accounts", "crowd.test"),
        ("many_records_of_a_source", "hubspot:11 in stripe"),
        ("many_records_of_a_source", "hubspot:12 in mixpanel"),
        ("many_records_of_a_source", "hubspot:12 in stripe"),
        ("many_records_of_a_source", "hubspot:701 in hubspot"),
    ]


def ranges(con: duckdb.DuckDBPyConnection, record: str) -> list[tuple[Any, ...]]:
    return con.execute(
        "select account_id, rule, valid_from::varchar, valid_to::varchar from marts.identity_map"
        " where source || ':' || source_id = ? and entity = 'account' order by valid_from",
        [record],
    ).fetchall()


def test_a_decision_holds_for_the_range_that_was_given(
    second: duckdb.DuckDBPyConnection,
) -> None:
    before = ("hubspot:11", "company_domain", "2025-02-01 00:00:00", "2026-08-01 00:00:00")
    then = ("hubspot:12", "manual_link", "2026-08-01 00:00:00", "2026-11-15 00:00:00")
    after = ("hubspot:11", "company_domain", "2026-11-15 00:00:00", None)
    assert ranges(second, "stripe:cus_past") == [before, then, after]


def test_a_decision_that_is_taken_back_splits_the_account_again(
    second: duckdb.DuckDBPyConnection,
) -> None:
    assert ranges(second, "hubspot:7") == [("hubspot:7", "crm_record", "2025-01-01 00:00:00", None)]
    assert ranges(second, "stripe:cus_cut")[-1] == (
        "hubspot:11", "company_domain", "2026-12-01 00:00:00", None
    )  # fmt: skip


def test_evidence_that_goes_splits_the_account_and_its_history_stays(
    second: duckdb.DuckDBPyConnection,
) -> None:
    assert ranges(second, "stripe:cus_loses") == [
        ("hubspot:13", "explicit_crm_id", "2025-02-01 00:00:00", "2026-12-01 00:00:00"),
        ("stripe:cus_loses", "own_record", "2026-12-01 00:00:00", None),
    ]


def test_a_merge_moves_what_hung_on_the_loser(second: duckdb.DuckDBPyConnection) -> None:
    assert ranges(second, "stripe:cus_named")[-1][:2] == ("hubspot:55", "explicit_billing_id")
    assert ranges(second, "hubspot:5")[-1][:2] == ("hubspot:55", "vendor_merge")


def test_a_replay_of_a_past_day_gives_the_map_of_that_day(
    second: duckdb.DuckDBPyConnection, first: dict[str, list[tuple[Any, ...]]]
) -> None:
    moved = ["stripe:cus_past", "stripe:cus_loses", "stripe:cus_moved", "stripe:cus_known"]
    valid_then = second.execute(
        "select source || ':' || source_id, account_id from marts.identity_map"
        " where entity = 'account' and source || ':' || source_id in (select unnest(?))"
        " and (valid_from is null or valid_from <= timestamp '2026-11-01')"
        " and (valid_to is null or valid_to > timestamp '2026-11-01')",
        [moved],
    ).fetchall()
    assert sorted(valid_then) == sorted(
        row[:2] for row in first["map"] if row[0] in moved and row[5] is None
    )
