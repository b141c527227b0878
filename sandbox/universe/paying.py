"""How invoices get paid: at once, late, after failed tries, or never."""

from __future__ import annotations

from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction
from sandbox.universe.contracts import Payment, Span, Subscription

ISSUE_DELAY = 3600
DUE_DAYS = 30
_RETRY_DAYS = (3, 5, 7, 11, 16)
_GIVES_UP_DAYS = 28


def draw_payments(seed: int, sub: Subscription, card_dies: bool, horizon: int) -> None:
    """Decide every cycle's payment up to the horizon and the statuses that follow from it.

    A cycle without an entry in `sub.payments` is paid as soon as it is issued. When `card_dies`,
    the cycle at `sub.notice_at` is never paid: 28 days past due, then cancelled or left unpaid.
    """
    last = min(sub.ended_at or horizon, horizon)
    for number, start in enumerate(sub.cycles):
        if start >= last:
            break
        if card_dies and sub.notice_at is not None and start >= sub.notice_at:
            _die(seed, sub, number)
            break
        draw = fraction(seed, "pay", sub.id, number)
        if sub.collection == "send_invoice":
            _by_invoice(sub, number, draw)
        elif draw < 0.022 and number > 0:
            _late(sub, number, draw / 0.022, last)


def issued_at(sub: Subscription, number: int) -> int:
    """Return when the invoice of a cycle is finalized: the first at once, others after an hour."""
    first = number == 0 and sub.trial_end is None
    return sub.cycles[number] + (0 if first else ISSUE_DELAY)


def _late(sub: Subscription, number: int, draw: float, last: int) -> None:
    days = 1 + int(draw * 17)
    tries = (0, *(day * DAY for day in _RETRY_DAYS if day < days))
    issued = issued_at(sub, number)
    sub.payments[number] = Payment(tries, days * DAY)
    sub.statuses.append(Span(issued, min(issued + days * DAY, last), "past_due"))


def _by_invoice(sub: Subscription, number: int, draw: float) -> None:
    days = 4 + int(draw * 24) if draw < 0.8 else 26 + int((draw - 0.8) * 5 * 45)
    issued = issued_at(sub, number)
    sub.payments[number] = Payment((), days * DAY)
    if days > DUE_DAYS:
        sub.statuses.append(Span(issued + DUE_DAYS * DAY, issued + days * DAY, "past_due"))


def _die(seed: int, sub: Subscription, number: int) -> None:
    issued = issued_at(sub, number)
    over = issued + _GIVES_UP_DAYS * DAY
    tries = (0, *(day * DAY for day in _RETRY_DAYS))
    sub.payments[number] = Payment(tries, None)
    sub.statuses.append(Span(issued, over, "past_due"))
    if fraction(seed, "left unpaid", sub.id) < 0.2:
        sub.statuses.append(Span(over, None, "unpaid"))
        sub.reason = "unpaid"
    else:
        sub.ended_at, sub.reason = over, "payment_failed"
