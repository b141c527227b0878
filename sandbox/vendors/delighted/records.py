"""What the survey tool holds at the clock: answers with their people, as its API spells them."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.chance import fraction, token
from sandbox.universe.companies import Company
from sandbox.universe.crm import account_key
from sandbox.universe.people import Person
from sandbox.universe.surveys import Answer
from sandbox.universe.world import World

Json = dict[str, Any]
VENDOR = "delighted"
RESPONSES = "survey_responses"
PROGRAMME = "feedback"
# Of the product's companies, so many have their account id handed over with each survey.
_WITH_ACCOUNT_ID = 0.85


class Records:
    """Reads the world and the overlay; answers are kept until the clock or the overlay changes."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._kept: tuple[tuple[int, int], list[tuple[int, Any]]] | None = None

    def responses(self) -> list[tuple[int, Any]]:
        """Return (last change in epoch seconds, response) of every response, oldest change first.

        People are expanded. A put record stands as it was handed in; without a change of its own
        it changed when it was put.
        """
        state = (self._clock.seconds, self._overlay.version)
        if self._kept is None or self._kept[0] != state:
            found = self._made() + self._put()
            found.sort(key=lambda row: (row[0], len(_id_of(row[1])), _id_of(row[1])))
            self._kept = (state, found)
        return self._kept[1]

    def response(self, identity: str) -> Any | None:
        """Return a copy of one response, None without one."""
        found = (row for _, row in self.responses() if _id_of(row) == identity)
        return copy.deepcopy(next(found, None))

    def people(self) -> list[Json]:
        """Return everybody who has answered, in the order of their ids."""
        found = {}
        for _, row in self.responses():
            person = row.get("person") if isinstance(row, dict) else None
            if isinstance(person, dict):
                found[str(person.get("id"))] = person
        return [found[key] for key in sorted(found, key=lambda key: (len(key), key))]

    def put(self, record: Any) -> None:
        """Insert one response, or override the one with its id."""
        known = self.response(_id_of(record)) is not None
        self._overlay.put(VENDOR, RESPONSES, record, self._clock.seconds, known)

    def _made(self) -> list[tuple[int, Any]]:
        now, layer = self._clock.seconds, self._overlay.layer(VENDOR, RESPONSES)
        shown: list[tuple[int, Any]] = []
        for answer in self._world.surveys:
            if answer.responded_at > now:
                break
            identity = response_id(answer)
            if answer.programme == PROGRAMME and not (
                identity in layer.put or identity in layer.removed
            ):
                row = self._row(answer, identity)
                shown.append((row["updated_at"], row))
        return shown

    def _put(self) -> list[tuple[int, Any]]:
        shown = []
        for put in self._overlay.layer(VENDOR, RESPONSES).put.values():
            at = put.record.get("updated_at") if isinstance(put.record, dict) else None
            shown.append((at if type(at) is int else put.at, put.record))
        return shown

    def _row(self, answer: Answer, identity: str) -> Json:
        said = answer.at(self._clock.seconds)
        seed = self._world.frame.seed
        return {
            "id": identity,
            "person": self._person(answer),
            "survey_type": answer.instrument,
            "score": said.score,
            "comment": said.comment,
            "permalink": f"https://delighted.com/r/{token('', seed, 'response', identity)}",
            "created_at": answer.responded_at,
            "updated_at": said.at,
            "person_properties": self._properties(answer.company),
            "notes": [],
            "tags": ["follow up"] if said.score <= 3 else [],
            "additional_answers": [],
        }

    def _person(self, answer: Answer) -> Json:
        company, person = answer.company, answer.person
        return {
            "id": person_id(company, person),
            "email": self._email(company, person),
            "name": f"{person.given} {person.family}",
            "phone_number": None,
            "created_at": answer.sent_at,
            "last_sent_at": answer.sent_at,
            "last_responded_at": answer.responded_at,
        }

    def _email(self, company: Company, person: Person) -> str | None:
        # some are asked inside the product, where nobody has to give an address
        draw = fraction(self._world.frame.seed, "asked in app", company.index, person.number)
        return None if draw < 0.03 else person.email

    def _properties(self, company: Company) -> Json:
        found: Json = {"plan": company.plan}
        draw = fraction(self._world.frame.seed, "survey account id", company.index)
        key = account_key(company)
        return found | {"customer_id": key} if key and draw < _WITH_ACCOUNT_ID else found


def response_id(answer: Answer) -> str:
    """Return the id of an answer at the survey tool."""
    return str(3_000_000_000 + answer.number)


def person_id(company: Company, person: Person) -> str:
    """Return the id of a person at the survey tool."""
    return str(700_000_000 + company.index * 1000 + person.number)


def _id_of(record: Any) -> str:
    identity = record.get("id") if isinstance(record, dict) else None
    return "" if identity is None else str(identity)
