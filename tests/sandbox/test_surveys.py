"""The made-up people's answers to surveys: how many, how they move before a company leaves."""

from __future__ import annotations

from datetime import date

import pytest

from sandbox.universe.calendar import DAY
from sandbox.universe.surveys import SCALES, Answer, speaks_up
from sandbox.universe.world import World

SEED = 7


@pytest.fixture(scope="module")
def world() -> World:
    return World(SEED, 250, 24, date(2024, 11, 1))


def mean(answers: list[Answer]) -> float:
    return sum(answer.versions[0].score for answer in answers) / len(answers)


def test_scores_lie_on_the_scale_of_their_instrument_and_use_all_of_it(world: World):
    for instrument, (low, high) in SCALES.items():
        scores = {
            said.score
            for answer in world.surveys
            if answer.instrument == instrument
            for said in answer.versions
        }
        assert scores == set(range(low, high + 1))


def test_nobody_answers_before_being_asked_or_before_being_there(world: World):
    assert len({answer.number for answer in world.surveys}) == len(world.surveys)
    for answer in world.surveys:
        day = (answer.sent_at - world.frame.start) // DAY
        known = [answer.person.contact_day, answer.person.user_day]
        assert any(first is not None and first <= day for first in known)
        moments = [said.at for said in answer.versions]
        assert answer.sent_at < moments[0]
        assert moments == sorted(set(moments))


def test_far_from_everybody_answers(world: World):
    both = zip(world.companies, world.people, strict=True)
    people = {company.index: some for company, some in both}
    answered: dict[tuple[int, int], int] = {}
    for answer in world.surveys:
        if answer.programme == "crm":
            wave = answer.company.index, (answer.sent_at - world.frame.start) // DAY
            answered[wave] = answered.get(wave, 0) + 1
    asked = {
        (index, day): sum(p.contact_day is not None and p.contact_day <= day for p in people[index])
        for index, day in answered
    }
    # Where five or more were asked, hardly a wave is left out for want of any answer.
    large = [wave for wave, count in asked.items() if count >= 5]
    rate = sum(answered[wave] for wave in large) / sum(asked[wave] for wave in large)
    assert len(large) > 50
    assert 0.2 < rate < 0.5


def test_most_companies_that_will_leave_answer_lower_and_some_do_not(world: World):
    before: dict[bool, list[Answer]] = {True: [], False: []}
    calm: dict[bool, list[Answer]] = {True: [], False: []}
    for answer in world.surveys:
        company = answer.company
        if answer.instrument != "nps" or company.leaves_by != "voluntary":
            continue
        assert company.leaving_day is not None
        to_go = company.leaving_day - (answer.sent_at - world.frame.start) // DAY
        kept = calm if to_go > 150 else before if -30 < to_go < 75 else None
        if kept is not None:
            kept[speaks_up(SEED, company)].append(answer)
    assert len(before[True]) > len(before[False]) > 10
    assert mean(before[True]) < mean(calm[True]) - 1.5
    assert abs(mean(before[False]) - mean(calm[False])) < 0.8


def test_equal_seeds_give_equal_answers(world: World):
    again = World(SEED, 250, 24, date(2024, 11, 1))
    assert again.surveys == world.surveys
