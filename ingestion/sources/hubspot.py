"""HubSpot CRM: companies, contacts, deals, meetings, what links them, owners, pipelines.

The first pull lists everything. Later ones search for what was modified since the newest row that
is stored, less a lag, and compare the vendor's count of live records with what is known: when the
two differ, everything is listed again, which also finds what was deleted for good. Archived
records are listed each time, for search never shows them. A record that is gone keeps its row,
with `archived` true.
"""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource

from ingestion import settings
from ingestion.errors import PullError
from ingestion.pull import Pull, in_batches
from ingestion.reading import Reject
from ingestion.sources.hubspot_api import READ_PAGE, Api
from ingestion.sources.hubspot_login import SOURCE, NotGranted
from ingestion.sources.hubspot_tables import (
    FEEDBACK,
    LINKS,
    OBJECTS,
    OWNERS,
    PIPELINES,
    STAGES,
    TABLES,
    Link,
    configured,
    custom_properties,
)
from ingestion.tables import Table

__all__ = ["TABLES", "resources"]

# A change can take a few minutes to be found by search.
LAG = timedelta(minutes=10)
# HubSpot keeps archived records for 90 days; one that leaves the list earlier was restored.
ARCHIVE_DAYS = 90


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of HubSpot, one per table."""
    api = Api()
    live: dict[str, set[str]] = {}

    def objects(table: Table) -> Callable[[], Iterator[pa.Table]]:
        return lambda: _Objects(pull, api, table, live).rows()

    def links(link: Link) -> Callable[[], Iterator[pa.Table]]:
        def rows() -> Iterator[pa.Table]:
            pull.wait_for(link.start)
            yield from pull.replacement(link.table, api.links(link, sorted(live[link.start])))

        return rows

    def feedback() -> Iterator[pa.Table]:
        """Submissions, which not every plan has; an account without them loses nothing else."""
        if FEEDBACK.name in settings.options(SOURCE, "leave_out"):
            return
        try:
            yield from _Objects(pull, api, configured(FEEDBACK), live).rows()
        except NotGranted as refused:
            reason = f"left out: the account lacks {refused.scopes}, or the plan has no surveys"
            pull.reject([Reject(FEEDBACK.name, "", reason, "{}")])

    tables = [configured(table) for table in OBJECTS]
    return [
        *(pull.resource(table, objects(table)) for table in tables),
        pull.resource(configured(FEEDBACK), feedback),
        *(pull.resource(link.table, links(link)) for link in LINKS),
        pull.resource(OWNERS, lambda: pull.replacement(OWNERS, api.owners())),
        pull.resource(PIPELINES, lambda: pull.replacement(PIPELINES, api.pipelines())),
        pull.resource(STAGES, lambda: pull.replacement(STAGES, _stages(api.pipelines()))),
    ]


class _Objects:
    """The rows of one kind of record. Leaves the ids of the live ones in `live`."""

    def __init__(self, pull: Pull, api: Api, table: Table, live: dict[str, set[str]]) -> None:
        self.pull = pull
        self.api = api
        self.table = table
        self.known = self._stored_ids("not archived")
        live[table.name] = self.known

    def rows(self) -> Iterator[pa.Table]:
        name, since, new = self.table.name, self._newest_stored(), self._new_properties()
        # One batch after the other: what is archived must be known before what is gone.
        yield from self._changes(
            self.api.listed(self.table, archived=False)
            if since is None or new
            else self.api.modified(self.table, since - LAG, self.pull.now)
        )
        archived = list(self.api.listed(self.table, archived=True))
        yield from self._changes(archived)
        yield from self._changes(self.api.read(self.table, self._restored(archived)))
        if since is not None and not self._adds_up(self.api.live_count(name)):
            yield from self._reconcile()
        if new and not self.pull.rows[name]:
            # A row as it was makes the columns of properties that no record has a value in.
            yield from self.pull.marked(self.table, sorted(self.known)[:1], {})

    def _changes(self, records: Any) -> Iterator[pa.Table]:
        yield from self.pull.changes(self.table, self._noting(records))

    def _noting(self, records: Any) -> Iterator[Any]:
        for record in records:
            if isinstance(record, dict) and record.get("id"):
                keep = self.known.discard if record.get("archived") is True else self.known.add
                keep(str(record["id"]).strip())
            yield record

    def _new_properties(self) -> set[str]:
        """The columns of properties that were not asked for when the stored rows were pulled.

        Raises PullError for a property that the account does not have: it would never come.
        """
        stored = self.pull.stored.extra_kinds(dataclasses.replace(self.table, columns=()))
        new = self.table.kinds.keys() - stored.keys()
        if unknown := new and self.api.unknown(self.table, custom_properties(self.table)):
            names = ", ".join(sorted(unknown))
            said = f"{self.table.name} has no property {names}; see custom_properties."
            raise PullError(SOURCE, "credentials", said)
        return new

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


def _stages(pipelines: list[Any]) -> Iterator[Any]:
    for pipeline in pipelines:
        for stage in pipeline.get("stages") or []:
            yield {**stage, "pipeline_id": pipeline.get("id")}
