"""What people answered, on its own scale and on a common one, and whose account it is about."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse

AS_OF = "2026-11-01T00:00:00Z"
DAY = "2026-10-20T10:00:00Z"


def answer(number: str, **more: Any) -> dict[str, Any]:
    base = {"id": number, "survey_type": "nps", "score": 9, "created_at": DAY, "updated_at": DAY}
    return base | more


def company(number: str, domain: str | None, **more: Any) -> dict[str, Any]:
    made = {"id": number, "created_at": "2025-01-01T00:00:00Z", "properties__domain": domain}
    return made | {"updated_at": "2025-01-01T00:00:00Z"} | more


def contact(number: str, email: str, at: str) -> dict[str, Any]:
    made = {"id": number, "properties__email": email, "properties__associatedcompanyid": at}
    return made | {"created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"}


def submission(number: str, contact_id: str | None, **properties: str) -> dict[str, Any]:
    given = {"hs_survey_type": "NPS", "hs_contact_id": contact_id, **properties}
    given["hs_submission_timestamp"] = "2026-10-20T10:00:00.000Z"
    return {"id": number} | {f"properties__{name}": value for name, value in given.items()}


RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "hubspot": {
        "companies": [
            company("1", "one.test", properties__product_account_id="acme-1"),
            company("2", "two.test"),
            company("3", "shared.test"),
            company("4", "shared.test"),
            company("5", "gmail.com"),
        ],
        "contacts": [
            contact("c1", "Ann@One.test", "1"),
            contact("c2", "both@free.test", "1"),
            contact("c3", "both@free.test", "2"),
            contact("c4", "ben@elsewhere.test", "2"),
            contact("c5", "old@one.test", "1") | {"archived": True},
            contact("c6", "new@two.test", "2")
            | {"properties__hs_calculated_merged_vids": "c6:1650000000000;c0:1650000000000"},
        ],
        "feedback_submissions": [
            submission("f csat", "c4", hs_survey_type="CSAT", hs_value="2"),
            submission("f nps", "c1", hs_survey_type="NPS", hs_value="10.0"),
            submission("f merged", "c5", hs_value="3") | {"archived": True},
            submission("f of a loser", "c0", hs_value="8"),
            submission("f no score", None, hs_value="n/a"),
            submission("f custom", "c1", hs_survey_type="CUSTOM", hs_value="4"),
        ],
    },
    "mixpanel": {
        "profiles": [
            {
                "distinct_id": "u1",
                "email": "user@private.test",
                "group_key": "acme-1",
                "created_at": "2025-03-01T00:00:00Z",
            },
        ],
    },
    "zendesk": {
        "organizations": [
            {
                "id": "o1",
                "name": "Acme",
                "domain_names": ["one.test"],
                "external_id": "acme-1",
                "created_at": "2026-01-01T00:00:00Z",
            },
        ],
        "users": [
            {
                "id": "z1",
                "email": "ben@elsewhere.test",
                "role": "end-user",
                "created_at": "2026-01-01T00:00:00Z",
            },
        ],
        "tickets": [
            {
                "id": "t1",
                "status": "solved",
                "organization_id": "o1",
                "requester_id": "z1",
                "created_at": "2026-10-19T08:00:00Z",
                "updated_at": DAY,
            },
            {
                "id": "t2",
                "status": "solved",
                "requester_id": "z1",
                "created_at": "2026-10-19T08:00:00Z",
                "updated_at": DAY,
            },
        ],
        "satisfaction_ratings": [
            {
                "id": "good",
                "ticket_id": "t1",
                "requester_id": "z1",
                "score": "good",
                "created_at": DAY,
                "updated_at": DAY,
            },
            {
                "id": "bad",
                "ticket_id": "t2",
                "requester_id": "z1",
                "score": "bad",
                "created_at": DAY,
                "updated_at": DAY,
            },
            {
                "id": "offered",
                "ticket_id": "t2",
                "requester_id": "z1",
                "score": "offered",
                "created_at": DAY,
                "updated_at": DAY,
            },
        ],
    },
    "delighted": {
        "survey_responses": [
            answer("nps 6", score=6),
            answer("nps 7", score=7),
            answer("nps 8", score=8),
            answer("nps 9", score=9),
            answer("nps 0", score=0),
            answer("nps 10", score=10),
            answer("nps 11", score=11),
            answer("nps none", score=None),
            answer("csat 1", survey_type="csat", score=1),
            answer("csat 4", survey_type="CSAT ", score=4),
            answer("thumb", survey_type="thumbs", score=1),
            answer("unknown", survey_type="pmf", score=2),
            answer("future", created_at="2026-11-02T00:00:00Z"),
            answer("gone", deleted=True),
            answer("by mail", person__email=" ANN@one.test", account_key="other"),
            answer("by user", person__email="user@private.test"),
            answer(
                "by mail before account", person__email="ben@elsewhere.test", account_key="acme-1"
            ),
            answer("two accounts", person__email="both@free.test"),
            answer("two accounts, one named", person__email="both@free.test", account_key="ACME-1"),
            answer("by crm id", account_key="2"),
            answer("by domain", person__email="new.person@two.test"),
            answer("shared domain", person__email="new@shared.test"),
            answer("free mail", person__email="some.body@gmail.com"),
            answer("nobody"),
        ],
        "pulls": [{"pull_id": "1", "pulled_through": "2026-10-31T06:00:00Z"}],
    },
}


@pytest.fixture(scope="module")
def warehouse(
    build_warehouse: BuildWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("surveys")
    con = build_warehouse(
        folder,
        RAW,
        as_of=AS_OF,
        sources=["hubspot", "mixpanel", "zendesk", "delighted"],
        select="+int_survey_responses +source_freshness",
    )
    yield con
    con.close()


@pytest.fixture(scope="module")
def found(warehouse: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    relation = warehouse.execute("select * from intermediate.int_survey_responses")
    names = [column[0] for column in relation.description]
    rows = [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
    assert len({row["source_id"] for row in rows}) == len(rows)
    return {row["source_id"]: row for row in rows}


def test_an_nps_answer_falls_into_the_bucket_of_its_score(
    found: dict[str, dict[str, Any]],
) -> None:
    buckets = {number: found[f"nps {number}"]["bucket"] for number in (0, 6, 7, 8, 9, 10)}
    assert buckets == {
        0: "detractor", 6: "detractor", 7: "passive", 8: "passive", 9: "promoter", 10: "promoter",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "instrument", "low", "high", "common"),
    [
        ("nps 7", "nps", 0, 10, "70"),
        ("csat 1", "csat", 1, 5, "0"),
        ("csat 4", "csat", 1, 5, "75"),
        ("thumb", "csat", 0, 1, "100"),
        ("good", "csat", 0, 1, "100"),
        ("bad", "csat", 0, 1, "0"),
        ("f csat", "csat", 1, 5, "25"),
        ("f nps", "nps", 0, 10, "100"),
    ],
)
def test_each_scale_is_kept_and_a_common_one_put_beside_it(
    name: str, instrument: str, low: int, high: int, common: str, found: dict[str, dict[str, Any]]
) -> None:
    row = found[name]
    assert (row["instrument"], row["scale_min"], row["scale_max"]) == (instrument, low, high)
    assert row["score_0_100"] == Decimal(common)
    assert (row["bucket"] is None) is (instrument != "nps")


@pytest.mark.parametrize("name", ["nps 11", "nps none", "unknown", "f no score", "f custom"])
def test_a_score_off_its_scale_is_no_score(name: str, found: dict[str, dict[str, Any]]) -> None:
    assert (found[name]["score_0_100"], found[name]["bucket"]) == (None, None)


def test_an_answer_given_later_is_not_known_yet_and_a_deleted_one_is_marked(
    found: dict[str, dict[str, Any]],
) -> None:
    assert "future" not in found
    assert found["gone"]["is_deleted"] is True
    assert found["f merged"]["is_deleted"] is True
    assert found["nobody"]["is_deleted"] is False
    assert "offered" not in found


@pytest.mark.parametrize(
    ("name", "account", "matched_by"),
    [
        ("good", "hubspot:1", "ticket"),
        ("bad", "hubspot:2", "ticket"),
        ("f nps", "hubspot:1", "contact"),
        ("f csat", "hubspot:2", "contact"),
        ("f merged", "hubspot:1", "contact"),
        ("f of a loser", "hubspot:2", "contact"),
        ("f no score", None, None),
        ("by mail", "hubspot:1", "email"),
        ("by user", "hubspot:1", "email"),
        ("by mail before account", "hubspot:2", "email"),
        ("two accounts", None, None),
        ("two accounts, one named", "hubspot:1", "account"),
        ("by crm id", "hubspot:2", "account"),
        ("by domain", "hubspot:2", "domain"),
        ("shared domain", None, None),
        ("free mail", None, None),
        ("nobody", None, None),
    ],
)
def test_the_account_is_found_by_ticket_then_person_then_account_then_domain_and_never_guessed(
    name: str, account: str | None, matched_by: str | None, found: dict[str, dict[str, Any]]
) -> None:
    assert (found[name]["account_id"], found[name]["matched_by"]) == (account, matched_by)


def test_an_answer_in_the_crm_has_the_moment_of_its_submission(
    found: dict[str, dict[str, Any]],
) -> None:
    assert str(found["f nps"]["responded_at"]) == "2026-10-20 10:00:00"
    assert found["f nps"]["bucket"] == "promoter"
    assert found["f merged"]["bucket"] == "detractor"


def test_the_survey_tool_tells_how_old_its_answers_are(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (row,) = warehouse.execute(
        "select kind, data_age_hours, pull_age_hours from marts.source_freshness "
        "where source = 'delighted'"
    ).fetchall()
    # From 20 October 10:00 and 31 October 6:00 to midnight of 1 November.
    assert row == ("survey", Decimal("278.00"), Decimal("18.00"))
