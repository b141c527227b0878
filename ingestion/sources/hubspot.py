"""HubSpot CRM: companies, contacts, deals, meetings, what links them, owners, pipelines.

The first pull lists everything. Later ones search for what was modified since the newest row that
is stored, less a lag, and compare the vendor's count of live records with what is known: when the
two differ, everything is listed again, which also finds what was deleted for good. Archived
records are listed each time, for search never shows them. A record that is gone keeps its row,
with `archived` true.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Cursor, Limit, Pace, Vendor
from ingestion.pull import Pull, in_batches
from ingestion.sources.hubspot_tables import (
    CONTACTS,
    LINKS,
    OBJECTS,
    OWNERS,
    PIPELINES,
    STAGES,
    TABLES,
    Link,
)
from ingestion.tables import Table

__all__ = ["TABLES", "resources"]

SOURCE = "hubspot"
# A change can take a few minutes to be found by search.
LAG = timedelta(minutes=10)
LIST_PAGE, SEARCH_PAGE, READ_PAGE, ASSOCIATIONS_PAGE = 100, 200, 100, 1000
# HubSpot keeps archived records for 90 days; one that leaves the list earlier was restored.
ARCHIVE_DAYS = 90
SEARCHES_PER_SECOND = 4.5


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of HubSpot, one per table."""
    api = _Api()
    live: dict[str, set[str]] = {}

    def objects(table: Table) -> Callable[[], Iterator[pa.Table]]:
        return lambda: _Objects(pull, api, table, live).rows()

    def links(link: Link) -> Callable[[], Iterator[pa.Table]]:
        def rows() -> Iterator[pa.Table]:
            pull.wait_for(link.start)
            yield from pull.replacement(link.table, api.links(link, sorted(live[link.start])))

        return rows

    return [
        *(pull.resource(table, objects(table)) for table in OBJECTS),
        *(pull.resource(link.table, links(link)) for link in LINKS),
        pull.resource(OWNERS, lambda: pull.replacement(OWNERS, api.owners())),
        pull.resource(PIPELINES, lambda: pull.replacement(PIPELINES, api.pipelines())),
        pull.resource(STAGES, lambda: pull.replacement(STAGES, _stages(api.pipelines()))),
    ]


class _Objects:
    """The rows of one kind of record. Leaves the ids of the live ones in `live`."""

    def __init__(self, pull: Pull, api: "_Api", table: Table, live: dict[str, set[str]]) -> None:
        self.pull = pull
        self.api = api
        self.table = table
        self.known = self._stored_ids("not archived")
        live[table.name] = self.known

    def rows(self) -> Iterator[pa.Table]:
        name, since = self.table.name, self._newest_stored()
        # One batch after the other: what is archived must be known before what is gone.
        yield from self._changes(
            self.api.listed(self.table, archived=False)
            if since is None
            else self.api.modified(self.table, since - LAG, self.pull.now)
        )
        archived = list(self.api.listed(self.table, archived=True))
        yield from self._changes(archived)
        yield from self._changes(self.api.read(self.table, self._restored(archived)))
        if since is not None and not self._adds_up(self.api.live_count(name)):
            yield from self._reconcile()

    def _changes(self, records: Any) -> Iterator[pa.Table]:
        yield from self.pull.changes(self.table, self._noting(records))

    def _noting(self, records: Any) -> Iterator[Any]:
        for record in records:
            if isinstance(record, dict) and record.get("id"):
                keep = self.known.discard if record.get("archived") is True else self.known.add
                keep(str(record["id"]).strip())
            yield record

    def _newest_stored(self) -> Any:
        # A record dated in the future would hide every later change of the others.
        sql = f"select max(updated_at) from {self.pull.stored.relation(self.table.name)}"
        return self.pull.stored.rows(f"{sql} where updated_at <= ?", self.pull.now)[0][0]

    def _restored(self, archived: list[Any]) -> list[str]:
        """Ids that were archived lately and no longer are listed as such."""
        since = self.pull.now - timedelta(days=ARCHIVE_DAYS)
        listed = {str(record.get("id")) for record in archived if isinstance(record, dict)}
        before = self._stored_ids(f"archived and archived_at > '{since.isoformat()}'")
        return sorted(before - listed - self.known)

    def _adds_up(self, live: int) -> bool:
        # Records in quarantine are live but not stored, as long as they still exist.
        sql = f"select record_key from {self.pull.stored.relation('quarantine')} where resource = ?"
        turned_away = {row[0] for row in self.pull.stored.rows(sql, self.table.name)}
        return live in (len(self.known), len(self.known | turned_away))

    def _reconcile(self) -> Iterator[pa.Table]:
        """Lists everything again; rows that are no longer there become archived ones."""
        before = set(self.known)
        self.known.clear()
        yield from self._changes(self.api.listed(self.table, archived=False))
        gone = sorted(before - self.known)
        self.pull.guard(self.table.name, len(before), len(before) - len(gone))
        for ids in in_batches(gone, READ_PAGE):
            since = {"archived": True, "archived_at": self.pull.now}
            yield from self.pull.marked(self.table, ids, since)

    def _stored_ids(self, where: str) -> set[str]:
        sql = f"select id from {self.pull.stored.relation(self.table.name)} where {where}"
        return {row[0] for row in self.pull.stored.rows(sql)}


class _Api:
    """The calls to HubSpot, in its words."""

    def __init__(self) -> None:
        version = settings.option(SOURCE, "api_version", "2026-09")
        dated = version != "v3"
        self._objects = f"/crm/objects/{version}" if dated else "/crm/v3/objects"
        self._links = f"/crm/associations/{version}" if dated else "/crm/v4/associations"
        self._owners = f"/crm/owners/{version}" if dated else "/crm/v3/owners"
        self._pipelines = f"/crm/pipelines/{version}" if dated else "/crm/v3/pipelines"
        self._search_pace = Pace(SEARCHES_PER_SECOND)
        self._client = _client()

    def listed(self, table: Table, archived: bool) -> Iterator[Any]:
        """All records, live or archived."""
        parameters = {
            "limit": LIST_PAGE,
            "archived": str(archived).lower(),
            "properties": ",".join(_asked(table)),
        }
        yield from self._pages(f"{self._objects}/{table.name}", parameters)

    def modified(self, table: Table, since: Any, until: Any) -> Iterator[Any]:
        """Live records modified between two moments, in the order of their ids.

        Every page is a search of its own behind the last id: there is no offset that could pass
        the 10,000 results HubSpot gives per search, or that a change between two pages could move.
        """
        modified = "lastmodifieddate" if table is CONTACTS else "hs_lastmodifieddate"
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
            "properties": _asked(table),
            "limit": SEARCH_PAGE,
        }
        path = f"{self._objects}/{table.name}/search"
        for page in self._paced(path, json=body, paginator=_BehindLastId()):
            yield from page

    def live_count(self, name: str) -> int:
        """How many records are not archived."""
        self._search_pace.wait()
        answer = self._client.post(f"{self._objects}/{name}/search", json={"limit": 1})
        return int(answer.json().get("total", 0))

    def read(self, table: Table, ids: list[str]) -> Iterator[Any]:
        """The records with these ids, as far as they exist."""
        for some in in_batches(ids, READ_PAGE):
            body = {"inputs": [{"id": one} for one in some], "properties": _asked(table)}
            path = f"{self._objects}/{table.name}/batch/read"
            yield from self._client.post(path, json=body).json().get("results", [])

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


def _client() -> RESTClient:
    return Vendor(
        SOURCE,
        settings.option(SOURCE, "base_url", "https://api.hubapi.com"),
        BearerTokenAuth(settings.credential(SOURCE, "access_token")),
        Limit(_wait, give_up_after=120),
    ).client()


def _wait(response: Response, attempt: int) -> float:
    """HubSpot says which of its limits was hit, not for how long."""
    try:
        policy = response.json().get("policyName", "")
    except ValueError:
        policy = ""
    if policy == "DAILY":
        return float("inf")
    return 1.0 if policy == "SECONDLY" else 10.0


def _asked(table: Table) -> list[str]:
    return [column.path[1] for column in table.columns if column.path[0] == "properties"]


def _filter(name: str, operator: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


def _milliseconds(moment: Any) -> str:
    return str(int(moment.timestamp() * 1000))


def _stages(pipelines: list[Any]) -> Iterator[Any]:
    for pipeline in pipelines:
        for stage in pipeline.get("stages") or []:
            yield {**stage, "pipeline_id": pipeline.get("id")}


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
