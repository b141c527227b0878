"""What the workspace holds at the clock: records as search shows them, merges and deletions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from sandbox.service import Place
from sandbox.universe.support import Ticket, agents
from sandbox.vendors.intercom import shapes
from sandbox.vendors.intercom.lives import Life, Lives, object_id
from sandbox.vendors.intercom.shapes import Json

VENDOR = "intercom"
RESOURCES = ("contacts", "companies", "conversations", "admins", "contact_merges")


class Store:
    """Reads the world and the overlay; records are kept until the clock or the overlay changes."""

    def __init__(self, place: Place) -> None:
        self._world, self._overlay, self._clock = place.world, place.overlay, place.clock
        self._seed = place.world.frame.seed
        self._channels = place.options.get("channels", ("chat",))
        self._kept: dict[str, tuple[tuple[int, int], Any]] = {}

    @property
    def now(self) -> int:
        """The clock in epoch seconds."""
        return self._clock.seconds

    @property
    def state(self) -> tuple[int, int]:
        """What changes when anything may have: the clock and the version of the overlay."""
        return self.now, self._overlay.version

    def all(self, kind: str) -> list[Any]:
        """Return the records of a kind that lists and searches show.

        Those of the world come in the order of their creation, then the put ones as handed in.
        """
        makers: Mapping[str, Callable[[], list[Json]]] = {
            "contacts": self._contacts, "companies": self._companies,
            "conversations": self._conversations, "admins": self._admins,
        }  # fmt: skip
        found: list[Any] = self._fresh(kind, lambda: self._with_put(kind, makers[kind]()))
        return found

    def get(self, kind: str, identity: str) -> Any | None:
        """Return one record by id, archived contacts and companies without contacts too."""
        index = self._fresh(
            f"{kind} by id", lambda: {key_of(record): record for record in self.all(kind)}
        )
        if identity in index:
            return index[identity]
        layer = self._overlay.layer(VENDOR, kind)
        if kind == "contacts" and identity in layer.archived:
            return self._archived(identity)
        if kind == "companies" and identity not in layer.removed:
            return next((one for one in self._every_company if one["id"] == identity), None)
        return None

    def merged_into(self, identity: str) -> str | None:
        """Return the contact that a merged one has become at last, None for one that is itself."""
        found, into = None, self._merge_of(identity)
        while into is not None and into != identity:
            found, into = into, self._merge_of(into)
        return found

    def merge_history(self, identity: str) -> list[str]:
        """Return the contacts that were merged into one."""
        put = self._overlay.layer(VENDOR, "contact_merges").put
        found = [life.id for life in self._merged if life.merged_into == identity]
        return found + [key for key, one in put.items() if one.record.get("into") == identity]

    def companies_of(self, identity: str) -> list[Any] | None:
        """Return the whole companies of a contact, None for an unknown contact."""
        record = self.get("contacts", identity)
        if record is None:
            return None
        life = self.lives.by_id.get(identity)
        put = self._overlay.layer(VENDOR, "contacts").put.get(identity)
        if put is not None:
            listed = [one["id"] for one in (put.record.get("companies") or {}).get("data", ())]
        else:
            listed = self._companies_of(life) if life is not None else []
        return [found for one in listed if (found := self.get("companies", one)) is not None]

    def contacts_of(self, company: str) -> list[Any]:
        """Return the contacts of a company."""
        listed: dict[str, list[Any]] = self._fresh("contacts by company", self._by_company)
        return listed.get(company, [])

    def parts(self, conversation: str) -> Json | None:
        """Return the parts of a conversation of the world, None for any other."""
        ticket = self._tickets_by_id.get(conversation)
        if ticket is None:
            return None
        return shapes.parts(ticket, self.lives.writer(ticket, self.now), self.now)

    def deleted_conversations(self) -> list[Json]:
        """Return the deleted conversations, the newest id first."""
        layer = self._overlay.layer(VENDOR, "conversations")
        gone = {
            shapes.conversation_id(one): (one.deleted, False)
            for one in self._tickets
            if one.deleted is not None and one.deleted <= self.now
        }
        gone |= {key: (at, False) for key, at in layer.removed.items()}
        gone |= {key: (at, True) for key, at in layer.archived.items()}
        listed = sorted(gone.items(), key=lambda one: (len(one[0]), one[0]), reverse=True)
        return [
            {"type": "conversation", "id": key, "metrics_retained": kept, "deleted_at": at}
            for key, (at, kept) in listed
        ]

    def put(self, kind: str, record: Any) -> None:
        """Insert one record, or override the one with its id: the API tells no difference."""
        self._overlay.put(VENDOR, kind, record, self.now, known=False)

    def put_at(self, kind: str, identity: str | None) -> int | None:
        """Return when a test put a record; None for one of the world."""
        found = self._overlay.layer(VENDOR, kind).put.get(str(identity))
        return found.at if found else None

    def copy_of(self, kind: str, identity: str) -> Any | None:
        """Return a copy of one record, to be changed and put back."""
        if kind == "contact_merges":
            into = self.merged_into(identity)
            return {"id": identity, "into": into} if into else None
        return copy.deepcopy(self.get(kind, identity))

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, id, state) of every company of the made-up world by now."""
        keys = {company.index: company.key for company in self._world.companies}
        listed = {key_of(record) for record in self.all("companies")}
        for index, identity in self._company_ids.items():
            if self._first(index) <= self.now:
                yield keys[index], identity, "live" if identity in listed else "gone"

    # ---- the world ----

    @cached_property
    def _tickets(self) -> list[Ticket]:
        return [one for one in self._world.tickets if one.channel in self._channels]

    @cached_property
    def _tickets_by_id(self) -> dict[str, Ticket]:
        return {shapes.conversation_id(one): one for one in self._tickets}

    @cached_property
    def lives(self) -> Lives:
        """Every contact there will be."""
        return Lives(self._world, self._tickets)

    def _first(self, index: int) -> int:
        return min(life.created for life in self.lives.by_company[index])

    @cached_property
    def _company_ids(self) -> dict[int, str]:
        return {
            index: object_id(self._first(index), self._seed, "intercom company", index)
            for index in sorted(self.lives.by_company)
        }

    @property
    def _merged(self) -> list[Life]:
        return [one for one in self.lives.all if one.merged is not None and one.merged <= self.now]

    def _merge_of(self, identity: str) -> str | None:
        put = self._overlay.layer(VENDOR, "contact_merges").put.get(identity)
        if put is not None:
            return str(put.record["into"])
        life = self.lives.by_id.get(identity)
        merged = life is not None and life.merged is not None and life.merged <= self.now
        return life.merged_into if life is not None and merged else None

    def _companies_of(self, life: Life) -> list[str]:
        indexes = (life.company.index, *life.others)
        removed = self._overlay.layer(VENDOR, "companies").removed
        there = [self._company_ids[one] for one in indexes if self._first(one) <= self.now]
        return [one for one in there if one not in removed]

    def _contacts(self) -> list[Json]:
        lives = [life for life in self.lives.all if life.there(self.now)]
        return [self._contact(life) for life in sorted(lives, key=lambda one: one.created)]

    def _contact(self, life: Life) -> Json:
        wrote: dict[str, int] = self._fresh("last written", self._last_written)
        return shapes.contact(life, self._companies_of(life), wrote.get(life.id), self.now)

    def _last_written(self) -> dict[str, int]:
        now = self.now
        return {
            self.lives.writer(one, now).id: one.created
            for one in self._tickets
            if one.created <= now
        }

    def _archived(self, identity: str) -> Any | None:
        put = self._overlay.layer(VENDOR, "contacts").put.get(identity)
        if put is not None:
            return put.record
        life = self.lives.by_id.get(identity)
        return self._contact(life) if life is not None else None

    def _companies(self) -> list[Json]:
        return [one for one in self._every_company if one["user_count"]]

    @property
    def _every_company(self) -> list[Json]:
        found: list[Json] = self._fresh("every company", self._make_companies)
        return found

    def _make_companies(self) -> list[Json]:
        made = []
        hidden = self._hidden("contacts")
        for index, identity in self._company_ids.items():
            created = self._first(index)
            if created > self.now:
                continue
            lives = self.lives.by_company[index]
            there = [one for one in lives if one.there(self.now) and one.id not in hidden]
            began = [one for one in lives if one.created <= self.now]
            seen = max(shapes.seen_at(one, self.now) for one in began)
            company = self._world.companies[index]
            made.append(
                shapes.company(company, identity, created, seen, len(there), self._seed)
            )  # fmt: skip
        return made

    def _conversations(self) -> list[Json]:
        now = self.now
        return [
            self._conversation(one)
            for one in self._tickets
            if one.created <= now and (one.deleted is None or now < one.deleted)
        ]

    def _conversation(self, ticket: Ticket) -> Json:
        life = self.lives.writer(ticket, self.now)
        about = self._company_ids[ticket.company.index] if life.others else None
        return shapes.conversation(ticket, life, about, self.now)

    def _admins(self) -> list[Json]:
        return [shapes.admin(one) for one in agents(self._seed)]

    def _by_company(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for record in self.all("contacts"):
            for one in (record.get("companies") or {}).get("data", ()):
                found.setdefault(one["id"], []).append(record)
        return found

    # ---- the overlay ----

    def _hidden(self, kind: str) -> set[str]:
        layer = self._overlay.layer(VENDOR, kind)
        merged = self._overlay.layer(VENDOR, "contact_merges").put if kind == "contacts" else ()
        return {*layer.removed, *layer.archived, *merged}

    def _with_put(self, kind: str, made: list[Json]) -> list[Any]:
        layer, hidden = self._overlay.layer(VENDOR, kind), self._hidden(kind)
        shown = [one for one in made if one["id"] not in layer.put and one["id"] not in hidden]
        put = [one.record for key, one in layer.put.items() if key not in hidden]
        return shown + [shapes.with_few_companies(record) for record in put]

    def _fresh(self, name: str, make: Callable[[], Any]) -> Any:
        state = self.state
        kept = self._kept.get(name)
        if kept is None or kept[0] != state:
            kept = self._kept[name] = (state, make())
        return kept[1]


def key_of(record: Any) -> str | None:
    """Return the id of a record as text, None when it has none."""
    identity = record.get("id") if isinstance(record, dict) else None
    return None if identity is None else str(identity)
