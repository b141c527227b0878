"""Customers of whom support, surveys and CSMs tell something too, and their records."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from .customers import AS_OF, STEADY, Customer, Use, everyone

Rows = dict[str, list[dict[str, Any]]]
LIGHT = (Use(8, "api_call", (2, 9, 30)), Use(2, "workflow_run", tuple(range(10))))
COLOURS = {"red": 0, "yellow": 1, "green": 2}


@dataclass(frozen=True)
class Goal:
    """An objective of a success plan; `due_in_days` counts from as_of, below 0 it is over."""

    status: str = "active"
    due_in_days: int = 30
    closed_days_ago: int = 10

    def counts(self) -> bool:
        """Whether it is part of the plan: drafts, dropped and long decided ones are not."""
        decided = self.status in ("met", "missed") and self.closed_days_ago < 365
        return self.status == "active" or decided

    def is_on_track(self) -> bool:
        """Whether it was met or can still be met in time."""
        return self.status == "met" or (self.status == "active" and self.due_in_days >= 0)


@dataclass(frozen=True)
class Heard(Customer):
    """A customer with tickets, answers, touches and what its CSM says.

    `urgent_hours`: for how long each open urgent ticket has been urgent. `nps`: contact, answer
    and days ago. `set_by_hand`: kind, value, days ago and days to go.
    """

    use: tuple[Use, ...] = LIGHT
    integrations: tuple[str, ...] = ("crm", "chat")
    urgent_hours: tuple[float, ...] = ()
    solved: int = 0
    reopened: int = 0
    good: int = 0
    bad: int = 0
    nps: tuple[tuple[str, int, int], ...] = ()
    colour: str | None = None
    colour_days_ago: int = 10
    plan: tuple[Goal, ...] = ()
    touches: int = 0
    set_by_hand: tuple[str, str, int, int] | None = None

    def values(self) -> dict[str, Fraction | None]:
        """The value of every measure; None where it cannot be known."""
        goals = [goal for goal in self.plan if goal.counts()]
        newest: dict[str, tuple[int, int]] = {}
        for contact, answer, days_ago in self.nps:
            if days_ago < 180 and days_ago < newest.get(contact, (180, 0))[0]:
                newest[contact] = (days_ago, answer)
        answers = [answer for _, answer in newest.values()]
        rated = self.good + self.bad
        is_old = self.colour_days_ago > 120
        return super().values() | {
            "objectives_on_track": (
                Fraction(sum(goal.is_on_track() for goal in goals), len(goals)) if goals else None
            ),
            "open_urgent_tickets": Fraction(len(self.urgent_hours)),
            "csat_90d": Fraction(self.good, rated) if rated >= 5 else None,
            "reopened_share_90d": (
                Fraction(self.reopened, self.solved) if self.solved >= 5 else None
            ),
            "nps_180d": Fraction(sum(answers), len(answers)) if answers else None,
            "csm_sentiment": (
                Fraction(COLOURS[self.colour]) if self.colour and not is_old else None
            ),
            "touches_90d": Fraction(self.touches),
        }


FULL = Heard(
    "full",
    "low",
    "low",
    use=STEADY.use,
    integrations=STEADY.integrations,
    solved=10,
    reopened=1,
    good=9,
    bad=1,
    nps=(("ann", 9, 20), ("ann", 2, 90), ("bob", 10, 170), ("cleo", 0, 181)),
    colour="green",
    plan=(
        *(Goal(), Goal(due_in_days=0), Goal("met")),
        *(Goal(due_in_days=-1), Goal("draft"), Goal("dropped"), Goal("missed", -400, 400)),
    ),
    touches=4,
)
HEARD = (
    FULL,
    Heard("quiet", "low", "low"),
    Heard("urgent_for_72_hours", "low", "low", urgent_hours=(72.0,)),
    Heard("urgent_for_73_hours", "low", "low", urgent_hours=(2.0, 73.0)),
    Heard("seen_red", "low", "low", colour="red", colour_days_ago=5),
    Heard("seen_red_long_ago", "low", "low", colour="red", colour_days_ago=121),
    Heard("seen_yellow_a_while_ago", "low", "low", colour="yellow", colour_days_ago=91),
    Heard("few_words", "low", "low", solved=4, reopened=4, bad=4, nps=(("ann", 1, 180),)),
    Heard("all_bad", "low", "low", solved=5, reopened=5, bad=5, nps=(("ann", 0, 1),)),
    Heard("held", "low", "low", set_by_hand=("cap", "60", 30, 1)),
    Heard("held_no_more", "low", "low", set_by_hand=("cap", "60", 30, 0)),
    Heard("raised", "low", "low", use=(), set_by_hand=("band", "green", 0, 90)),
    Heard(
        *("starting", "onboarding", "low"),
        tenure_days=10,
        colour="green",
        plan=(Goal(), Goal(due_in_days=-3)),
        nps=(("ann", 10, 2),),
    ),
    Heard(
        *("self_serve", "tech", "tech"),
        seats=3,
        seat_price=5000,
        touches=5,
        solved=6,
        good=5,
        bad=1,
    ),
    Heard("self_starting", "onboarding", "tech", seats=3, seat_price=5000, tenure_days=40),
    Heard("watched", "high", "high", seats=50, colour="yellow", touches=1, plan=(Goal("missed"),)),
)  # fmt: skip
CAPS = {"urgent_for_73_hours": 49, "seen_red": 49, "held": 60}


def _moment(hours: float) -> str:
    return (AS_OF - timedelta(hours=hours)).isoformat()


def _on(days_ago: int) -> str:
    return (AS_OF - timedelta(days=days_ago)).strftime("%Y-%m-%d")


def everybody() -> dict[str, Rows]:
    """Raw tables of all customers, by source: help desk, surveys and dropped files too."""
    desk: Rows = defaultdict(list)
    surveys: Rows = defaultdict(list)
    files: Rows = defaultdict(list)
    for who in HEARD:
        _desk(desk, who)
        for number, (contact, answer, days_ago) in enumerate(who.nps):
            at = _moment(24 * days_ago)
            surveys["survey_responses"].append(
                {"id": f"{who.name} {number}", "survey_type": "nps", "score": answer,
                 "person__email": f"{contact}@{who.name}.example", "account_key": f"p_{who.name}",
                 "created_at": at, "updated_at": at}
            )  # fmt: skip
        _files(files, who)
    for name in {row["file_name"] for rows in files.values() for row in rows}:
        files["dropped_files"].append(
            {"file_name": name, "schema_name": "s", "modified_at": _moment(30)}
        )
    told = {"zendesk": dict(desk), "delighted": dict(surveys), "files": dict(files)}
    for tables in told.values():
        tables["pulls"] = [{"pull_id": "1", "pulled_through": AS_OF.isoformat()}]
    return everyone(HEARD) | told


def _desk(desk: Rows, who: Heard) -> None:
    desk["organizations"].append(
        {"id": f"o_{who.name}", "name": who.name, "external_id": f"p_{who.name}",
         "organization_fields": {"crm_id": f"h_{who.name}"},
         "created_at": _moment(9000), "updated_at": _moment(9000)}
    )  # fmt: skip

    def ticket(key: str, status: str, priority: str, hours: float) -> None:
        at = _moment(hours)
        desk["tickets"].append(
            {"id": key, "organization_id": f"o_{who.name}", "status": status,
             "priority": priority, "created_at": at, "updated_at": at, "generated_at": at}
        )  # fmt: skip

    for number, hours in enumerate(who.urgent_hours):
        ticket(f"u_{who.name}_{number}", "open", "urgent", hours)
    ticket(f"n_{who.name}", "pending", "normal", 500)
    for number in range(who.solved):
        key = f"s_{who.name}_{number}"
        ticket(key, "solved", "urgent", 24 * 80)
        rounds = (1, 2) if number < who.reopened else (1,)
        for clock in rounds:
            for kind in ("activate", "fulfill"):
                desk["ticket_metric_events"].append(
                    {"id": f"{key} {clock} {kind}", "ticket_id": key, "type": kind,
                     "metric": "requester_wait_time", "instance_id": clock,
                     "time": _moment(24 * 79 - clock)}
                )  # fmt: skip
    for number in range(who.good + who.bad):
        at = _moment(24 * 70)
        desk["satisfaction_ratings"].append(
            {"id": f"r_{who.name}_{number}", "ticket_id": f"n_{who.name}",
             "score": "good" if number < who.good else "bad", "created_at": at, "updated_at": at}
        )  # fmt: skip


def _files(files: Rows, who: Heard) -> None:
    account = f"hubspot:h_{who.name}"

    def add(schema: str, **cells: Any) -> None:
        row = {"file_name": f"{schema}.csv", "row_number": len(files[schema]) + 2}
        files[schema].append(row | {"account": account} | cells)

    if who.colour:
        add("csm_sentiment", sentiment=who.colour, author="Kim", given_on=_on(who.colour_days_ago))
    for number, goal in enumerate(who.plan):
        add(
            "success_plan_objectives",
            objective=f"Goal {number}",
            status=goal.status,
            created_on=_on(450),
            target_on=_on(-goal.due_in_days),
            met_on=_on(goal.closed_days_ago) if goal.status == "met" else None,
        )
    for number in range(who.touches):
        schema = "touches" if number % 2 else "community_activity"
        kind = "webinar" if number % 2 else "question"
        hours = 24 * 89 if number else 24
        add(schema, type=kind, occurred_at=_moment(hours), title=f"No. {number}")
    # Outside the window of 90 days, whatever else there is.
    add("touches", type="webinar", occurred_at=_moment(24 * 91), title="Long ago")
    if who.set_by_hand:
        kind, value, days_ago, days_to_go = who.set_by_hand
        add(
            "score_overrides",
            kind=kind,
            value=value,
            author="Kim",
            reason="Knows better",
            from_on=_on(days_ago),
            expires_on=_on(-days_to_go),
        )
