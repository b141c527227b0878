"""HubSpot accounts that differ: own properties, missing scopes, apps, limits, search, merges."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.sources import hubspot_api
from sandbox import Sandbox
from tests.ingestion.acceptance.hubspot import a_company
from tests.ingestion.support import contents, query, rows, small_world

Point = Callable[[Sandbox], None]


@pytest.fixture
def box(at: Point, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A small world, not pulled yet, of an account with the options that a test asks for."""
    options = {"hubspot": getattr(request, "param", {})}
    with small_world(vendors=["hubspot"], options=options) as world:
        at(world)
        yield world


@pytest.fixture
def known(box: Sandbox, pulled_once: Path, data_dir: Path) -> Sandbox:
    """The same after its first pull."""
    shutil.copytree(pulled_once, data_dir)
    return box


def calls(box: Sandbox, part: str) -> int:
    return sum(part in call.path for call in box.requests)


def company(box: Sandbox, number: int = 0) -> dict[str, Any]:
    """The n-th live company of the world."""
    ids = [one.id for one in box.world.crm.objects["companies"]]
    found = (box.record("hubspot", "companies", one) for one in ids)
    return [one for one in found if one and not one["archived"]][number]


def renamed(box: Sandbox, record: dict[str, Any]) -> dict[str, Any]:
    """A company with another name since now."""
    stamp = box.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    properties = record["properties"] | {"name": "Renamed", "hs_lastmodifieddate": stamp}
    return record | {"properties": properties, "updatedAt": stamp}


# ---- properties ----


def test_a_property_asked_for_later_comes_once_for_records_that_did_not_change(
    known: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody has written a body into a meeting: the column comes all the same, and only once.
    named = "companies.customer_since,meetings.hs_meeting_body"
    monkeypatch.setenv("SOURCES__HUBSPOT__CUSTOM_PROPERTIES", named)
    result = pipeline.pull("hubspot")
    assert result.new_columns == [
        "companies.properties__customer_since", "meetings.properties__hs_meeting_body",
    ]  # fmt: skip
    assert {row["properties__hs_meeting_body"] for row in rows("hubspot", "meetings")} == {None}
    stored = rows("hubspot", "companies")
    noted = [row for row in stored if row["properties__customer_since"]]
    assert 0 < len(noted) < len(stored)
    assert result.rows["companies"] == len(noted)
    for row in stored:
        sent = (known.record("hubspot", "companies", row["id"]) or {})["properties"]
        assert row["properties__customer_since"] == sent["customer_since"]
    assert pipeline.pull("hubspot").rows == {}
    assert calls(known, "archived=false&properties") == 2, "both kinds were listed once"


def test_a_property_that_does_not_exist_is_told(
    known: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named, told in (
        ("companies.custmer_since", "companies has no property custmer_since"),
        ("tickets.subject", "write <kind>.<property>"),
        ("companies", "write <kind>.<property>"),
    ):
        monkeypatch.setenv("SOURCES__HUBSPOT__CUSTOM_PROPERTIES", named)
        with pytest.raises(PullError, match=told):
            pipeline.pull("hubspot")


def test_more_names_than_an_address_holds_are_read_record_by_record(
    box: Sandbox, at: Point, monkeypatch: pytest.MonkeyPatch, pulled_once: Path, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(pulled_once))
        expected = contents("hubspot")
    monkeypatch.setattr(hubspot_api, "LONGEST_NAMES", 10)
    pipeline.pull("hubspot")
    assert contents("hubspot") == expected
    changed, gone = company(box), company(box, 1)
    box.advance(hours=1)
    at(box)
    box.put("hubspot", "companies", renamed(box, changed))
    box.archive("hubspot", "companies", gone["id"])
    # The ids of other systems may stand in any property.
    monkeypatch.setenv("SOURCES__HUBSPOT__PRODUCT_ACCOUNT_PROPERTY", "country")
    monkeypatch.setenv("SOURCES__HUBSPOT__BILLING_CUSTOMER_PROPERTY", "industry")
    pipeline.pull("hubspot")
    (row,) = rows("hubspot", "companies", f"id = '{changed['id']}'")
    assert row["properties__name"] == "Renamed"
    assert row["properties__product_account_id"] == row["properties__country"] is not None
    assert row["properties__billing_customer_id"] == row["properties__industry"]
    assert [row["id"] for row in rows("hubspot", "companies", "archived")] == [gone["id"]]
    assert calls(box, "/companies/batch/read?archived=true") == 1


# ---- scopes ----


@pytest.mark.parametrize("box", [{"without": ["feedback_submissions"]}], indirect=True)
def test_an_account_without_surveys_loses_them_alone_and_says_so(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = pipeline.pull("hubspot")
    assert result.rejected == {"feedback_submissions": 1}
    assert rows("hubspot", "companies")
    assert rows("hubspot", "feedback_submissions") == []
    (told,) = rows("hubspot", "quarantine")
    assert told["resource"] == "feedback_submissions"
    assert "lacks crm.objects.feedback_submissions.read" in told["reason"]
    monkeypatch.setenv("SOURCES__HUBSPOT__LEAVE_OUT", "feedback_submissions")
    asked = calls(box, "feedback_submissions")
    assert pipeline.pull("hubspot").rejected == {}
    assert calls(box, "feedback_submissions") == asked


@pytest.mark.parametrize("box", [{"without": ["deals"]}], indirect=True)
def test_a_scope_that_must_be_there_is_named(box: Sandbox) -> None:
    with pytest.raises(PullError, match=r"lacks crm\.objects\.deals\.read") as stopped:
        pipeline.pull("hubspot")
    assert stopped.value.kind == "credentials"
    assert query("hubspot", "select count(*) from companies") == [(0,)]


# ---- tokens and limits ----


@pytest.mark.parametrize("box", [{"oauth": True, "calls_per_token": 5}], indirect=True)
def test_a_token_that_expires_in_mid_pull_is_renewed(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, pulled_once: Path
) -> None:
    pipeline.pull("hubspot")
    pulled = contents("hubspot")
    with monkeypatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(pulled_once))
        assert pulled == contents("hubspot")
    assert sum(call.status == 401 for call in box.requests) >= 3
    assert calls(box, "/oauth/v1/token") >= 3
    monkeypatch.setenv("SOURCES__HUBSPOT__REFRESH_TOKEN", "s3cret-but-wrong")
    with pytest.raises(PullError, match="SOURCES__HUBSPOT__REFRESH_TOKEN") as stopped:
        pipeline.pull("hubspot")
    assert stopped.value.kind == "credentials"
    assert "s3cret" not in str(stopped.value)


@pytest.mark.parametrize("box", [{"calls_per_day": 10}], indirect=True)
def test_a_days_quota_that_is_used_up_is_not_waited_for(known: Sandbox) -> None:
    before = contents("hubspot")
    with pytest.raises(PullError, match="429") as stopped:
        pipeline.pull("hubspot")
    assert stopped.value.kind == "rate_limited"
    assert contents("hubspot") == before
    # Once per thread that was on its way, and never again.
    assert sum(call.status == 429 for call in known.requests) <= 12


@pytest.mark.parametrize("box", [{"search_lag": 300}], indirect=True)
def test_a_change_that_search_does_not_know_yet_comes_with_the_next_pull(
    known: Sandbox, at: Point
) -> None:
    known.advance(hours=1)
    at(known)
    record = company(known)
    known.put("hubspot", "companies", renamed(known, record))
    pipeline.pull("hubspot")
    where = f"id = '{record['id']}'"
    assert rows("hubspot", "companies", where)[0]["properties__name"] != "Renamed"
    known.advance(hours=0.1)
    at(known)
    assert pipeline.pull("hubspot").rows == {"companies": 1}
    assert rows("hubspot", "companies", where)[0]["properties__name"] == "Renamed"


@pytest.mark.parametrize("box", [{"search_cap": 200}], indirect=True)
def test_more_changes_in_one_moment_than_a_search_gives_all_arrive(
    known: Sandbox, at: Point
) -> None:
    known.advance(hours=1)
    at(known)
    many = 2 * hubspot_api.SEARCH_PAGE + 1
    for number in range(many):
        known.put("hubspot", "companies", a_company(str(700000 + number), known.now))
    pipeline.pull("hubspot")
    assert len(rows("hubspot", "companies", "id between '700000' and '700400'")) == many
    assert {call.status for call in known.requests} == {200, 207}


# ---- links and merges ----


def test_links_that_people_edit_arrive_though_no_record_changed(known: Sandbox) -> None:
    before = rows("hubspot", "assoc_company_contact")
    start, end = before[0]["from_id"], before[0]["to_id"]
    other = next(row["to_id"] for row in before if row["from_id"] != start)
    known.remove("hubspot", "associations", f"contacts/{end}/companies/{start}")
    link = {"from_type": "companies", "from_id": start, "to_type": "contacts", "to_id": other}
    known.put("hubspot", "associations", link | {"typeId": 77, "label": "Sponsor"})
    assert set(pipeline.pull("hubspot").rows) == {"assoc_company_contact"}
    pairs = {(row["from_id"], row["to_id"], row["label"]) for row in before}
    gone = {pair for pair in pairs if pair[:2] == (start, end)}
    now = {(r["from_id"], r["to_id"], r["label"]) for r in rows("hubspot", "assoc_company_contact")}
    assert now == pairs - gone | {(start, other, "Sponsor")}


def test_companies_merged_twice_keep_every_id_that_ever_stood_for_them(
    known: Sandbox, at: Point
) -> None:
    first, second, third = (company(known, number)["id"] for number in range(3))

    def merge(losers: tuple[str, str], survivor: str) -> None:
        known.advance(hours=1)
        at(known)
        for loser in losers:
            known.remove("hubspot", "companies", loser)
        merged = ";".join((*losers, survivor))
        record = a_company(survivor, known.now, hs_merged_object_ids=merged)
        known.put("hubspot", "companies", record)
        pipeline.pull("hubspot")

    merge((first, second), "94")
    # The second survivor lists the first one, not what that had been made of.
    merge(("94", third), "95")
    ids = ", ".join(f"'{one}'" for one in (first, second, third, "94", "95"))
    found = {row["id"]: row for row in rows("hubspot", "companies", f"id in ({ids})")}
    assert {one for one, row in found.items() if row["archived"]} == {first, second, third, "94"}
    merged = {one: found[one]["properties__hs_merged_object_ids"] for one in ("94", "95")}
    assert merged == {"94": f"{first};{second};94", "95": f"94;{third};95"}
