"""The vendor's own client takes the sandbox for the vendor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.companies import (
    ApiException,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
)
from hubspot.crm.contacts import ApiException as ContactsException
from hubspot.oauth import ApiException as OAuthException
from urllib3.util.retry import Retry

from sandbox import Limits, Sandbox
from tests.sandbox.conftest import small

# What the client's documentation proposes for rate limits and passing errors.
PATIENT = Retry(total=5, backoff_factor=0.1, status_forcelist=(429, 502), allowed_methods=None)


def client(box: Sandbox, retry: Retry | None = None, **more: Any) -> HubSpot:
    env = box.environment()
    given = {"access_token": env.get("SOURCES__HUBSPOT__ACCESS_TOKEN"), **more}
    return HubSpot(host=env["SOURCES__HUBSPOT__BASE_URL"], retry=retry, **given)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with small(vendors=["hubspot"]) as served:
        yield served


@pytest.fixture(scope="module")
def hubspot(box: Sandbox) -> HubSpot:
    return client(box)


def there(box: Sandbox, kind: str) -> set[str]:
    """The ids of live records, from the world itself."""
    now = box.now.timestamp() * 1000
    return {
        one.id
        for one in box.world.crm.objects[kind]
        if one.created <= now
        and (one.merged is None or one.merged > now)
        and (one.archived is None or one.archived > now)
    }


def test_it_lists_every_kind_of_record_page_by_page(box: Sandbox, hubspot: HubSpot) -> None:
    for kind in ("companies", "contacts", "deals"):
        found = getattr(hubspot.crm, kind).get_all()
        assert {one.id for one in found} == there(box, kind)
        assert all(one.archived is False for one in found)
    assert len(hubspot.crm.contacts.get_all()) > 100, "more than a page"
    assert {one.id for one in hubspot.crm.objects.get_all("meetings")} == there(box, "meetings")
    assert hubspot.crm.objects.get_all("feedback_submissions")


def test_it_lists_archived_records_with_the_properties_asked_for() -> None:
    with small(vendors=["hubspot"], companies=25, months=6) as box:
        identity = sorted(there(box, "contacts"))[0]
        box.archive("hubspot", "contacts", identity)
        api = client(box).crm.contacts.basic_api
        (gone,) = api.get_page(limit=100, properties=["email"], archived=True).results
        with pytest.raises(ContactsException, match="404"):
            api.get_by_id(identity)
    assert (gone.id, gone.archived) == (identity, True)
    assert gone.archived_at == box.now
    assert "email" in gone.properties


def test_it_searches_with_filters_sorts_and_offsets(box: Sandbox, hubspot: HubSpot) -> None:
    def search(**more: Any) -> Any:
        condition = {"propertyName": "dealstage", "operator": "EQ", "value": "closedwon"}
        request = {
            "filterGroups": [{"filters": [condition]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
            "properties": ["dealstage", "amount"],
            "limit": 20,
            **more,
        }
        return hubspot.crm.deals.search_api.do_search(public_object_search_request=request)

    found = first = search()
    ids = [one.id for one in first.results]
    while found.paging:
        found = search(after=found.paging.next.after)
        ids += [one.id for one in found.results]
    now = int(box.now.timestamp() * 1000)
    deals = {one.id: one for one in box.world.crm.objects["deals"]}
    won = [one for one in there(box, "deals") if deals[one].at(now)[1]["dealstage"] == "closedwon"]
    assert ids == sorted(won, key=int, reverse=True)
    assert first.total == len(won) > 20
    assert {one.properties["dealstage"] for one in first.results} == {"closedwon"}


def test_it_reads_single_records_and_batches(box: Sandbox, hubspot: HubSpot) -> None:
    ids = sorted(there(box, "companies"))[:5]
    one = hubspot.crm.companies.basic_api.get_by_id(ids[0], properties=["name", "industry"])
    assert one.id == ids[0]
    assert {"name", "industry"} <= one.properties.keys()
    asked = {"inputs": [{"id": one} for one in ids], "properties": ["domain"]}
    request = BatchReadInputSimplePublicObjectId(
        inputs=asked["inputs"], properties=asked["properties"], properties_with_history=[]
    )
    found = hubspot.crm.companies.batch_api.read(request)
    assert found.status == "COMPLETE"
    assert {one.id for one in found.results} == set(ids)
    request.inputs = [*asked["inputs"], {"id": "1"}]
    partly = hubspot.crm.companies.batch_api.read(request)
    assert partly.num_errors == 1
    assert len(partly.results) == len(ids)


def test_it_reads_associations_of_one_and_of_many(box: Sandbox, hubspot: HubSpot) -> None:
    now = box.now.timestamp() * 1000
    live = there(box, "contacts")
    expected = {
        start: {
            link.to_id
            for link in links
            if link.start <= now and (link.end is None or now < link.end) and link.to_id in live
        }
        for start, links in box.world.crm.links["companies", "contacts"].items()
        if start in there(box, "companies")
    }
    expected = {start: ends for start, ends in expected.items() if ends}
    request = BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[{"id": one} for one in expected]
    )
    api = hubspot.crm.associations.v4
    many = api.batch_api.get_page("companies", "contacts", request)
    found = {row._from.id: {str(to.to_object_id) for to in row.to} for row in many.results}
    assert found == expected
    start = next(iter(expected))
    page = api.basic_api.get_page("companies", start, "contacts", limit=500)
    assert {str(to.to_object_id) for to in page.results} == expected[start]
    labels = {kind.label for to in page.results for kind in to.association_types}
    assert labels == {None, "Primary"}


def test_it_reads_owners_pipelines_and_properties(box: Sandbox, hubspot: HubSpot) -> None:
    owners = hubspot.crm.owners.owners_api.get_page(limit=100).results
    assert {one.id for one in owners} == {o.id for o in box.world.owners if not o.archived}
    (pipeline,) = hubspot.crm.pipelines.pipelines_api.get_all("deals").results
    won = next(stage for stage in pipeline.stages if stage.id == "closedwon")
    assert won.metadata == {"isClosed": "true", "probability": "1.0"}
    names = {one.name for one in hubspot.crm.properties.core_api.get_all("companies").results}
    assert {"name", "domain", "billing_customer_id"} <= names


def test_it_raises_its_own_errors(box: Sandbox, hubspot: HubSpot) -> None:
    with pytest.raises(ApiException) as missing:
        hubspot.crm.companies.basic_api.get_by_id("1")
    assert missing.value.status == 404
    assert "OBJECT_NOT_FOUND" in missing.value.body
    with pytest.raises(ContactsException) as wrong:
        client(box, access_token="wrong").crm.contacts.basic_api.get_page()
    assert wrong.value.status == 401
    assert "INVALID_AUTHENTICATION" in wrong.value.body
    request = PublicObjectSearchRequest(
        filter_groups=[], sorts=["name", "domain"], properties=[], limit=10, after="0"
    )
    with pytest.raises(ApiException) as invalid:
        hubspot.crm.companies.search_api.do_search(request)
    assert invalid.value.status == 400
    box.fault("hubspot", "rate_limit")
    with pytest.raises(ApiException) as limited:
        hubspot.crm.companies.basic_api.get_page()
    assert limited.value.status == 429
    assert "TEN_SECONDLY_ROLLING" in limited.value.body


def test_it_retries_limits_and_passing_errors_when_told_to(box: Sandbox) -> None:
    box.fault("hubspot", "rate_limit", times=2)
    box.fault("hubspot", "server_error", times=1)
    asked = len(box.requests)
    page = client(box, retry=PATIENT).crm.companies.basic_api.get_page(limit=10)
    assert len(page.results) == 10
    assert [call.status for call in box.requests[asked:]] == [429, 429, 502, 200]


def test_a_real_limit_passes_while_it_waits() -> None:
    limits = Limits(hubspot_search_per_second=2)
    request = {"limit": 1, "filterGroups": []}
    with small(vendors=["hubspot"], companies=25, months=6, limits=limits) as box:
        api = client(box, retry=PATIENT).crm.companies.search_api
        totals = {api.do_search(public_object_search_request=request).total for _ in range(4)}
        statuses = [call.status for call in box.requests]
    assert totals == {len(there(box, "companies"))}
    assert statuses.count(200) == 4
    assert statuses.count(429) >= 1


def test_missing_scopes_daily_limits_and_expired_tokens_are_told_apart() -> None:
    options: dict[str, Any] = {"oauth": True, "calls_per_token": 2, "calls_per_day": 3}
    options["without"] = ["feedback_submissions"]
    with small(vendors=["hubspot"], companies=25, months=6, options={"hubspot": options}) as box:
        env = box.environment()

        def login(refresh_token: str) -> HubSpot:
            given = client(box).oauth.tokens_api.create(
                grant_type="refresh_token",
                client_id=env["SOURCES__HUBSPOT__CLIENT_ID"],
                client_secret=env["SOURCES__HUBSPOT__CLIENT_SECRET"],
                refresh_token=refresh_token,
            )
            assert given.expires_in == 1800
            return client(box, access_token=given.access_token)

        with pytest.raises(OAuthException) as refused:
            login("wrong")
        assert refused.value.status == 400
        first = login(env["SOURCES__HUBSPOT__REFRESH_TOKEN"])
        assert first.crm.companies.basic_api.get_page(limit=1).results
        with pytest.raises(Exception, match=r"feedback_submissions\.read") as lacking:
            first.crm.objects.basic_api.get_page("feedback_submissions")
        assert lacking.value.status == 403
        with pytest.raises(ApiException, match="EXPIRED_AUTHENTICATION"):
            first.crm.companies.basic_api.get_page(limit=1)
        second = login(env["SOURCES__HUBSPOT__REFRESH_TOKEN"])
        second.crm.companies.basic_api.get_page(limit=1)
        second.crm.companies.basic_api.get_page(limit=1)
        third = login(env["SOURCES__HUBSPOT__REFRESH_TOKEN"])
        with pytest.raises(ApiException, match="DAILY") as used_up:
            third.crm.companies.basic_api.get_page(limit=1)
        assert used_up.value.status == 429
        box.advance(days=1)
        assert third.crm.companies.basic_api.get_page(limit=1).results


def test_search_knows_of_a_change_only_after_its_lag_and_never_beyond_its_cap() -> None:
    options = {"hubspot": {"search_lag": 60, "search_cap": 30}}
    with small(vendors=["hubspot"], companies=25, months=6, options=options) as box:
        api = client(box).crm.contacts
        identity = api.basic_api.get_page(limit=1).results[0].id
        record = box.record("hubspot", "contacts", identity)
        record["properties"]["jobtitle"] = "Astronaut"
        box.put("hubspot", "contacts", record)
        condition = {"propertyName": "jobtitle", "operator": "EQ", "value": "Astronaut"}
        request = {"filterGroups": [{"filters": [condition]}], "limit": 10}
        one = api.basic_api.get_by_id(identity, properties=["jobtitle"])
        assert one.properties["jobtitle"] == "Astronaut"
        assert api.search_api.do_search(public_object_search_request=request).total == 0
        box.advance(hours=0.02)
        assert api.search_api.do_search(public_object_search_request=request).total == 1
        with pytest.raises(ContactsException, match="more than 30 results"):
            api.search_api.do_search(public_object_search_request={"limit": 20, "after": "20"})
