"""Intercom support: companies, contacts, conversations with their ratings, teammates.

Conversations and contacts are searched for what was updated since the newest row that is stored,
up to the moment at which the pull began. Contacts can only be searched by whole days in a time zone
that is not ours, so two days are looked back. Companies have no such date: all are scrolled through
each time, and what the scroll no longer shows is asked for by itself, because it leaves out
companies without contacts. A contact that was merged into another, archived or deleted vanishes
from search without a word: when the vendor's count differs from what is known, all are listed and
each missing one is asked for. So is a contact that a conversation names and nobody has seen.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource

from ingestion.pull import BATCH, Pull, in_batches
from ingestion.sources.intercom_api import Api, key_of
from ingestion.sources.intercom_tables import (
    ADMINS,
    COMPANIES,
    CONTACT_COMPANIES,
    CONTACTS,
    CONVERSATION_CONTACTS,
    CONVERSATIONS,
    DELETED_CONVERSATIONS,
    TABLES,
    conversation,
    listed,
    pairs,
)
from ingestion.tables import Table

__all__ = ["TABLES", "resources"]

LAG = timedelta(hours=1)
# A day for the zone of the workspace, one because a search for "after" begins on the day after.
LOOK_BACK = timedelta(days=2)


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Intercom, one per table."""
    api = Api()
    found: dict[str, list[pa.Table]] = {table.name: [] for table in TABLES}

    def left_by(parent: Table, table: Table) -> Callable[[], Iterator[pa.Table]]:
        def rows() -> Iterator[pa.Table]:
            pull.wait_for(parent.name)
            yield from found[table.name]

        return rows

    return [
        pull.resource(ADMINS, lambda: _admins(pull, api)),
        pull.resource(COMPANIES, lambda: _companies(pull, api)),
        pull.resource(CONVERSATIONS, lambda: _conversations(pull, api, found)),
        pull.resource(CONVERSATION_CONTACTS, left_by(CONVERSATIONS, CONVERSATION_CONTACTS)),
        pull.resource(CONTACTS, _Contacts(pull, api, found).rows),
        pull.resource(CONTACT_COMPANIES, left_by(CONTACTS, CONTACT_COMPANIES)),
        pull.resource(
            DELETED_CONVERSATIONS, lambda: pull.changes(DELETED_CONVERSATIONS, api.deleted())
        ),
    ]


def _admins(pull: Pull, api: Api) -> Iterator[pa.Table]:
    """All teammates; those who have left keep their row."""
    before, seen = _ids(pull, ADMINS, "deleted is not true"), set[str]()
    yield from pull.changes(ADMINS, _noting(api.admins(), seen))
    gone = sorted(before - seen)
    pull.guard(ADMINS.name, len(before), len(before) - len(gone))
    yield from pull.marked(ADMINS, gone, {"deleted": True})


def _companies(pull: Pull, api: Api) -> Iterator[pa.Table]:
    """All companies. One that the scroll leaves out has no contacts left, or is deleted."""
    before, seen = _ids(pull, COMPANIES, "deleted is not true"), set[str]()
    yield from pull.changes(COMPANIES, _noting(api.companies(), seen))
    asked = {key: api.one("companies", key) for key in sorted(before - seen)}
    yield from pull.changes(COMPANIES, (one for one in asked.values() if isinstance(one, dict)))
    gone = [key for key, answer in asked.items() if answer is None]
    pull.guard(COMPANIES.name, len(before), len(before) - len(gone))
    yield from pull.marked(COMPANIES, gone, {"deleted": True})


def _conversations(
    pull: Pull, api: Api, found: dict[str, list[pa.Table]]
) -> Iterator[pa.Table]:  # fmt: skip
    """What was updated since the last pull; the contacts of each are left in `found`."""
    newest = _newest(pull, CONVERSATIONS)
    since = None if newest is None else newest - LAG
    reader = pull.reader(CONVERSATIONS)
    links = _Links(pull, CONVERSATION_CONTACTS, found)
    for batch in in_batches(api.search("conversations", since, pull.now), BATCH):
        yield from pull.read_changes(reader, map(conversation, batch))
        links.note(
            (record["id"], items)
            for record in batch
            if isinstance(record, dict)
            and record.get("id")
            and (items := listed(record, "contacts", "contacts")) is not None
        )
    reader.check()
    links.check()


class _Contacts:
    """The contacts that changed, and what became of those that are no longer there."""

    def __init__(self, pull: Pull, api: Api, found: dict[str, list[pa.Table]]) -> None:
        self._pull, self._api, self._found = pull, api, found

    def rows(self) -> Iterator[pa.Table]:
        """The changed rows; the companies of each are left in `found`."""
        pull, newest = self._pull, _newest(self._pull, CONTACTS)
        self._reader = pull.reader(CONTACTS)
        self._links = _Links(pull, CONTACT_COMPANIES, self._found)
        self._live = _ids(pull, CONTACTS, "gone is null")
        self._told = set[str]()
        since = None if newest is None else newest - LOOK_BACK
        yield from self._changes(self._api.search("contacts", since, pull.now + LOOK_BACK))
        if since is not None and not self._adds_up(self._api.count("contacts")):
            yield from self._reconcile()
        pull.wait_for(CONVERSATIONS.name)
        yield from self._unknown()
        self._reader.check()
        self._links.check()

    def _changes(self, records: Iterable[Any]) -> Iterator[pa.Table]:
        for batch in in_batches(_noting(_noting(records, self._live), self._told), BATCH):
            yield from self._pull.read_changes(self._reader, batch)
            self._links.note(
                (record["id"], self._all_companies(record, items))
                for record in batch
                if isinstance(record, dict)
                and record.get("id")
                and (items := listed(record, "companies", "data")) is not None
            )

    def _all_companies(self, record: dict[str, Any], items: list[Any]) -> list[Any]:
        """The companies of a contact, of which ten stand inside it."""
        if record["companies"].get("has_more") is not True:
            return items
        return list(self._api.numbered(f"/contacts/{record['id']}/companies", "data"))

    def _adds_up(self, count: int) -> bool:
        # Contacts in quarantine are there but not stored, as long as they still exist.
        sql = (
            f"select record_key from {self._pull.stored.relation('quarantine')} where resource = ?"
        )
        turned_away = {row[0] for row in self._pull.stored.rows(sql, CONTACTS.name)}
        return count in (len(self._live), len(self._live | turned_away))

    def _reconcile(self) -> Iterator[pa.Table]:
        """Lists all contacts and asks for each that is missing."""
        before = set(self._live)
        self._live.clear()
        told = set(self._told)
        everybody = _noting(self._api.search("contacts", None, None), self._live)
        yield from self._changes(one for one in everybody if key_of(one) not in told)
        self._pull.guard(CONTACTS.name, len(before), len(before & self._live))
        asked = {key: self._api.one("contacts", key) for key in sorted(before - self._live)}
        deleted = [key for key, answer in asked.items() if answer is None]
        stays = (one | {"gone": "archived"} for one in asked.values() if isinstance(one, dict))
        yield from self._pull.read_changes(self._reader, stays)
        yield from self._pull.marked(CONTACTS, deleted, {"gone": "deleted"})
        for key, into in asked.items():
            if isinstance(into, str):
                marks = {"gone": "merged", "merged_into": into}
                yield from self._pull.marked(CONTACTS, [key], marks)

    def _unknown(self) -> Iterator[pa.Table]:
        """The contacts that conversations or merges name, and that no row tells of."""
        known = self._live | _ids(self._pull, CONTACTS)
        asked: dict[str, Any] = {}
        waiting = self._named() - known
        while waiting:
            key = waiting.pop()
            asked[key] = answer = self._api.one("contacts", key)
            if isinstance(answer, str) and answer not in known | asked.keys():
                waiting.add(answer)
        yield from self._changes(one for one in asked.values() if isinstance(one, dict))
        gone = [
            {"id": key, "gone": "merged" if into else "deleted", "merged_into": into}
            for key, into in sorted(asked.items())
            if not isinstance(into, dict)
        ]
        yield from self._pull.read_changes(self._reader, gone)

    def _named(self) -> set[str]:
        """The contacts that conversations of this pull and of earlier ones name."""
        tables = self._found[CONVERSATION_CONTACTS.name]
        ids = chain.from_iterable(table["contact_id"].to_pylist() for table in tables)
        link, contact = CONVERSATION_CONTACTS, CONTACTS
        stored = self._pull.stored.rows(
            f"""select distinct contact_id from {self._pull.stored.relation(link.name)}
            anti join {self._pull.stored.relation(contact.name)} c on c.id = contact_id"""
        )
        return {*ids, *(row[0] for row in stored)}


class _Links:
    """The pairs of one table, told owner by owner; a stored pair that is not told is removed."""

    def __init__(self, pull: Pull, table: Table, found: dict[str, list[pa.Table]]) -> None:
        self._pull, self._table, self._left = pull, table, found[table.name]
        self._reader = pull.reader(table)

    def note(self, owned: Iterable[tuple[Any, list[Any]]]) -> None:
        """Leaves the changed pairs of some owners, each with all that it has."""
        one, other = self._table.key
        told = {str(owner).strip(): items for owner, items in owned}
        records = [
            pair for owner, items in told.items() for pair in pairs(owner, items, (one, other))
        ]
        now = {(record[one], str(record[other]).strip()) for record in records}
        stored = self._pull.stored.rows(
            f"""select {one}, {other} from {self._pull.stored.relation(self._table.name)}
            where removed is not true and {one} in (select unnest(?))""",
            list(told),
        )
        gone = [{one: row[0], other: row[1], "removed": True} for row in stored if row not in now]
        self._left.extend(self._pull.read_changes(self._reader, records + gone))

    def check(self) -> None:
        """Raises PullError (type_changed) when too many pairs could not be read."""
        self._reader.check()


def _newest(pull: Pull, table: Table) -> datetime | None:
    # A record dated in the future would hide every later change of the others.
    sql = f"select max(updated_at) from {pull.stored.relation(table.name)} where updated_at <= ?"
    found = pull.stored.rows(sql, pull.now)[0][0]
    return found if isinstance(found, datetime) else None


def _ids(pull: Pull, table: Table, where: str = "true") -> set[str]:
    sql = f"select id from {pull.stored.relation(table.name)} where {where}"
    return {row[0] for row in pull.stored.rows(sql)}


def _noting(records: Iterable[Any], seen: set[str]) -> Iterator[Any]:
    for record in records:
        if key_of(record):
            seen.add(key_of(record))
        yield record
