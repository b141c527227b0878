"""The calls to HubSpot, in its words."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Cursor, Pace
from ingestion.pull import in_batches
from ingestion.sources.hubspot_login import SOURCE, client
from ingestion.sources.hubspot_tables import CONTACTS, Link, asked
from ingestion.tables import Table

LIST_PAGE, SEARCH_PAGE, READ_PAGE, ASSOCIATIONS_PAGE = 100, 200, 100, 1000
SEARCHES_PER_SECOND = 4.5
# A search may have 3,000 characters; names that would fill it are read record by record.
LONGEST_NAMES = 2000


class Api:
    """The calls to HubSpot, in its words."""

    def __init__(self) -> None:
        version = settings.option(SOURCE, "api_version", "2026-09")
        dated = version != "v3"
        self._objects = f"/crm/objects/{version}" if dated else "/crm/v3/objects"
        self._links = f"/crm/associations/{version}" if dated else "/crm/v4/associations"
        self._owners = f"/crm/owners/{version}" if dated else "/crm/v3/owners"
        self._pipelines = f"/crm/pipelines/{version}" if dated else "/crm/v3/pipelines"
        self._search_pace = Pace(SEARCHES_PER_SECOND)
        self._properties = f"/crm/properties/{version}" if dated else "/crm/v3/properties"
        self._client = client()

    def listed(self, table: Table, archived: bool) -> Iterator[Any]:
        """All records, live or archived."""
        names = asked(table)
        parameters = {"limit": LIST_PAGE, "archived": str(archived).lower()}
        path = f"{self._objects}/{table.name}"
        if _fits(names):
            yield from self._pages(path, parameters | {"properties": ",".join(names)})
        else:
            yield from self._filled(table, self._pages(path, parameters), archived)

    def modified(self, table: Table, since: Any, until: Any) -> Iterator[Any]:
        """Live records modified between two moments, in the order of their ids.

        Every page is a search of its own behind the last id: there is no offset that could pass
        the 10,000 results HubSpot gives per search, or that a change between two pages could move.
        """
        modified = "lastmodifieddate" if table.name == CONTACTS.name else "hs_lastmodifieddate"
        names = asked(table)
        body = {
            "filterGroups": [
                {
                    "filters": [
                        _filter(modified, "GTE", _milliseconds(since)),
                        _filter(modified, "LTE", _milliseconds(until)),
                        _filter("hs_object_id", "GT", "0"),
                    ]
                }
            ],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": names if _fits(names) else [modified],
            "limit": SEARCH_PAGE,
        }
        path = f"{self._objects}/{table.name}/search"
        found = chain.from_iterable(self._paced(path, json=body, paginator=_BehindLastId()))
        yield from found if _fits(names) else self._filled(table, found, archived=False)

    def live_count(self, name: str) -> int:
        """How many records are not archived."""
        self._search_pace.wait()
        answer = self._client.post(f"{self._objects}/{name}/search", json={"limit": 1})
        return int(answer.json().get("total", 0))

    def read(self, table: Table, ids: list[str], archived: bool = False) -> Iterator[Any]:
        """The records with these ids, as far as they exist."""
        parameters = {"archived": str(archived).lower()}
        for some in in_batches(ids, READ_PAGE):
            body = {"inputs": [{"id": one} for one in some], "properties": asked(table)}
            path = f"{self._objects}/{table.name}/batch/read"
            answer = self._client.post(path, json=body, params=parameters)
            yield from answer.json().get("results", [])

    def _filled(self, table: Table, records: Any, archived: bool) -> Iterator[Any]:
        """`records` with all their properties: more names than an address or a search may hold."""
        for batch in in_batches(records, READ_PAGE):
            ids = [str(one["id"]) for one in batch if isinstance(one, dict) and one.get("id")]
            yield from self.read(table, ids, archived)
            yield from (one for one in batch if not isinstance(one, dict) or not one.get("id"))

    def unknown(self, table: Table, names: set[str]) -> set[str]:
        """Those of `names` that are no property of this kind of record."""
        listed = self._client.get(f"{self._properties}/{table.name}").json().get("results", [])
        return names - {one.get("name") for one in listed}

    def links(self, link: Link, ids: list[str]) -> Iterator[dict[str, Any]]:
        """One record per pair and label. Pairs beyond the first page of a record are asked for."""
        path = f"{self._links}/{link.start}/{link.end}/batch/read"
        asked: list[dict[str, str]] = [{"id": one} for one in ids]
        while asked:
            now, asked = asked[:ASSOCIATIONS_PAGE], asked[ASSOCIATIONS_PAGE:]
            for found in self._client.post(path, json={"inputs": now}).json().get("results", []):
                start = str(found["from"]["id"])
                yield from _pairs(start, found["to"])
                after = found.get("paging", {}).get("next", {}).get("after")
                if after:
                    if {"id": start, "after": after} in now:
                        raise PullError(SOURCE, "bad_answer", f"{path} leads in a circle.")
                    asked.append({"id": start, "after": after})

    def owners(self) -> Iterator[Any]:
        """All owners, also those who have left."""
        listed = (
            self._pages(self._owners, {"limit": LIST_PAGE, "archived": archived})
            for archived in ("false", "true")
        )
        return chain.from_iterable(listed)

    def pipelines(self) -> list[Any]:
        """The deal pipelines with their stages."""
        results: list[Any] = self._client.get(f"{self._pipelines}/deals").json()["results"]
        return results

    def _pages(self, path: str, parameters: dict[str, Any]) -> Iterator[Any]:
        cursor = Cursor(SOURCE, cursor_path="paging.next.after", cursor_param="after")
        pages = self._client.paginate(
            path, params=parameters, paginator=cursor, data_selector="results"
        )
        return chain.from_iterable(pages)

    def _paced(self, path: str, **arguments: Any) -> Iterator[Any]:
        self._search_pace.wait()
        for page in self._client.paginate(path, "POST", data_selector="results", **arguments):
            yield page
            self._search_pace.wait()


class _BehindLastId(BasePaginator):
    """Asks for the records behind the last id of a page, until a page has none."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        self._has_next_page = bool(data) and "paging" in response.json()
        if data:
            self._last = str(data[-1]["id"])

    def update_request(self, request: Request) -> None:
        if self._has_next_page:
            body: Any = request.json
            behind = body["filterGroups"][0]["filters"][-1]
            if behind["value"] == self._last:
                raise PullError(SOURCE, "bad_answer", "a search keeps giving the same page.")
            behind["value"] = self._last


def _pairs(start: str, ends: list[Any]) -> Iterator[dict[str, Any]]:
    for end in ends:
        for kind in end["associationTypes"]:
            yield {
                "from_id": start,
                "to_id": end["toObjectId"],
                "type_id": kind["typeId"],
                "label": kind.get("label"),
                "category": kind.get("category"),
            }


def _fits(names: list[str]) -> bool:
    return sum(map(len, names)) + len(names) <= LONGEST_NAMES


def _filter(name: str, operator: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


def _milliseconds(moment: Any) -> str:
    return str(int(moment.timestamp() * 1000))
