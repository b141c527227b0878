"""Invoices of a subscription, one after another, as the billing system would issue them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from sandbox.universe.calendar import DAY
from sandbox.universe.catalogue import Price, cost
from sandbox.universe.chance import fraction, token
from sandbox.universe.contracts import Discount, Item, Subscription, Version
from sandbox.universe.paying import DUE_DAYS, issued_at

TAX_PERCENT = {"DE": 19, "FR": 20, "NL": 21, "GB": 20, "JP": 10}


@dataclass(slots=True)
class Line:
    """One invoice line; `amount` is before discounts, `discounts` are (discount id, amount)."""

    id: str
    amount: int
    quantity: int
    price: Price
    start: int
    end: int
    description: str
    item: str | None = None
    proration: bool = False
    discounts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def net(self) -> int:
        """Amount after discounts."""
        return self.amount - sum(amount for _, amount in self.discounts)


@dataclass(slots=True)
class Invoice:
    """One invoice with every moment of its life; None is a moment that never comes."""

    id: str
    sub: Subscription
    number: int
    created: int
    reason: str
    start: int
    end: int
    lines: list[Line]
    tax_percent: int
    finalized: int | None = None
    due: int | None = None
    paid: int | None = None
    voided: int | None = None
    uncollectible: int | None = None
    tries: list[tuple[int, bool]] = field(default_factory=list)
    subtotal: int = 0
    discount: int = 0
    tax: int = 0
    total: int = 0

    def status(self, at: int) -> str:
        """Return the vendor's status at `at`."""
        for moment, name in (
            (self.voided, "void"),
            (self.paid, "paid"),
            (self.uncollectible, "uncollectible"),
        ):
            if moment is not None and at >= moment:
                return name
        return "open" if self.finalized is not None and at >= self.finalized else "draft"


def half_up(value: Fraction) -> int:
    """Return the nearest integer, halves away from zero."""
    sign = -1 if value < 0 else 1
    return sign * int(abs(value) + Fraction(1, 2))


def invoices_of(seed: int, sub: Subscription, country: str) -> Iterator[Invoice]:
    """Yield the invoices of a subscription in order of creation, up to its end or the horizon."""
    tax = TAX_PERCENT.get(country, 0)
    count = 0

    def make(created: int, reason: str, span: tuple[int, int], lines: list[Line]) -> Invoice:
        nonlocal count
        count += 1
        invoice = Invoice(token("in_", seed, sub.id, count, length=24), sub, count, created, reason,
                          *span, lines, tax)  # fmt: skip
        for position, line in enumerate(lines):
            line.id = token("il_", seed, invoice.id, position, length=24)
        _total(invoice, sub.discounts_at(created))
        return invoice

    if sub.trial_end:
        trial = make(
            sub.created, "subscription_create", (sub.created, sub.trial_end), _trial_lines(sub)
        )
        trial.finalized = trial.paid = sub.created
        yield trial
        if sub.reason == "trial":
            return
    death = next((n for n, payment in sub.payments.items() if payment.paid_after is None), None)
    pending: list[Line] = []
    for number, (start, end) in enumerate(zip(sub.cycles, sub.cycles[1:], strict=False)):
        if sub.ended_at is not None and start >= sub.ended_at:
            return
        first = number == 0 and not sub.trial_end
        lines = [*pending, *_cycle_lines(seed, sub, number, start, end, first)]
        reason = "subscription_create" if first else "subscription_cycle"
        invoice = make(start, reason, (sub.cycles[max(0, number - 1)], start), lines)
        _settle(invoice, number, death)
        yield invoice
        pending = []
        for at, credit, debit in _prorations(sub, start, end):
            if sub.months == 12 and credit.amount + debit.amount > 0:
                update = make(at, "subscription_update", (at, at), [credit, debit])
                update.finalized = at
                _pay(update, update.finalized, (), 0)
                yield update
            else:
                pending += [credit, debit]


def _trial_lines(sub: Subscription) -> list[Line]:
    assert sub.trial_end is not None
    return [
        Line("", 0, item.versions[0].quantity, item.versions[0].price, sub.created, sub.trial_end,
             f"Trial period for {item.versions[0].price.product.name}", item.id)
        for item in sub.items
    ]  # fmt: skip


def _cycle_lines(
    seed: int, sub: Subscription, number: int, start: int, end: int, first: bool
) -> list[Line]:
    lines = []
    for item in sub.items:
        version = item.version(start)
        if version is None:
            continue
        price, quantity = version.price, version.quantity
        if price.metered:
            if number == 0:
                continue
            quantity = int(5000 + 60000 * fraction(seed, "metered", item.id, number))
            lines.append(Line("", half_up(cost(price, quantity)), quantity, price,
                              sub.cycles[number - 1], start,
                              f"{quantity} x {price.product.name}", item.id))  # fmt: skip
        else:
            lines.append(Line("", half_up(cost(price, quantity)), quantity, price, start, end,
                              f"{quantity} x {price.product.name}", item.id))  # fmt: skip
    if first and sub.workshop and sub.workshop.unit is not None:
        lines.append(Line("", int(sub.workshop.unit), 1, sub.workshop, start, start,
                          "Onboarding workshop"))  # fmt: skip
    return lines


def _prorations(sub: Subscription, start: int, end: int) -> Iterator[tuple[int, Line, Line]]:
    stop = min(end, sub.ended_at or end)
    for item in sub.items:
        for before, after in zip(item.versions, item.versions[1:], strict=False):
            if start < after.at < stop:
                share = Fraction(end - after.at, end - start)
                old = -half_up(_net_cost(sub, item, before, after.at) * share)
                new = half_up(_net_cost(sub, item, after, after.at) * share)
                yield (
                    after.at,
                    Line("", old, before.quantity, before.price, after.at, end,
                         f"Unused time on {before.quantity} x {before.price.product.name}",
                         item.id, True),
                    Line("", new, after.quantity, after.price, after.at, end,
                         f"Remaining time on {after.quantity} x {after.price.product.name}",
                         item.id, True),
                )  # fmt: skip


def _net_cost(sub: Subscription, item: Item, version: Version, at: int) -> Fraction:
    value = cost(version.price, version.quantity)
    for discount in sub.discounts_at(at):
        if discount.coupon.percent and discount.covers(item.id, version.price.product.id):
            value *= 1 - Fraction(discount.coupon.percent, 100)
    return value


def _total(invoice: Invoice, discounts: list[Discount]) -> None:
    open_lines = [line for line in invoice.lines if not line.proration]
    ordered = sorted(discounts, key=lambda d: (d.item is None, d.coupon.amount is not None))
    for discount in ordered:
        reached = [
            line for line in open_lines if discount.covers(line.item or "", line.price.product.id)
        ]
        if discount.coupon.percent:
            for line in reached:
                cut = half_up(Fraction(line.net * discount.coupon.percent, 100))
                line.discounts.append((discount.id, cut))
        else:
            _spread(discount, reached)
    invoice.subtotal = sum(line.amount for line in invoice.lines)
    invoice.discount = sum(amount for line in invoice.lines for _, amount in line.discounts)
    before_tax = invoice.subtotal - invoice.discount
    invoice.tax = half_up(Fraction(before_tax * invoice.tax_percent, 100))
    invoice.total = before_tax + invoice.tax


def _spread(discount: Discount, lines: list[Line]) -> None:
    """Spread an amount over lines by their net amounts; the last takes what rounding leaves."""
    whole = sum(line.net for line in lines)
    left = amount = min(discount.coupon.amount or 0, whole)
    for line in lines:
        cut = left if line is lines[-1] else amount * line.net // whole if whole else 0
        line.discounts.append((discount.id, cut))
        left -= cut


def _settle(invoice: Invoice, number: int, death: int | None) -> None:
    sub = invoice.sub
    issued = issued_at(sub, number)
    if sub.reason == "incomplete":
        invoice.finalized, invoice.voided = issued, sub.ended_at
        invoice.tries = [(issued, False)]
        return
    if death is not None and number > death:
        return
    if sub.pause and sub.pause.holds(invoice.created):
        if sub.pause.name == "void":
            invoice.finalized = invoice.voided = issued
        return
    invoice.finalized = issued
    if sub.collection == "send_invoice":
        invoice.due = issued + DUE_DAYS * DAY
    payment = sub.payments.get(number)
    if payment is None:
        _pay(invoice, issued, (), 0)
    else:
        _pay(invoice, issued, payment.failed_after, payment.paid_after)
        if payment.paid_after is None and sub.reason == "payment_failed":
            invoice.uncollectible = sub.ended_at


def _pay(invoice: Invoice, issued: int, failed: tuple[int, ...], after: int | None) -> None:
    if invoice.total <= 0:
        invoice.paid = issued
        return
    invoice.tries = [(issued + delay, False) for delay in failed]
    if after is not None:
        invoice.paid = issued + after
        invoice.tries.append((invoice.paid, True))
