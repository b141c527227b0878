"""Salesforce CRM: accounts, contacts, opportunities with their line items, users, tasks, events.

The first pull asks for every record; later ones for what changed since the newest row that is
stored, less a lag, by SystemModstamp: a stamp is set when a change is made and seen when it is
committed, so that rows turn up late. Deleted, merged and archived records come in the same query.
Records deleted for good are asked for by window; and when the vendor's count of the records that
did not change differs from what is stored, all ids are compared. A record that is gone keeps its
row, with `is_deleted` true. What is too large for pages comes as a bulk job.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource

from ingestion import settings
from ingestion.errors import PullError
from ingestion.pull import BATCH, Pull, in_batches
from ingestion.reading import Reader
from ingestion.sources.salesforce_api import (
    DELETED_DAYS,
    Api,
    NotThisWay,
    following,
    literal,
    quoted,
)
from ingestion.sources.salesforce_bulk import bulk_pages, typed
from ingestion.sources.salesforce_ids import long_id
from ingestion.sources.salesforce_login import SOURCE
from ingestion.sources.salesforce_tables import (
    KINDS,
    NEVER_ASKED,
    OBJECTS,
    SYSTEM,
    TABLES,
    Object,
    snake,
    with_custom,
)
from ingestion.tables import Column, Table

__all__ = ["TABLES", "resources"]

# A change can be committed minutes after it was stamped.
LAG = timedelta(minutes=10)
IDS_PER_QUERY = 200
# The columns that a custom field fills, and the setting that names it.
CUSTOM_IDS = {"product_account_id": "product_id_field", "billing_customer_id": "billing_id_field"}


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Salesforce, one per table."""
    api = Api()
    left_out = settings.options(SOURCE, "leave_out")
    asked = [_Asked(api, kind) for kind in OBJECTS if kind.name not in left_out]

    def rows(one: "_Asked") -> Callable[[], Iterator[pa.Table]]:
        return lambda: _Records(pull, api, one).rows()

    return [pull.resource(one.table, rows(one)) for one in asked]


class _Asked:
    """What is asked of one kind of record: the fields that it has here and the user may see."""

    def __init__(self, api: Api, kind: Object) -> None:
        self.kind = kind
        there = api.fields(kind.name)
        missing = [name for name in SYSTEM.split() if name not in there]
        if missing:
            raise PullError(SOURCE, "bad_answer", f"{kind.name} has no field {missing[0]}.")
        self.table = with_custom(kind.table, (*self._ids(there), *self._custom(there)))
        fields = {column.path[0] for column in self.table.columns}
        self.fields = sorted(fields & there.keys(), key=lambda name: (name != "Id", name))

        currency = settings.option(SOURCE, "currency", "")
        lacks = "CurrencyIsoCode" in fields and "CurrencyIsoCode" not in there
        # Where there is one currency, no record names it.
        self.fill = {"CurrencyIsoCode": currency} if currency and lacks else {}

    def query(self, where: str = "", ordered: bool = True) -> str:
        """The query for the records `where` lets through, in the order of their changes."""
        condition = f" WHERE {where}" if where else ""
        order = " ORDER BY SystemModstamp, Id" if ordered else ""
        return f"SELECT {', '.join(self.fields)} FROM {self.kind.name}{condition}{order}"

    def shape(self, record: Any) -> Any:
        """A record as the table reads it."""
        shaped: Any = self.kind.shape(record)
        return self.fill | shaped if isinstance(shaped, dict) else shaped

    def _ids(self, there: dict[str, str]) -> Iterator[Column]:
        for column in self.kind.extra:
            field = settings.option(SOURCE, CUSTOM_IDS[column], "")
            if field:
                self._check(field, CUSTOM_IDS[column], there)
                yield Column(column, "text", (field,))

    def _custom(self, there: dict[str, str]) -> Iterator[Column]:
        for named in settings.options(SOURCE, "custom_fields"):
            owner, _, field = named.partition(".")
            if owner == self.kind.name:
                self._check(field, "custom_fields", there)
                yield Column(snake(field), KINDS.get(there[field], "text"), (field,))

    def _check(self, field: str, setting: str, there: dict[str, str]) -> None:
        if there.get(field, "address") in NEVER_ASKED:
            raise PullError(
                SOURCE,
                "credentials",
                f"{self.kind.name}.{field} (setting {setting}) cannot be read: it is not there, "
                "the user may not see it, or it has parts that have to be named one by one. "
                "Correct it under [sources.salesforce] in .dlt/config.toml, or let the user see "
                "the field.",
            )


class _Records:
    """The rows of one kind of record."""

    def __init__(self, pull: Pull, api: Api, asked: _Asked) -> None:
        self.pull, self.api, self.asked = pull, api, asked
        self.table: Table = asked.table
        self.kind = asked.kind
        self.bulk_rows = int(settings.option(SOURCE, "bulk_rows", "20000"))
        # Ids that came with this pull, which no list of what is gone may overrule; those that live.
        self.came: set[str] = set()
        self.live: set[str] = set()
        self.newest = self._newest_stored()

    def rows(self) -> Iterator[pa.Table]:
        if self.newest is None:
            yield from self._changes("")
            return
        since = self.newest - LAG
        yield from self._changes(f"SystemModstamp >= {literal(since)}")
        gone = self._deleted_for_good()
        yield from self._marked(gone)
        if not self._adds_up(since, gone):
            yield from self._reconcile(gone)

    def _newest_stored(self) -> Any:
        # A record dated in the future would hide every later change of the others.
        sql = f"select max(system_modstamp) from {self.pull.stored.relation(self.table.name)}"
        return self.pull.stored.rows(f"{sql} where system_modstamp <= ?", self.pull.now)[0][0]

    # ---- what changed ----

    def _changes(self, where: str) -> Iterator[pa.Table]:
        reader = self.pull.reader(self.table)
        try:
            yield from self._paged(reader, where)
        except NotThisWay as other:
            if other.way != "bulk":
                raise
            yield from self._in_bulk(reader, where)
        reader.check()

    def _paged(self, reader: Reader, where: str) -> Iterator[pa.Table]:
        """Page by page. When the vendor forgets a query, or ends it before its last row, the rest
        is asked for by a new one, behind the last row that came."""
        query: str | None = self.asked.query(where)
        most: float = self.bulk_rows
        while query:
            last, got, total = None, 0, 0
            try:
                for found, page in self.api.pages(query):
                    if found > most:
                        raise NotThisWay("bulk", "a query finds more than the row limit.")
                    yield from self._taken(reader, page)
                    total = max(total, found)
                    got += len(page)
                    last = next(filter(_is_whole, reversed(page)), last)
            except NotThisWay as other:
                if other.way == "bulk" or last is None:
                    raise
                got = -1
            behind = following(self.asked.query, last) if last and got < total else None
            if behind == query:
                raise PullError(SOURCE, "bad_answer", f"a query of {self.kind.name} never ends.")
            query, most = behind, float("inf")

    def _in_bulk(self, reader: Reader, where: str) -> Iterator[pa.Table]:
        # Without an order the vendor splits a large job into parts that run side by side.
        for rows in bulk_pages(self.api, self.kind.name, self.asked.query(where, ordered=False)):
            for field, value in self.asked.fill.items():
                rows = rows.append_column(field, pa.array([value] * rows.num_rows))
            found = typed(rows, self.kind, reader)
            self._note(found.rows)
            yield from self.pull.taken(self.table, found)

    def _taken(self, reader: Reader, records: list[Any]) -> Iterator[pa.Table]:
        for batch in in_batches(records, BATCH):
            found = reader.read(map(self.asked.shape, batch))
            self._note(found.rows)
            yield from self.pull.taken(self.table, found)

    def _note(self, rows: pa.Table) -> None:
        if self.newest is None:
            return
        keys = rows["id"].to_pylist()
        self.came.update(keys)
        if self.kind.deletable:
            deleted = rows["is_deleted"].to_pylist()
            keys = [key for key, gone in zip(keys, deleted, strict=True) if not gone]
        self.live.update(keys)

    # ---- what is gone ----

    def _deleted_for_good(self) -> list[str]:
        """Stored live records that the vendor says were deleted since the last pull."""
        through, now = self.pull.stored.pulled_through(), self.pull.now
        if not self.kind.deletable or through is None:
            return []
        oldest = now - timedelta(days=DELETED_DAYS) + LAG
        listed = dict(self.api.deleted(self.kind.name, max(min(through, now) - LAG, oldest), now))
        stamps = self.pull.stored.rows(
            f"select id, system_modstamp from {self.pull.stored.relation(self.table.name)} "
            "where is_deleted is not true and id in (select unnest(?))",
            list(listed),
        )
        return sorted(
            key
            for key, stamp in stamps
            # Whoever was changed after that was brought back.
            if key not in self.came
            and (stamp is None or stamp <= datetime.fromisoformat(listed[key]))
        )

    def _adds_up(self, since: datetime, gone: list[str]) -> bool:
        """Whether as many live records stand unchanged at the vendor as here."""
        old = f"SystemModstamp < {literal(since)}"
        # What is in quarantine is live, as long as it still exists, and not stored.
        away = sorted(key for key in self._turned_away() if len(key) == 18 and key.isalnum())
        if len(away) > IDS_PER_QUERY:
            return False
        if away:
            old += f" AND Id NOT IN ({_listed(away)})"
        there = self.api.count(self.kind.name, self._alive(old))
        here = self.pull.stored.count(self.table.name, self._alive_here(since))
        passed = self.pull.stored.rows(
            f"select count(*) from {self.pull.stored.relation(self.table.name)} "
            f"where {self._alive_here(since)} and id in (select unnest(?))",
            [*self.came, *gone],
        )
        return bool(there == here - passed[0][0])

    def _reconcile(self, gone: list[str]) -> Iterator[pa.Table]:
        """Compares all ids: what is not there is gone, what is not here is asked for."""
        there = set(self._ids_there())
        before = self._stored_ids()
        lost = sorted(before - there - self.came - set(gone))
        self.pull.guard(self.table.name, len(before), len(before) - len(lost))
        yield from self._marked(lost)
        unknown = sorted(there - before - self.live - self._turned_away())
        for ids in in_batches(unknown, IDS_PER_QUERY):
            yield from self._changes(f"Id IN ({_listed(ids)})")

    def _ids_there(self) -> Iterator[str]:
        query = f"SELECT Id FROM {self.kind.name} WHERE {self._alive()}"
        try:
            for total, page in self.api.pages(query):
                if total > self.bulk_rows:
                    raise NotThisWay("bulk", "there are more records than the row limit.")
                yield from (long_id(record["Id"]) for record in page if _has_key(record))
        except NotThisWay:
            for rows in bulk_pages(self.api, self.kind.name, query):
                yield from filter(None, rows["Id"].to_pylist())

    def _marked(self, keys: list[str]) -> Iterator[pa.Table]:
        if self.kind.deletable:
            for ids in in_batches(keys, BATCH):
                yield from self.pull.marked(self.table, ids, {"is_deleted": True})

    def _alive(self, where: str = "Id != null") -> str:
        return f"IsDeleted = false AND {where}" if self.kind.deletable else where

    def _alive_here(self, since: datetime) -> str:
        old = f"system_modstamp < timestamptz '{since.isoformat()}'"
        return f"is_deleted is not true and {old}" if self.kind.deletable else old

    def _stored_ids(self) -> set[str]:
        sql = f"select id from {self.pull.stored.relation(self.table.name)}"
        if self.kind.deletable:
            sql += " where is_deleted is not true"
        return {row[0] for row in self.pull.stored.rows(sql)}

    def _turned_away(self) -> set[str]:
        sql = f"select record_key from {self.pull.stored.relation('quarantine')} where resource = ?"
        found = {row[0] for row in self.pull.stored.rows(sql, self.table.name) if row[0]}
        return found and found - self._stored_ids()


def _listed(ids: list[str]) -> str:
    return ", ".join(f"'{quoted(key)}'" for key in ids)


def _is_whole(record: Any) -> bool:
    """Whether a query can go on behind this record."""
    return _has_key(record) and bool(record.get("SystemModstamp"))


def _has_key(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("Id"), str) and record["Id"] != ""
