"""HubSpot's protocol: lists, search, batches, associations, errors, both spellings of paths."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.vendors.hubspot.properties import PROPERTIES
from tests.sandbox.conftest import NOW, Client


def _search(client: Client, kind: str = "deals", **body: Any) -> requests.Response:
    return client.hubspot("POST", f"/crm/v3/objects/{kind}/search", json=body)


def _filter(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    one = {"propertyName": name, "operator": operator, **more}
    return one if value is None else {**one, "value": value}


def test_pages_follow_each_other_without_gap_or_repeat(shared: Client):
    first = shared.hubspot("GET", "/crm/v3/objects/contacts").json()
    assert len(first["results"]) == 10, "the default page"
    following = first["paging"]["next"]
    assert f"after={following['after'].replace('=', '%3D')}" in following["link"]
    rows = shared.hubspot_all("/crm/v3/objects/contacts?limit=7")
    ids = [row["id"] for row in rows]
    assert (
        len(ids) == len(set(ids)) == len(shared.hubspot_all("/crm/v3/objects/contacts?limit=100"))
    )
    last = shared.hubspot("GET", "/crm/v3/objects/contacts?limit=100")
    while "paging" in last.json():
        last = shared.hubspot("GET", last.json()["paging"]["next"]["link"])
    assert 0 < len(last.json()["results"]) <= 100


def test_a_link_keeps_the_properties_that_were_asked_for(shared: Client):
    rows = shared.hubspot_all("/crm/v3/objects/companies?limit=20&properties=industry,nonsense")
    assert len(rows) > 20
    expected = {"industry", "createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert {frozenset(row["properties"]) for row in rows} == {frozenset(expected)}


def test_without_properties_only_the_defaults_come(shared: Client):
    row = shared.hubspot("GET", "/crm/v3/objects/companies?limit=1").json()["results"][0]
    assert set(row["properties"]) == {
        "name",
        "domain",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
    }
    assert row["archived"] is False
    assert "archivedAt" not in row


def test_every_value_is_text_or_null(shared: Client):
    for kind, names in PROPERTIES.items():
        rows = shared.hubspot_all(f"/crm/v3/objects/{kind}?limit=100&properties={','.join(names)}")
        values = {type(value) for row in rows for value in row["properties"].values()}
        assert values == {str, type(None)}


def test_both_spellings_of_a_path_answer_alike(shared: Client):
    old = shared.hubspot("GET", "/crm/v3/objects/deals?limit=100").json()["results"]
    new = shared.hubspot("GET", "/crm/objects/2026-09/deals?limit=100").json()["results"]
    assert old == new
    assert (
        shared.hubspot("GET", "/crm/v3/owners").json()["results"]
        == shared.hubspot("GET", "/crm/owners/2026-09").json()["results"]
    )
    for one, two in (("/crm/v3/pipelines/deals", "/crm/pipelines/2026-09/deals"),
                     ("/crm/v3/properties/deals", "/crm/properties/2026-09/deals")):  # fmt: skip
        assert shared.hubspot("GET", one).json() == shared.hubspot("GET", two).json()


def test_archived_records_come_only_when_asked_for_and_never_in_a_search(own: Client):
    identity = own.hubspot("GET", "/crm/v3/objects/companies?limit=1").json()["results"][0]["id"]
    own.box.archive("hubspot", "companies", identity)
    live = own.hubspot_all("/crm/v3/objects/companies?limit=100")
    gone = own.hubspot_all("/crm/v3/objects/companies?limit=100&archived=true")
    assert identity not in {row["id"] for row in live}
    (row,) = [row for row in gone if row["id"] == identity]
    assert row["archived"] is True
    assert row["archivedAt"] == "2026-11-18T15:30:00.000Z"
    found = _search(own, "companies", filterGroups=[
        {"filters": [_filter("hs_object_id", "EQ", identity)]}
    ]).json()  # fmt: skip
    assert found["total"] == 0
    assert own.hubspot("GET", f"/crm/v3/objects/companies/{identity}").status_code == 404


def test_a_merged_company_lists_itself_and_its_old_ids_still_resolve(shared: Client):
    names = "name,hs_merged_object_ids"
    rows = shared.hubspot_all(f"/crm/v3/objects/companies?limit=100&properties={names}")
    survivors = [row for row in rows if row["properties"]["hs_merged_object_ids"]]
    assert survivors
    ids = {row["id"] for row in rows}
    for row in survivors:
        merged = row["properties"]["hs_merged_object_ids"].split(";")
        assert row["id"] in merged
        for loser in set(merged) - {row["id"]}:
            assert loser not in ids
            found = shared.hubspot("GET", f"/crm/v3/objects/companies/{loser}").json()
            assert found["id"] == row["id"]


def test_search_filters_by_time_and_key_and_sorts(shared: Client):
    since = str(int(NOW.timestamp() - 20 * 86_400) * 1000)
    body = {
        "filterGroups": [{"filters": [
            _filter("hs_lastmodifieddate", "GTE", since),
            _filter("hs_object_id", "GT", "41000100000"),
        ]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["dealname"], "limit": 200,
    }  # fmt: skip
    found = _search(shared, **body).json()
    rows = shared.hubspot_all("/crm/v3/objects/deals?limit=100")
    expected = [
        row["id"]
        for row in rows
        if row["updatedAt"] >= "2026-10-29T15:30:00.000Z" and int(row["id"]) > 41_000_100_000
    ]
    assert [row["id"] for row in found["results"]] == sorted(expected, key=int)
    assert found["total"] == len(expected) > 3
    assert "paging" not in found


def test_search_pages_by_offset_and_reports_the_whole_total(shared: Client):
    first = _search(shared, "contacts", limit=50).json()
    assert first["paging"]["next"]["after"] == "50"
    second = _search(shared, "contacts", limit=50, after="50").json()
    assert first["total"] == second["total"] > 50
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("condition", "check"),
    [
        (_filter("dealtype", "EQ", "newbusiness"), lambda p: p["dealtype"] == "newbusiness"),
        (_filter("dealtype", "NEQ", "newbusiness"), lambda p: p["dealtype"] != "newbusiness"),
        (_filter("amount", "HAS_PROPERTY"), lambda p: p["amount"] is not None),
        (_filter("amount", "NOT_HAS_PROPERTY"), lambda p: p["amount"] is None),
        (_filter("amount", "LTE", "5000"), lambda p: p["amount"] and float(p["amount"]) <= 5000),
        (
            _filter("amount", "BETWEEN", "1000", highValue="9000"),
            lambda p: p["amount"] and 1000 <= float(p["amount"]) <= 9000,
        ),
        (
            _filter("dealstage", "IN", values=["closedwon", "closedlost"]),
            lambda p: p["dealstage"] in ("closedwon", "closedlost"),
        ),
        (
            _filter("dealstage", "NOT_IN", values=["closedwon"]),
            lambda p: p["dealstage"] != "closedwon",
        ),
        (_filter("dealname", "CONTAINS_TOKEN", "new"), lambda p: "new" in p["dealname"].lower()),
    ],
)
def test_each_operator_keeps_what_it_should(shared: Client, condition: Any, check: Any):
    properties = list(PROPERTIES["deals"])
    rows = shared.hubspot_all(f"/crm/v3/objects/deals?limit=100&properties={','.join(properties)}")
    expected = {row["id"] for row in rows if check(row["properties"])}
    found = _search(shared, filterGroups=[{"filters": [condition]}], limit=200).json()
    assert {row["id"] for row in found["results"]} == expected
    assert len(expected) > 0 or "NOT_HAS" in condition["operator"]


def test_search_refuses_what_the_vendor_refuses(shared: Client):
    one = {"filters": [_filter("dealname", "HAS_PROPERTY")]}
    for body, text in (
        ({"limit": 201}, "limit"),
        ({"limit": 200, "after": "9900"}, "10000"),
        ({"filterGroups": [one] * 6}, "5 filterGroups"),
        ({"filterGroups": [{"filters": one["filters"] * 7}]}, "6 filters"),
        ({"filterGroups": [{"filters": one["filters"] * 5}] * 4}, "18 filters"),
        ({"sorts": ["dealname", "amount"]}, "one sort"),
        ({"filterGroups": [{"filters": [_filter("no_such", "EQ", "1")]}]}, "does not exist"),
        ({"filterGroups": [{"filters": [_filter("dealname", "LIKE", "1")]}]}, "not valid"),
        ({"properties": ["x" * 3000]}, "3000"),
    ):
        answer = _search(shared, **body)
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
        assert text in answer.json()["message"]


def test_associations_come_by_id_with_207_for_those_without(shared: Client):
    rows = shared.hubspot_all("/crm/v3/objects/companies?limit=100")
    inputs = [{"id": row["id"]} for row in rows] + [{"id": "999"}]
    for path in ("/crm/v4/associations", "/crm/associations/2026-09"):
        answer = shared.hubspot(
            "POST", f"{path}/companies/contacts/batch/read", json={"inputs": inputs}
        )
        assert answer.status_code == 207
        body = answer.json()
        assert body["status"] == "COMPLETE"
        assert body["numErrors"] == len(body["errors"]) >= 1
        problem = body["errors"][-1]
        assert problem["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
        assert problem["context"] == {"fromObjectId": ["999"]}
        assert len(body["results"]) + body["numErrors"] == len(inputs)
        kinds = body["results"][0]["to"][0]["associationTypes"]
        assert [(kind["typeId"], kind["label"]) for kind in kinds] == [(280, None), (2, "Primary")]


def test_associations_without_errors_are_200(shared: Client):
    deal = shared.hubspot("GET", "/crm/v3/objects/deals?limit=1").json()["results"][0]["id"]
    body = {"inputs": [{"id": deal}]}
    answer = shared.hubspot("POST", "/crm/v4/associations/deals/companies/batch/read", json=body)
    assert answer.status_code == 200
    assert "errors" not in answer.json()


def test_a_record_with_many_associations_is_paged(own: Client):
    company = own.hubspot("GET", "/crm/v3/objects/companies?limit=1").json()["results"][0]["id"]
    for number in range(620):
        own.box.put("hubspot", "associations", {
            "from_type": "companies", "from_id": company, "to_type": "contacts",
            "to_id": str(900_000 + number),
        })  # fmt: skip
    path = "/crm/v4/associations/companies/contacts/batch/read"
    first = own.hubspot("POST", path, json={"inputs": [{"id": company}]}).json()["results"][0]
    after = first["paging"]["next"]["after"]
    again = {"inputs": [{"id": company, "after": after}]}
    second = own.hubspot("POST", path, json=again).json()["results"][0]
    assert len(first["to"]) == 500
    assert "paging" not in second
    ids = [one["toObjectId"] for one in first["to"] + second["to"]]
    assert len(ids) == len(set(ids)) >= 620
    inline = own.hubspot("GET", "/crm/v3/objects/companies?limit=1&associations=contacts").json()
    block = inline["results"][0]["associations"]["contacts"]
    more = own.hubspot_all(block["paging"]["next"]["link"])
    shown = {one["id"] for one in block["results"]}
    assert len(shown) == 100
    assert shown | {one["id"] for one in more} == set(ids)


def test_batch_read_gives_all_ids_it_knows(shared: Client):
    rows = shared.hubspot("GET", "/crm/v3/objects/meetings?limit=3").json()["results"]
    inputs = [{"id": row["id"]} for row in rows]
    path = "/crm/v3/objects/meetings/batch/read"
    body = {"inputs": inputs, "properties": ["hs_meeting_outcome"]}
    answer = shared.hubspot("POST", path, json=body)
    assert answer.status_code == 200
    assert {row["id"] for row in answer.json()["results"]} == {row["id"] for row in rows}
    assert "hs_meeting_outcome" in answer.json()["results"][0]["properties"]
    body["inputs"] = [*inputs, {"id": "1"}]
    assert shared.hubspot("POST", path, json=body).status_code == 207


def test_a_wrong_token_is_401_in_the_vendors_words(shared: Client):
    url = shared.env["SOURCES__HUBSPOT__BASE_URL"] + "/crm/v3/objects/deals"
    answer = requests.get(url, headers={"Authorization": "Bearer no"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"


def test_an_unknown_record_is_404_and_a_too_long_address_414(shared: Client):
    assert shared.hubspot("GET", "/crm/v3/objects/deals/1").json()["category"] == "OBJECT_NOT_FOUND"
    long = ",".join(f"property_{number}" for number in range(1500))
    answer = shared.hubspot("GET", f"/crm/v3/objects/deals?properties={long}")
    assert answer.status_code == 414
    assert answer.text.startswith("<html>")


def test_owners_and_stages_have_the_vendors_shape(shared: Client):
    owners = shared.hubspot_all("/crm/v3/owners?limit=4")
    assert {"id", "email", "type", "firstName", "lastName", "userId", "archived"} <= owners[
        0
    ].keys()
    assert shared.hubspot_all("/crm/v3/owners?archived=true")[0]["archived"] is True
    (pipeline,) = shared.hubspot("GET", "/crm/v3/pipelines/deals").json()["results"]
    won = next(stage for stage in pipeline["stages"] if stage["id"] == "closedwon")
    assert won["metadata"] == {"isClosed": "true", "probability": "1.0"}


def test_a_meeting_is_planned_before_it_has_an_outcome(shared: Client):
    names = "hs_meeting_outcome,hs_meeting_start_time"
    rows = shared.hubspot_all(f"/crm/v3/objects/meetings?limit=100&properties={names}")
    ahead = [r for r in rows if r["properties"]["hs_meeting_start_time"] > "2026-11-18T15:30"]
    assert all(row["properties"]["hs_meeting_outcome"] == "SCHEDULED" for row in ahead)
    done = {row["properties"]["hs_meeting_outcome"] for row in rows} - {"SCHEDULED"}
    assert done == {"COMPLETED", "NO_SHOW", "CANCELED", "RESCHEDULED"}


def test_a_put_record_is_found_by_list_and_by_the_next_delta_search(own: Client):
    record = own.box.record("hubspot", "deals", own.hubspot_all("/crm/v3/objects/deals")[0]["id"])
    assert record is not None
    record["properties"]["amount"] = "12.5"
    record["properties"]["hs_lastmodifieddate"] = None
    record["properties"]["brand_new"] = {"nested": 1}
    own.box.put("hubspot", "deals", record)
    own.box.put("hubspot", "deals", {"id": None, "properties": "broken"})
    own.box.put("hubspot", "deals", "not even an object")
    rows = own.hubspot_all("/crm/v3/objects/deals?limit=3&properties=amount")
    (changed,) = [row for row in rows if isinstance(row, dict) and row["id"] == record["id"]]
    assert changed["properties"]["amount"] == "12.5"
    assert changed["properties"]["brand_new"] == {"nested": 1}
    assert {"id": None, "properties": "broken"} in rows
    assert "not even an object" in rows
    since = str(int(NOW.timestamp()) * 1000)
    found = _search(own, filterGroups=[{"filters": [_filter("hs_lastmodifieddate", "GTE", since)]}])
    assert record["id"] in [row["id"] for row in found.json()["results"] if isinstance(row, dict)]


def test_a_removed_record_leaves_every_answer_and_its_associations(own: Client):
    company = own.hubspot("GET", "/crm/v3/objects/companies?limit=1").json()["results"][0]["id"]
    own.box.remove("hubspot", "companies", company)
    assert company not in {
        row["id"] for row in own.hubspot_all("/crm/v3/objects/companies?limit=100")
    }
    body = {"inputs": [{"id": company}]}
    path = "/crm/v4/associations/companies/contacts/batch/read"
    assert own.hubspot("POST", path, json=body).json()["numErrors"] == 1


def test_a_record_that_goes_between_two_pages_loses_no_other(own: Client):
    first = own.hubspot("GET", "/crm/v3/objects/contacts?limit=5").json()
    own.box.remove("hubspot", "contacts", first["results"][-1]["id"])
    rest = own.hubspot_all(first["paging"]["next"]["link"])
    live = own.hubspot_all("/crm/v3/objects/contacts?limit=100")
    seen = {row["id"] for row in first["results"]} | {row["id"] for row in rest}
    assert {row["id"] for row in live} <= seen
