"""The metric events of a ticket: when its clocks started, paused and were met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.vendors.zendesk.desk import Case
from sandbox.vendors.zendesk.shapes import iso

MOST_EVENTS = 1000
WAITS = ("requester_wait_time", "agent_work_time")


def metric_events(case: Case, now: int) -> list[tuple[int, dict[str, Any]]]:
    """Return (second, event) of a ticket up to a moment, in the order in which they happened."""
    found = []
    for number, (at, metric, kind, instance) in enumerate(_life(case)):
        if at > now:
            break
        record: dict[str, Any] = {
            "id": case.id * MOST_EVENTS + number,
            "ticket_id": case.id,
            "metric": metric,
            "instance_id": instance,
            "type": kind,
            "time": iso(at),
        }
        if kind == "update_status":
            minutes = (at - case.ticket.created) // 60
            record["status"] = {"calendar": minutes, "business": minutes // 3}
        found.append((at, record))
    return found


def _life(case: Case) -> Iterator[tuple[int, str, str, int]]:
    one = case.ticket
    turns = [(at, 0, "reply" if by_agent else "answer") for at, by_agent in one.replies]
    turns += [(at, 1, status) for at, status in one.statuses[1:]]
    replies, waits, waiting_for_reply, solved = 1, 1, True, False
    yield one.created, "reply_time", "activate", replies
    for metric in WAITS:
        yield one.created, metric, "activate", waits
    for at, _, turn in sorted(turns):
        if turn == "reply" and waiting_for_reply:
            yield at, "reply_time", "fulfill", replies
            yield at, "reply_time", "update_status", replies
            waiting_for_reply = False
        elif turn == "answer" and not waiting_for_reply:
            replies += 1
            waiting_for_reply = True
            yield at, "reply_time", "activate", replies
        elif turn == "waiting":
            yield from ((at, metric, "pause", waits) for metric in WAITS)
        elif turn == "solved":
            solved = True
            yield from ((at, metric, "fulfill", waits) for metric in WAITS)
        elif turn == "open":
            waits, solved = waits + solved, False
            yield from ((at, metric, "activate", waits) for metric in WAITS)
