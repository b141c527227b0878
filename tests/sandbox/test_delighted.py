"""Delighted's protocol: pages, orders, people by a link, limits, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.vendors.delighted.records import response_id
from tests.sandbox.conftest import small

PATH = "/v1/survey_responses.json"


def get(box: Sandbox, path: str, key: str | None = None, **params: Any) -> requests.Response:
    env = box.environment()
    url = path if path.startswith("http") else env["SOURCES__DELIGHTED__BASE_URL"] + path
    auth = (key or env["SOURCES__DELIGHTED__API_KEY"], "")
    return requests.get(url, params=params, auth=auth, timeout=10)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with small(vendors=["delighted"]) as served:
        yield served


def everything(box: Sandbox, **params: Any) -> list[Any]:
    rows: list[Any] = []
    page = 1
    while found := get(box, PATH, per_page=100, page=page, **params).json():
        rows += found
        page += 1
    return rows


def test_a_page_is_a_bare_list_of_twenty_newest_first(box: Sandbox) -> None:
    rows = get(box, PATH).json()
    assert len(rows) == 20
    assert [row["created_at"] for row in rows] == sorted(
        (row["created_at"] for row in rows), reverse=True
    )
    assert rows[0]["created_at"] <= box.now.timestamp()
    assert isinstance(rows[0]["person"], str)
    assert len(get(box, PATH, per_page=500).json()) == 100, "never more than the largest page"


def test_pages_follow_each_other_in_the_order_of_the_last_change(box: Sandbox) -> None:
    rows = everything(box, order="asc:updated_at", **{"expand[]": "person"})
    feedback = [
        one
        for one in box.world.surveys
        if one.programme == "feedback" and one.responded_at <= box.now.timestamp()
    ]
    assert len({row["id"] for row in rows}) == len(rows) == len(feedback) > 100
    changes = [row["updated_at"] for row in rows]
    assert changes == sorted(changes)
    assert any(row["updated_at"] > row["created_at"] for row in rows)
    assert {"id", "email", "name", "created_at"} <= rows[0]["person"].keys()
    assert any("customer_id" in row["person_properties"] for row in rows)
    since = changes[len(changes) // 2]
    later = everything(box, order="asc:updated_at", updated_since=since)
    assert [row["id"] for row in later] == [r["id"] for r in rows if r["updated_at"] >= since]


def test_the_clock_reveals_an_answer_and_what_the_person_made_of_it_later() -> None:
    with small(vendors=["delighted"]) as box:
        said = next(
            one
            for one in box.world.surveys
            if one.programme == "feedback"
            and len(one.versions) == 2
            and one.responded_at > box.now.timestamp()
        )
        path = f"/v1/survey_responses/{response_id(said)}.json"
        assert get(box, path).status_code == 404
        shown = []
        for version in said.versions:
            box.advance(hours=(version.at - box.now.timestamp()) / 3600 + 1)
            shown.append(get(box, path).json())
        first, second = said.versions
    assert [row["updated_at"] for row in shown] == [first.at, second.at]
    assert [row["created_at"] for row in shown] == [first.at, first.at]
    assert [row["comment"] for row in shown] == [first.comment, second.comment]


def test_people_are_paged_by_a_link(box: Sandbox) -> None:
    answer = get(box, "/v1/people.json", per_page=50)
    people = answer.json()
    while "next" in answer.links:
        answer = get(box, answer.links["next"]["url"])
        people += answer.json()
    answered = {row["person"] for row in everything(box)}
    assert len(people) == len(answered) > 50
    assert {person["id"] for person in people} == answered


def test_metrics_are_those_of_all_answers(box: Sandbox) -> None:
    scores = [row["score"] for row in everything(box) if row["survey_type"] == "nps"]
    found = get(box, "/v1/metrics.json").json()
    assert found["response_count"] == len(scores)
    assert found["promoter_count"] == sum(score > 8 for score in scores)
    assert found["detractor_count"] == sum(score < 7 for score in scores)
    share = 100 * (found["promoter_count"] - found["detractor_count"]) / len(scores)
    assert found["nps"] == pytest.approx(share, abs=0.5)


def test_one_response_can_be_read_and_put_and_removed() -> None:
    with small(vendors=["delighted"], options={"delighted": {"updated_since": "exclusive"}}) as box:
        row = get(box, PATH, per_page=1).json()[0]
        record = box.record("delighted", "survey_responses", row["id"])
        assert record["person"]["id"] == row["person"]
        now = int(box.now.timestamp())
        box.put("delighted", "survey_responses", record | {"score": 0, "updated_at": now})
        assert get(box, PATH, updated_since=now - 1).json()[0]["score"] == 0
        assert get(box, PATH, updated_since=now).json() == []
        box.remove("delighted", "survey_responses", row["id"])
        assert get(box, f"/v1/survey_responses/{row['id']}.json").status_code == 404


def test_errors_have_the_vendors_shape_and_a_limit_names_its_wait() -> None:
    options = {"delighted": {"calls_per_second": 2, "retry_after": 3}}
    with small(vendors=["delighted"], options=options) as box:
        wrong = get(box, PATH, key="no")
        assert (wrong.status_code, wrong.json()["status"]) == (401, 401)
        answers = [get(box, PATH, order="upwards"), get(box, "/v1/nothing.json"), get(box, PATH)]
        assert [answer.status_code for answer in answers] == [422, 404, 429]
        assert answers[2].headers["Retry-After"] == "3"
