"""Subscriptions as lives in time: what is so at any moment, and what it is worth a month."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction

from sandbox.universe.catalogue import Coupon, Price, cost


@dataclass(frozen=True, slots=True)
class Discount:
    """A coupon in force from `start` until `end` (None: for ever); `item` limits it to one item."""

    id: str
    coupon: Coupon
    start: int
    end: int | None
    item: str | None = None

    def in_force(self, at: int) -> bool:
        """Return whether the discount applies to what is billed at `at`."""
        return self.start <= at and (self.end is None or at < self.end)

    def covers(self, item_id: str, product_id: str) -> bool:
        """Return whether the discount reaches an item."""
        on_item = self.item is None or self.item == item_id
        return on_item and (not self.coupon.products or product_id in self.coupon.products)


@dataclass(frozen=True, slots=True)
class Version:
    """Price and quantity of an item from `at` on."""

    at: int
    price: Price
    quantity: int


@dataclass(slots=True)
class Item:
    """One subscription item with its versions, oldest first."""

    id: str
    created: int
    versions: list[Version]

    def version(self, at: int) -> Version | None:
        """Return the version in force at `at`, None before the item exists."""
        position = bisect_right([version.at for version in self.versions], at)
        return self.versions[position - 1] if position else None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with a name: a status, or what a pause does to invoices."""

    start: int
    end: int | None
    name: str

    def holds(self, at: int) -> bool:
        """Return whether `at` lies inside."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Payment:
    """How the invoice of one cycle gets paid: tries as seconds after issue, then paid or never."""

    failed_after: tuple[int, ...]
    paid_after: int | None


@dataclass(slots=True)
class Subscription:
    """One subscription. `cycles` are the starts of its billing periods up to the horizon."""

    id: str
    company: int
    customer: str
    currency: str
    months: int
    created: int
    trial_end: int | None
    cycles: list[int]
    items: list[Item]
    collection: str
    discounts: list[Discount] = field(default_factory=list)
    customer_discount: Discount | None = None
    notice_at: int | None = None
    at_period_end: bool = False
    ended_at: int | None = None
    reason: str | None = None
    feedback: str | None = None
    pause: Span | None = None
    statuses: list[Span] = field(default_factory=list)
    payments: dict[int, Payment] = field(default_factory=dict)
    workshop: Price | None = None

    def status(self, at: int) -> str:
        """Return the vendor's status at `at`."""
        if self.ended_at is not None and at >= self.ended_at:
            return "incomplete_expired" if self.reason == "incomplete" else "canceled"
        for span in self.statuses:
            if span.holds(at):
                return span.name
        return "trialing" if self.trial_end and at < self.trial_end else "active"

    def period(self, at: int) -> tuple[int, int]:
        """Return start and end of the billing period at `at`; of the last one after the end."""
        if self.ended_at is not None:
            at = min(at, self.ended_at - 1)
        if self.trial_end and at < self.trial_end:
            return self.created, self.trial_end
        position = max(1, bisect_right(self.cycles, at))
        return self.cycles[position - 1], self.cycles[position]

    def discounts_at(self, at: int) -> list[Discount]:
        """Return the discounts in force: the subscription's own, else the customer's."""
        own = [discount for discount in self.discounts if discount.in_force(at)]
        if own or self.customer_discount is None or not self.customer_discount.in_force(at):
            return own
        return [self.customer_discount]

    def lapses(self) -> list[int]:
        """Return every moment at which the subscription may change by itself, in order."""
        moments = {self.created, *(v.at for item in self.items for v in item.versions)}
        moments.update(edge for span in self.statuses for edge in (span.start, span.end) if edge)
        for edge in (self.trial_end, self.notice_at, self.ended_at):
            moments.update([edge] if edge else [])
        if self.pause:
            moments.update(edge for edge in (self.pause.start, self.pause.end) if edge)
        moments.update(d.end for d in self.discounts if d.end)
        return sorted(moments)


def monthly_value(subscription: Subscription, at: int, with_paused: bool = False) -> Fraction:
    """Return recurring revenue per month at `at` in minor units of the subscription's currency.

    Counted: licensed recurring items of active and past-due subscriptions, net of every discount
    that recurs (item discounts first, percentages one after another, then amounts per invoice).
    Not counted: trials, unpaid, incomplete, paused and ended ones, metered and one-time prices,
    coupons of duration `once`, tax. `with_paused` counts what would be paid without the pause.
    """
    if at < subscription.created or subscription.status(at) not in ("active", "past_due"):
        return Fraction(0)
    pause = subscription.pause
    if pause and pause.name == "void" and pause.holds(at) and not with_paused:
        return Fraction(0)
    in_force = [d for d in subscription.discounts_at(at) if d.coupon.duration != "once"]
    in_force.sort(key=lambda discount: (discount.item is None, discount.coupon.amount is not None))
    total = Fraction(0)
    for item in subscription.items:
        version = item.version(at)
        if version is None or version.price.metered:
            continue
        value = cost(version.price, version.quantity)
        for discount in in_force:
            if discount.coupon.percent and discount.covers(item.id, version.price.product.id):
                value *= 1 - Fraction(discount.coupon.percent, 100)
        total += value
    for discount in in_force:
        total -= min(total, Fraction(discount.coupon.amount or 0))
    return total / subscription.months
