"""HubSpot: what is pulled, and that a change is pulled once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.sources import hubspot_api
from ingestion.sources.hubspot_tables import LINKS
from sandbox import Sandbox
from tests.ingestion.support import NOW, query, rows

Point = Callable[[Sandbox], None]


def calls(box: Sandbox, part: str) -> int:
    return sum(part in call.path for call in box.requests)


def changed(box: Sandbox, kind: str, identity: str, **properties: Any) -> None:
    record = box.record("hubspot", kind, identity)
    assert record
    stamp = box.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    record["properties"] |= {**properties, modified: stamp}
    box.put("hubspot", kind, record | {"updatedAt": stamp})


def a_company(identity: str, moment: datetime, **properties: Any) -> dict[str, Any]:
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": identity,
        "properties": {
            "name": f"Company {identity}",
            "createdate": stamp,
            "hs_lastmodifieddate": stamp,
            "hs_object_id": identity,
            **properties,
        },
        "createdAt": stamp,
        "updatedAt": stamp,
        "archived": False,
    }


def test_every_record_arrives_as_the_api_shows_it(later: Sandbox) -> None:
    for kind in ("companies", "contacts", "deals", "meetings"):
        stored = rows("hubspot", kind)
        assert stored
        for row in stored:
            record = later.record("hubspot", kind, row["id"])
            assert record
            sent = {f"properties__{name}": value for name, value in record["properties"].items()}
            assert {name: row[name] for name in sent if name in row} == {
                name: value for name, value in sent.items() if name in row
            }
            assert row["updated_at"] == datetime.fromisoformat(record["updatedAt"])
            assert row["archived"] is record["archived"]


def test_owners_pipelines_and_associations_arrive(later: Sandbox) -> None:
    stages = rows("hubspot", "pipeline_stages")
    assert {(row["id"], row["is_closed"], row["probability"]) for row in stages} >= {
        ("closedwon", True, 1.0),
        ("closedlost", True, 0.0),
    }
    assert {row["type"] for row in rows("hubspot", "owners")} == {"PERSON"}
    orphans = query(
        "hubspot",
        "select count(*) from assoc_company_contact where to_id not in (select id from contacts)",
    )
    assert orphans == [(0,)]
    assert rows("hubspot", "assoc_company_contact", "label = 'Primary'")


def test_a_second_pull_adds_nothing_and_lists_no_live_record(later: Sandbox) -> None:
    result = pipeline.pull("hubspot")
    assert result.rows == {}
    assert result.new_columns == []
    assert calls(later, "archived=false&properties") == 0
    assert query("hubspot", "select count(*) from pulls") == [(2,)]


def test_an_archived_record_keeps_its_row_and_can_come_back(later: Sandbox, at: Point) -> None:
    identity = rows("hubspot", "meetings")[0]["id"]
    record = later.record("hubspot", "meetings", identity)
    later.advance(hours=1)
    later.archive("hubspot", "meetings", identity)
    at(later)
    assert pipeline.pull("hubspot").rows["meetings"] == 1
    (row,) = rows("hubspot", "meetings", f"id = '{identity}'")
    assert row["archived"] is True
    assert row["archived_at"] == NOW + timedelta(hours=1)
    assert "meetings" not in pipeline.pull("hubspot").rows
    later.advance(hours=1)
    later.remove("hubspot", "meetings", identity)
    later.put("hubspot", "meetings", (record or {}) | {"updatedAt": later.now.isoformat()})
    at(later)
    assert pipeline.pull("hubspot").rows["meetings"] == 1
    (row,) = rows("hubspot", "meetings", f"id = '{identity}'")
    assert (row["archived"], row["archived_at"]) == (False, None)


def test_a_record_dated_in_the_future_moves_no_cursor_and_can_be_corrected(
    later: Sandbox, at: Point
) -> None:
    far = datetime(2099, 1, 1, tzinfo=UTC)
    later.put("hubspot", "companies", a_company("990002", far))
    pipeline.pull("hubspot")
    assert rows("hubspot", "companies", "id = '990002'")[0]["updated_at"] == far
    later.advance(hours=1)
    identity = rows("hubspot", "companies")[0]["id"]
    changed(later, "companies", identity, name="Renamed")
    later.put("hubspot", "companies", a_company("990002", later.now, name="Corrected"))
    at(later)
    assert pipeline.pull("hubspot").rows["companies"] == 2
    assert rows("hubspot", "companies", "id = '990002'")[0]["properties__name"] == "Corrected"
    assert rows("hubspot", "companies", f"id = '{identity}'")[0]["properties__name"] == "Renamed"


def test_an_older_version_that_comes_later_does_not_win(later: Sandbox) -> None:
    identity = rows("hubspot", "companies")[0]["id"]
    before = rows("hubspot", "companies", f"id = '{identity}'")
    stale = a_company(identity, NOW - timedelta(days=300), name="Long ago")
    later.put("hubspot", "companies", stale)
    later.put("hubspot", "companies", a_company("990003", NOW - timedelta(days=300)))
    pipeline.pull("hubspot")
    assert rows("hubspot", "companies", "id = '990003'")
    assert rows("hubspot", "companies", f"id = '{identity}'") == before


def test_links_beyond_the_first_page_of_a_record_are_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(
        [
            {
                "results": [
                    {
                        "from": {"id": "1"},
                        "to": [{"toObjectId": 7, "associationTypes": [{"typeId": 280}]}],
                        "paging": {"next": {"after": "x"}},
                    }
                ]
            },
            {
                "results": [
                    {
                        "from": {"id": "1"},
                        "to": [{"toObjectId": "8", "associationTypes": [{"typeId": 280}]}],
                    }
                ]
            },
        ]
    )
    asked: list[Any] = []

    class Client:
        def post(self, path: str, json: Any) -> Any:
            asked.append(json["inputs"])
            answer = next(answers)
            return type("Answer", (), {"json": lambda self: answer})()

    monkeypatch.setattr(hubspot_api, "client", Client)
    found = list(hubspot_api.Api().links(LINKS[0], ["1"]))
    assert [row["to_id"] for row in found] == [7, "8"]
    assert asked == [[{"id": "1"}], [{"id": "1", "after": "x"}]]


def test_a_table_that_lost_too_much_is_refused_until_a_person_allows_it(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.pull.FEW_ROWS", 0)
    owners = rows("hubspot", "owners")
    for owner in owners[: len(owners) // 2]:
        later.remove("hubspot", "owners", owner["id"])
    with pytest.raises(PullError, match="owners would shrink") as refused:
        pipeline.pull("hubspot")
    assert refused.value.kind == "shrunk"
    assert rows("hubspot", "owners") == owners
    monkeypatch.setenv("SOURCES__HUBSPOT__ALLOW_SHRINK", "owners")
    pipeline.pull("hubspot")
    assert len(rows("hubspot", "owners")) == len(owners) - len(owners) // 2


def test_the_older_paths_can_be_asked(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__HUBSPOT__API_VERSION", "v3")
    pipeline.pull("hubspot")
    assert calls(box, "/crm/v3/objects/companies") > 0
    assert calls(box, "/crm/v4/associations") > 0
    assert rows("hubspot", "assoc_company_deal")
