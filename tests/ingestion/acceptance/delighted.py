"""Delighted in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.sources.delighted import PAGE
from sandbox import Sandbox
from sandbox.universe.surveys import Answer
from sandbox.vendors.delighted.records import response_id
from tests.ingestion.acceptance import Stands, stands

# Few answer: in a smaller world nobody may in two days.
WORLD = {"companies": 120, "months": 9}
WITHOUT = {
    "soft_delete": "a response is there or it is not",
    "hard_delete": "nothing tells of it before the weekly listing, which has a test of its own",
    "merge": "Delighted merges nothing",
    "expire": "an API key does not expire",
}
UNSEEN = {"survey_responses": "deleted"}
AGAIN = (
    "delete from survey_responses where updated_at > "
    "(select max(updated_at) from survey_responses) - interval 9 day",
)


def answers(box: Sandbox) -> list[Answer]:
    """What the survey tool's programme has been answered by now, oldest first."""
    now = box.now.timestamp()
    return [a for a in box.world.surveys if a.programme == "feedback" and a.responded_at <= now]


def counts(box: Sandbox) -> dict[str, int]:
    """One row per answer."""
    return {"survey_responses": len(answers(box))}


def update(box: Sandbox) -> Iterator[Stands]:
    """Somebody changes an answer."""
    identity = response_id(answers(box)[0])
    record = box.record("delighted", "survey_responses", identity)
    assert record
    now = int(box.now.timestamp())
    box.put("delighted", "survey_responses", record | {"comment": "Now", "updated_at": now})
    yield stands("survey_responses", f"id = '{identity}'", 1, comment="Now", updated_at=box.now)


def late(box: Sandbox) -> Iterator[Stands]:
    """Answered forty days ago on paper, and entered now."""
    record = a_response("900001", box.now, created_at=_epoch(box.now - timedelta(days=40)))
    box.put("delighted", "survey_responses", record)
    yield stands("survey_responses", "id = '900001'", 1, created_at=box.now - timedelta(days=40))


def ties(box: Sandbox) -> Iterator[Stands]:
    """Three pages and one more, all changed in one second, as after a change of a tag."""
    for number in range(3 * PAGE + 1):
        identity = str(910000 + number)
        record = a_response(identity, box.now - timedelta(minutes=1))
        box.put("delighted", "survey_responses", record)
    yield stands("survey_responses", "id between '910000' and '910300'", 3 * PAGE + 1)


def future(box: Sandbox) -> Iterator[Stands]:
    """Stored as it is."""
    far = datetime(2099, 1, 1, tzinfo=UTC)
    box.put("delighted", "survey_responses", a_response("900002", far))
    yield stands("survey_responses", "id = '900002'", 1, updated_at=far)


def flip(box: Sandbox) -> str:
    """Scores in words."""
    for number in range(150):
        record = a_response(str(920000 + number), box.now, score="very good")
        box.put("delighted", "survey_responses", record)
    return "survey_responses"


def a_response(identity: str, moment: datetime, **more: Any) -> dict[str, Any]:
    """An NPS answer given and changed at one moment."""
    at = _epoch(moment)
    return {
        "id": identity,
        "person": {"id": f"9{identity}", "email": f"p{identity}@some.example", "name": "P"},
        "survey_type": "nps",
        "score": 9,
        "comment": None,
        "permalink": f"https://delighted.com/r/{identity}",
        "created_at": at,
        "updated_at": at,
        "person_properties": {},
        "notes": [],
        "tags": [],
        "additional_answers": [],
    } | more


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
