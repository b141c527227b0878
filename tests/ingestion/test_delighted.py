"""Delighted: paging while answers change, deletes found by the weekly listing, bad answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from requests import Response

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.sources.delighted import _FromLastChange
from sandbox import Sandbox
from sandbox.vendors.delighted.records import response_id
from tests.ingestion.acceptance.delighted import a_response, answers
from tests.ingestion.support import NOW, query, rows, small_world

Point = Callable[[Sandbox], None]
TABLE = "survey_responses"
PAGE = 10


@pytest.fixture
def box(at: Point, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A world in which a page holds ten answers; a test may ask for further options."""
    options = {"largest_page": PAGE} | getattr(request, "param", {})
    world = small_world(
        companies=60, months=6, vendors=["delighted"], options={"delighted": options}
    )
    with world as served:
        at(served)
        yield served


def ids() -> list[str]:
    return sorted(row[0] for row in query("delighted", f"select id from {TABLE}"))


def between_pages(
    monkeypatch: pytest.MonkeyPatch, page: int, change: Callable[[], None]
) -> list[bool]:
    """Runs `change` once, as soon as page number `page` is the next to be asked for."""
    update, done = _FromLastChange.update_state, []

    def changing(self: Any, response: Response, data: Any = None) -> None:
        update(self, response, data)
        if self._page == page and not done:
            done.append(True)
            change()

    monkeypatch.setattr(_FromLastChange, "update_state", changing)
    return done


def test_every_answer_arrives_as_the_api_shows_it(box: Sandbox) -> None:
    pipeline.pull("delighted")
    stored = rows("delighted", TABLE)
    assert len(stored) == len(answers(box)) > 3 * PAGE
    for row in stored:
        sent = box.record("delighted", TABLE, row["id"])
        assert sent
        assert {name: row[name] for name in ("survey_type", "score", "comment")} == {
            name: sent[name] for name in ("survey_type", "score", "comment")
        }
        assert row["person__email"] == sent["person"]["email"]
        assert row["account_key"] == sent["person_properties"].get("customer_id")
        assert row["updated_at"] == datetime.fromtimestamp(sent["updated_at"], UTC)
        assert json.loads(row["tags"]) == sent["tags"]
    assert {row["account_key"] is None for row in stored} == {True, False}


def test_answers_that_change_while_pages_are_read_push_none_out(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [box.record("delighted", TABLE, response_id(one)) for one in answers(box)]
    there = sorted(one["id"] for one in first if one)

    def change() -> None:
        for one in first[:PAGE]:
            box.put("delighted", TABLE, (one or {}) | {"updated_at": int(NOW.timestamp())})

    done = between_pages(monkeypatch, 1, change)
    pipeline.pull("delighted")
    assert done
    assert ids() == there


@pytest.mark.parametrize(
    "box", [{}, {"updated_since": "exclusive"}], indirect=True, ids=["inclusive", "exclusive"]
)
def test_a_second_longer_than_a_page_is_read_again_when_it_shrinks_meanwhile(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = NOW - timedelta(days=1)
    for number in range(5 * PAGE):
        box.put("delighted", TABLE, a_response(str(800000 + number), same))

    def change() -> None:
        for number in range(PAGE):
            box.put("delighted", TABLE, a_response(str(800000 + number), NOW))

    done = between_pages(monkeypatch, 3, change)
    pipeline.pull("delighted")
    assert done
    assert [one for one in ids() if one < "9"] == sorted(
        [*(response_id(one) for one in answers(box)),
         *(str(800000 + number) for number in range(5 * PAGE))]
    )  # fmt: skip


def test_a_deleted_answer_is_marked_by_the_listing_of_the_week(box: Sandbox, at: Point) -> None:
    pipeline.pull("delighted")
    gone = ids()[0]
    box.remove("delighted", TABLE, gone)
    box.advance(days=1)
    at(box)
    pipeline.pull("delighted")
    assert rows("delighted", TABLE, "deleted") == []
    box.advance(days=6)
    at(box)
    pipeline.pull("delighted")
    assert [row["id"] for row in rows("delighted", TABLE, "deleted")] == [gone]
    assert pipeline.pull("delighted").rows == {}
    box.put("delighted", TABLE, a_response(gone, box.now))
    pipeline.pull("delighted")
    assert rows("delighted", TABLE, "deleted") == []


def test_a_listing_that_lost_too_much_is_refused(box: Sandbox, at: Point) -> None:
    pipeline.pull("delighted")
    before = ids()
    for one in before[: len(before) // 2]:
        box.remove("delighted", TABLE, one)
    box.advance(days=7)
    at(box)
    with pytest.raises(PullError, match="survey_responses would shrink") as refused:
        pipeline.pull("delighted")
    assert refused.value.kind == "shrunk"
    assert rows("delighted", TABLE, "deleted") == []


@pytest.mark.parametrize("box", [{"calls_per_second": 4, "retry_after": 1}], indirect=True)
def test_a_limit_is_waited_for_as_long_as_the_answer_says(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "1")
    monkeypatch.setattr("ingestion.sources.delighted.PAGE", 40)
    pipeline.pull("delighted")
    statuses = [call.status for call in box.requests]
    assert len(ids()) == len(answers(box))
    # One second is what it takes for all the calls of the last one to be forgotten.
    assert 0 < statuses.count(429) < statuses.count(200)


def test_a_list_that_ignores_page_numbers_is_told_and_not_read_for_ever(box: Sandbox) -> None:
    paginator = _FromLastChange(0)
    answer = Response()
    page = [{"id": "1", "updated_at": 5}, {"id": "2", "updated_at": 5}]
    for _ in range(2):
        paginator.update_state(answer, page)
    with pytest.raises(PullError, match="keeps giving the same page") as stopped:
        paginator.update_state(answer, page)
    assert stopped.value.kind == "bad_answer"


def test_bad_answers_end_as_clean_rows_or_with_a_reason(box: Sandbox) -> None:
    good = {
        "text number": {"score": "7"},
        "person by id": {"person": "4711"},
        "no person": {"person": None, "person_properties": None},
        "no score yet": {"score": None},
        "milliseconds": {"created_at": 1790000000000},
        "new field": {"language": "ja", "comment": "\U0001f600 =1+1 \u202e\0"},
        "key that is a number": {"id": 800001},
        "phone": {"person": {"id": "1", "name": "A", "phone_number": "+1 555 0100"}},
    }
    bad = {
        "score in words": ({"score": "great"}, "score is not a whole number"),
        "half a point": ({"score": 7.5}, "score is not a whole number"),
        "no date": ({"created_at": "30 Feb"}, "created_at is not a date"),
        "year 5": ({"created_at": "0005-01-01"}, "created_at is a date outside"),
        "no key": ({"id": ""}, "id is a key and is missing"),
    }
    for name, change in good.items():
        box.put("delighted", TABLE, a_response(name, NOW) | change)
    for name, (change, _) in bad.items():
        box.put("delighted", TABLE, a_response(name, NOW) | change)
    box.put("delighted", TABLE, "no object")
    result = pipeline.pull("delighted")
    assert result.rejected == {TABLE: len(bad) + 1}
    stored = {row["id"]: row for row in rows("delighted", TABLE)}
    assert stored["text number"]["score"] == 7
    assert stored["person by id"]["person__id"] == "4711"
    assert stored["no person"]["account_key"] is None
    assert stored["no score yet"]["score"] is None
    assert stored["milliseconds"]["created_at"] == datetime.fromtimestamp(1790000000, UTC)
    assert stored["new field"]["language"] == "ja"
    assert stored["new field"]["comment"] == "\U0001f600 =1+1 \u202e"
    assert "800001" in stored
    assert stored["phone"]["person__name"] == "A"
    assert "+1 555 0100" not in repr(stored["phone"])
    told = [row["reason"] for row in rows("delighted", "quarantine")]
    for _, reason in bad.values():
        assert any(reason in one for one in told), reason
    assert "the record is not an object" in told
    assert pipeline.pull("delighted").rows == {}
