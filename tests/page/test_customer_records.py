from __future__ import annotations

from page.customer_records import TIMELINE
from page.words import labels
from tests.page.conftest import Look, sound, told
from tests.page.test_customer_view import table
from tests.page.test_first_view import drawn


def test_the_score_over_time_marks_versions_and_what_held_it(look: Look) -> None:
    page = look(account="hubspot:acme")
    spec, rows = drawn(page, "health_version")
    marks = [layer["mark"]["type"] for layer in spec["layer"]]
    # Zones, the score in force, other versions, the rule and the name of a new one, what held it.
    assert marks == ["rect", "line", "line", "rule", "text", "point"]
    assert [row["score"] for row in rows(1)] == [60, 55, 52, 49, 30]
    assert [(row["health_version"], row["score"]) for row in rows(2)] == [("v1", 66)]
    assert [(f"{r['day']:%Y-%m-%d}", r["health_version"]) for r in rows(3)] == [
        ("2026-03-02", "v2")
    ]
    # The first day of the cap, and the first on which a person held it.
    assert [(r["score"], r["held"]) for r in rows(5)] == [
        (49, "payment overdue"),
        (30, "cap set by a person"),
    ]
    said = told(page).replace("\\", "")
    assert "5 days since 2026-02-26, versions v1, v2." in said
    assert "In force: cap set by a person, by Kim until 2026-04-01: =They *left*" in said


def test_tickets_come_open_before_solved_and_are_counted(look: Look) -> None:
    page = look(account="hubspot:acme")
    rows = [
        (row["source_id"], row["status"], row["priority"], row["resolution_hours"])
        for row in table(page, "reopened_count")
    ]
    assert [row[:3] for row in rows] == [
        ("7", "open", "urgent"),
        ("8", "waiting for the customer", "normal"),
        ("9", "solved", "low"),
    ]
    assert rows[2][3] == 30
    assert "2 open, 1 of them urgent; 3 in all." in told(page)


def test_answers_stand_on_their_own_scale(look: Look) -> None:
    page = look(account="hubspot:acme")
    answers = [(row["instrument"], row["answer"], row["bucket"]) for row in table(page, "answer")]
    assert answers == [("CSAT", "1 / 5", "–"), ("NPS", "9 / 10", "promoter")]
    assert "8.5 of 10 on average, 2 people. Satisfied in 90 days: 80 % of 5 answers." in told(page)


def test_what_is_overdue_is_summed_and_what_runs_out_says_so(look: Look) -> None:
    page = look(account="hubspot:acme")
    # 15,000 and the 400 that are left of 500.
    assert "2 overdue, 15.4k EUR in all, the oldest for 38 days." in told(page)
    assert [row["source_id"] for row in table(page, "amount_remaining")] == ["in_3", "in_2", "in_1"]
    states = [(row["product_name"], row["state"]) for row in table(page, "started_on")]
    assert states == [("Platform", "runs out"), ("Old plan", "ended")]


def test_the_timeline_can_be_narrowed_to_one_kind_of_events(look: Look) -> None:
    page = look(account="hubspot:acme")
    rows = [(row["what"], row["detail"], row["much"]) for row in table(page, "much")]
    assert rows == [
        ("Ticket opened", "urgent", ""),
        ("Health band changed", "Red", "49"),
        ("MRR of the month", "Expansion", "700 USD"),
        # A word of a source that the page does not know is shown as it is.
        ("Contact", "site visit", ""),
    ]
    page.segmented_control(key="timeline_of").set_value("money").run()
    assert [row["what"] for row in table(sound(page), "much")] == ["MRR of the month"]


def test_every_kind_of_event_stands_in_one_group() -> None:
    kinds = [kind for group in TIMELINE.values() for kind in group]
    assert len(kinds) == len(set(kinds))
    assert {f"event.{kind}" for kind in kinds} == {k for k in labels() if k.startswith("event.")}
