"""Who signs what: draws the subscriptions of every company, from first trial to last payment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sandbox.universe.calendar import DAY, add_months, day_of
from sandbox.universe.catalogue import ANALYTICS_TEAMS, Catalogue, Coupon
from sandbox.universe.chance import stream, token
from sandbox.universe.companies import Company
from sandbox.universe.contracts import Discount, Item, Span, Subscription, Version
from sandbox.universe.paying import draw_payments

_UPGRADE = {"starter": "team", "team": "enterprise"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The fixed frame of a universe: its seed, first second and last second."""

    seed: int
    start: int
    horizon: int


def sign(
    frame: Frame, catalogue: Catalogue, company: Company, customers: list[str]
) -> list[Subscription]:
    """Return all subscriptions of a company; the second customer, if any, gets one of its own."""
    if company.signed_day is None:
        return []
    rng = stream(frame.seed, "sign", company.index)
    created = frame.start + company.signed_day * DAY + int(rng.integers(7 * 3600, 18 * 3600))
    if created >= frame.horizon:
        return []
    main = _main(frame, catalogue, company, customers[0], created, rng, 0)
    signed = [main]
    if main.reason in ("trial", "incomplete"):
        return signed
    sides = []
    if rng.random() < 0.16:
        sides.append(_add_on(frame, catalogue, company, customers[0], main, rng))
    if len(customers) > 1:
        sides.append(_second_team(frame, catalogue, company, customers[1], main, rng))
    gone = main.ended_at or main.notice_at or frame.horizon
    signed.extend(side for side in sides if side.created < gone - 40 * DAY)
    if company.returns_after_days and main.ended_at:
        back = main.ended_at + company.returns_after_days * DAY
        if back < frame.horizon - 90 * DAY:
            stays = replace(company, leaving_day=None, leaves_by=None)
            signed.append(_main(frame, catalogue, stays, customers[0], back, rng, 9))
    return signed


def _blank(
    frame: Frame, company: Company, customer: str, created: int, months: int, number: int,
    trial_days: int = 0, collection: str = "charge_automatically",
) -> Subscription:  # fmt: skip
    trial_end = created + trial_days * DAY if trial_days else None
    anchor = trial_end or created
    day = day_of(anchor).day
    cycles = [anchor]
    while cycles[-1] <= frame.horizon:
        cycles.append(add_months(anchor, months * len(cycles), day))
    cycles.append(add_months(anchor, months * len(cycles), day))
    return Subscription(
        token("sub_", frame.seed, company.index, number, length=24), company.index, customer,
        company.currency, months, created, trial_end, cycles, [], collection,
    )  # fmt: skip


def _main(
    frame: Frame, catalogue: Catalogue, company: Company, customer: str, created: int,
    rng: np.random.Generator, number: int,
) -> Subscription:  # fmt: skip
    trial = 14 if company.plan != "enterprise" and rng.random() < 0.28 else 0
    by_invoice = company.plan == "enterprise" and company.months == 12 and rng.random() < 0.7
    if company.leaves_by == "involuntary":
        by_invoice = False
    sub = _blank(frame, company, customer, created, company.months, number, trial,
                 "send_invoice" if by_invoice else "charge_automatically")  # fmt: skip
    _fill(frame, catalogue, company, sub, rng)
    fate = rng.random()
    if sub.trial_end and fate < 0.17:
        sub.reason = "trial"
        if fate < 0.06:
            sub.statuses.append(Span(sub.trial_end, None, "paused"))
        else:
            sub.ended_at = sub.notice_at = sub.trial_end
        return sub
    if not trial and fate > 0.985:
        sub.reason, sub.ended_at = "incomplete", created + 23 * 3600
        sub.statuses.append(Span(created, sub.ended_at, "incomplete"))
        return sub
    _leave(frame, company, sub, rng)
    _change_seats(frame, catalogue, company, sub, rng)
    _discount(frame, catalogue, company, sub, rng)
    alive = (sub.notice_at or frame.horizon) - created
    if rng.random() < 0.03 and alive > 150 * DAY:
        begin = created + int(alive * rng.uniform(0.3, 0.5))
        behavior = "void" if rng.random() < 0.7 else "keep_as_draft"
        sub.pause = Span(begin, begin + int(rng.integers(30, 75)) * DAY, behavior)
    draw_payments(frame.seed, sub, company.leaves_by == "involuntary", frame.horizon)
    return sub


def _item(frame: Frame, sub: Subscription, number: int, version: Version) -> Item:
    return Item(token("si_", frame.seed, sub.id, number), version.at, [version])


def _fill(
    frame: Frame,
    catalogue: Catalogue,
    company: Company,
    sub: Subscription,
    rng: np.random.Generator,
) -> None:
    def add(product: str, variant: str, quantity: int, months: int | None = None) -> None:
        price = catalogue.price(product, variant, sub.currency, months or sub.months)
        version = Version(sub.created, price, quantity)
        sub.items.append(_item(frame, sub, len(sub.items), version))

    kind = rng.random()
    variant = "seat"
    if company.plan == "starter":
        variant = "bundle" if kind < 0.1 else "legacy" if kind < 0.22 else "seat"
    add(company.plan, variant, company.seats)
    if company.plan == "starter":
        if sub.months == 1 and rng.random() < 0.08:
            add("usage", "metered", 0, 1)
        return
    if rng.random() < 0.3:
        add("support", "flat", 1)
    if rng.random() < 0.35:
        calls = int(10 ** rng.uniform(3.6, 5.2)) // 100 * 100
        add("api", "volume" if rng.random() < 0.5 else "graduated", calls)
    large = company.plan == "enterprise"
    if rng.random() < (0.35 if large else 0.2):
        teams = 12 if large and rng.random() < 0.35 else int(rng.integers(1, 4))
        for team in ANALYTICS_TEAMS[:teams]:
            add("analytics", team, 1)
    if sub.months == 1 and rng.random() < 0.2:
        add("usage", "metered", 0, 1)
    if rng.random() < 0.12:
        sub.workshop = catalogue.price("support", "workshop", sub.currency, None)


def _leave(frame: Frame, company: Company, sub: Subscription, rng: np.random.Generator) -> None:
    if company.leaving_day is None:
        return
    wish = max(frame.start + company.leaving_day * DAY, sub.cycles[0] + 20 * DAY)
    wish += int(rng.integers(8 * 3600, 17 * 3600))
    following = next(cycle for cycle in [*sub.cycles, wish] if cycle >= wish)
    if company.leaves_by == "involuntary":
        sub.notice_at = following
        return
    notice = wish
    if sub.months == 12:
        notice = max(sub.cycles[0] + 20 * DAY, following - int(rng.integers(5, 60)) * DAY)
    sub.notice_at = notice
    sub.reason = "cancellation_requested"
    sub.feedback = ("too_expensive", "unused", "switched_service", "missing_features")[
        int(rng.integers(4))
    ]
    sub.at_period_end = rng.random() < 0.8
    sub.ended_at = following if sub.at_period_end else notice


def _change_seats(
    frame: Frame,
    catalogue: Catalogue,
    company: Company,
    sub: Subscription,
    rng: np.random.Generator,
) -> None:
    platform = sub.items[0]
    until = min(sub.notice_at or frame.horizon, frame.horizon) - 2 * DAY
    first = sub.cycles[0] + 15 * DAY
    moments = [first + int(rng.exponential(240 * DAY))]
    while moments[-1] < until:
        moments.append(moments[-1] + DAY + int(rng.exponential(240 * DAY)))
    lean = {"growing": 0.85, "fading": 0.25}.get(company.pattern, 0.6)
    upgraded = False
    for at in moments[:-1]:
        last = platform.versions[-1]
        late = company.uses_less_first and until - at < 150 * DAY
        grows = rng.random() < (0.15 if late else lean)
        factor = rng.uniform(1.08, 1.4) if grows else rng.uniform(0.7, 0.95)
        quantity = max(1, round(last.quantity * factor) or 1)
        if quantity == last.quantity:
            quantity += 1
        price = last.price
        bigger = _UPGRADE.get(price.product.key)
        if grows and bigger and not upgraded and rng.random() < 0.12:
            price, upgraded = catalogue.price(bigger, "seat", sub.currency, sub.months), True
        platform.versions.append(Version(at, price, quantity))


def _discount(
    frame: Frame,
    catalogue: Catalogue,
    company: Company,
    sub: Subscription,
    rng: np.random.Generator,
) -> None:
    draw, money = rng.random(), sub.currency.upper()
    welcome = {1: "WELCOME20-3M", 3: "WELCOME20-6M", 12: "FIRSTYEAR10"}[sub.months]
    coupons: tuple[str, ...] = ()
    for share, names in (
        (0.14, (welcome,)),
        (0.20, ("PARTNER15",)),
        (0.24, ("SORRY50",)),
        (0.27, (f"LOYAL-{money}",)),
        (0.29, (f"START-{money}",)),
        (0.31, ("PARTNER15", f"LOYAL-{money}")),
        (0.315, ("CHARITY100",)),
    ):
        if draw < share:
            coupons = names
            break
    for name in coupons:
        sub.discounts.append(attach(frame.seed, catalogue.coupons[name], sub.id, sub.cycles[0]))
    if coupons == ("SORRY50",):
        sub.discounts[-1] = _kept_for_next_invoice(frame, catalogue, sub, rng)
    analytics = [item for item in sub.items if item.versions[0].price.product.key == "analytics"]
    if analytics and rng.random() < 0.4:
        coupon = catalogue.coupons["ANALYTICS30"]
        if rng.random() < 0.5:
            sub.discounts.append(attach(frame.seed, coupon, sub.id, sub.created))
        else:
            one = attach(frame.seed, coupon, analytics[0].id, sub.created)
            sub.discounts.append(replace(one, item=analytics[0].id))


def _kept_for_next_invoice(
    frame: Frame, catalogue: Catalogue, sub: Subscription, rng: np.random.Generator
) -> Discount:
    """Return a coupon given in mid-period: in force until the next invoice has used it up."""
    number = 1 + int(rng.integers(0, max(1, min(20, len(sub.cycles) - 2))))
    at = sub.cycles[number] - int(rng.integers(2, 20)) * DAY
    one = attach(frame.seed, catalogue.coupons["SORRY50"], sub.id, at)
    return replace(one, end=sub.cycles[number] + 1)


def attach(seed: int, coupon: Coupon, owner: str, at: int) -> Discount:
    """Return the coupon given to a subscription, item or customer at `at`."""
    end = None
    if coupon.duration == "repeating":
        end = add_months(at, coupon.months or 1)
    elif coupon.duration == "once":
        end = at + 1
    return Discount(token("di_", seed, owner, coupon.id, length=24), coupon, at, end)


def _add_on(
    frame: Frame, catalogue: Catalogue, company: Company, customer: str, main: Subscription,
    rng: np.random.Generator,
) -> Subscription:  # fmt: skip
    created = main.cycles[0] + int(rng.integers(20, 200)) * DAY
    months = 12 if rng.random() < 0.3 else 1
    sub = _blank(frame, company, customer, created, months, 1)
    price = catalogue.price(
        "analytics", ANALYTICS_TEAMS[int(rng.integers(12))], sub.currency, months
    )
    sub.items.append(_item(frame, sub, 0, Version(created, price, 1)))
    _end_with(main, sub, rng)
    if sub.ended_at is None and rng.random() < 0.25:
        wish = created + int(rng.integers(90, 500)) * DAY
        sub.notice_at = wish
        sub.ended_at = next((cycle for cycle in sub.cycles if cycle >= wish), wish)
        sub.at_period_end, sub.reason, sub.feedback = True, "cancellation_requested", "unused"
    draw_payments(frame.seed, sub, False, frame.horizon)
    return sub


def _second_team(
    frame: Frame, catalogue: Catalogue, company: Company, customer: str, main: Subscription,
    rng: np.random.Generator,
) -> Subscription:  # fmt: skip
    created = main.cycles[0] + int(rng.integers(30, 240)) * DAY
    sub = _blank(frame, company, customer, created, 1, 2)
    price = catalogue.price("starter", "seat", sub.currency, 1)
    sub.items.append(_item(frame, sub, 0, Version(created, price, int(rng.integers(2, 9)))))
    _end_with(main, sub, rng)
    draw_payments(frame.seed, sub, False, frame.horizon)
    return sub


def _end_with(main: Subscription, sub: Subscription, rng: np.random.Generator) -> None:
    """Let a side subscription stop when the company leaves, at the end of what is then paid."""
    leaves = main.ended_at or main.notice_at
    if leaves is None:
        return
    sub.notice_at = max(leaves - int(rng.integers(0, 20)) * DAY, sub.created + DAY)
    sub.ended_at = next((c for c in sub.cycles if c > sub.notice_at), sub.notice_at)
    sub.at_period_end, sub.reason, sub.feedback = True, "cancellation_requested", "unused"
