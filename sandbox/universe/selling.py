"""Deals and meetings: what sales and customer success do with a company, and stop doing."""

from __future__ import annotations

import numpy as np

from sandbox.universe.calendar import DAY, iso_ms
from sandbox.universe.chance import stream
from sandbox.universe.companies import Company
from sandbox.universe.crm import CrmObject, CrmWriter, Properties, Story, record_id
from sandbox.universe.signing import Frame

DAY_MS = DAY * 1000
STAGES = (
    ("appointmentscheduled", "Appointment scheduled", 0.2),
    ("qualifiedtobuy", "Qualified to buy", 0.4),
    ("presentationscheduled", "Presentation scheduled", 0.6),
    ("contractsent", "Contract sent", 0.9),
    ("closedwon", "Closed won", 1.0),
    ("closedlost", "Closed lost", 0.0),
)
_MEETINGS_A_DAY = {"starter": 0.0025, "team": 0.014, "enterprise": 0.045}
Holders = list[tuple[str, int, int | None]]


def write_deals(
    writer: CrmWriter, frame: Frame, company: Company, story: Story, holders: Holders,
    contacts: list[CrmObject],
) -> None:  # fmt: skip
    """Write the first deal, renewals of yearly plans, expansions, and a prospect's lost deals."""
    rng = stream(frame.seed, "deals", company.index)
    plans: list[tuple[str, int, int, str]] = []  # type, opened, closed, outcome
    if company.signed_day is not None and company.in_billing:
        plans.append(("newbusiness", company.met_day, company.signed_day, "closedwon"))
        day = company.signed_day + 365
        while company.months == 12 and writer.ms(day) < frame.horizon * 1000:
            lost = story.notice_day is not None and day > story.notice_day
            plans.append(
                ("existingbusiness", day - 110, day - 5, "closedlost" if lost else "closedwon")
            )
            if lost:
                break
            day += 365
        if company.pattern == "growing":
            opened = company.signed_day + int(rng.integers(100, 300))
            if story.notice_day is None or opened + 40 < story.notice_day:
                plans.append(("existingbusiness", opened, opened + 40, "closedwon"))
    else:
        opened = company.met_day + int(rng.integers(1, 30))
        if rng.random() < 0.8:
            plans.append(("newbusiness", opened, opened + int(rng.integers(30, 200)), "closedlost"))
    for number, (kind, opened, closed, outcome) in enumerate(plans):
        if writer.ms(opened) >= frame.horizon * 1000:
            continue
        amount = max(
            1, round(story.arr * (1.0 if kind == "newbusiness" else rng.uniform(0.2, 1.1)))
        )
        record = _deal(writer, company, number, kind, opened, closed, outcome, amount, rng)
        _link(writer, "deals", record, holders)
        for contact in contacts[:2]:
            writer.crm.link(("deals", record.id), ("contacts", contact.id),
                            max(record.created, contact.created))  # fmt: skip
        if rng.random() < 0.02:
            record.archived = record.created + int(rng.integers(30, 300)) * DAY_MS


def _deal(
    writer: CrmWriter, company: Company, number: int, kind: str, opened: int, closed: int,
    outcome: str, amount: int, rng: np.random.Generator,
) -> CrmObject:  # fmt: skip
    created = writer.ms(opened, int(rng.integers(30_000, 60_000)))
    ends = max(writer.ms(closed, int(rng.integers(30_000, 60_000))), created + 3_600_000)
    owner = writer.owner(rng)
    properties: Properties = {
        "dealname": f"{company.name} - {kind.removesuffix('business')} {number + 1}",
        "amount": str(amount) if rng.random() < 0.95 else None,
        "deal_currency_code": company.currency.upper(),
        "closedate": iso_ms(ends),
        "createdate": iso_ms(created),
        "pipeline": "default",
        "dealstage": STAGES[0][0],
        "dealtype": kind,
        "hs_is_closed": "false",
        "hs_is_closed_won": "false",
        "hubspot_owner_id": owner,
    }
    record = CrmObject(record_id("deals", company.index, number), created, [(created, properties)])
    for step in (1, 2, 3):
        record.change(created + (ends - created) * step // 4, dealstage=STAGES[step][0])
    won = "true" if outcome == "closedwon" else "false"
    record.change(ends, dealstage=outcome, hs_is_closed="true", hs_is_closed_won=won)
    writer.crm.objects["deals"].append(record)
    return record


def write_meetings(
    writer: CrmWriter, frame: Frame, company: Company, story: Story, holders: Holders,
    contacts: list[CrmObject],
) -> list[int]:  # fmt: skip
    """Write meetings and return their start days; fewer of them before some churns."""
    rng = stream(frame.seed, "meetings", company.index)
    horizon = (frame.horizon - frame.start) // DAY
    end = min(story.ended_day or horizon, horizon)
    if company.signed_day is None:
        end = min(company.met_day + 90, horizon)
    quiet = story.notice_day - 90 if story.notice_day and company.meets_less_first else horizon + 1
    rate = _MEETINGS_A_DAY[company.plan] * (0.5 + company.quality)
    days: list[int] = []
    day = company.met_day + rng.exponential(1 / rate)
    while day < end and len(days) < 4000:
        kept = day < quiet or rng.random() < 0.15
        if kept:
            days.append(int(day))
            _meeting(writer, company, len(days), int(day), holders, contacts, rng)
        day += rng.exponential(1 / rate)
    return days


def _meeting(
    writer: CrmWriter, company: Company, number: int, day: int, holders: Holders,
    contacts: list[CrmObject], rng: np.random.Generator,
) -> None:  # fmt: skip
    starts = writer.ms(day, int(rng.integers(16, 32)) * 1800)
    length = (1800, 3600)[int(rng.random() < 0.4)] * 1000
    created = starts - int(rng.integers(1, 15)) * DAY_MS + int(rng.integers(0, 3_600_000))
    outcome = ("COMPLETED", "NO_SHOW", "CANCELED", "RESCHEDULED")[
        int(rng.choice(4, p=[0.8, 0.07, 0.07, 0.06]))
    ]
    title = ("Check-in", "Business review", "Training", "Renewal", "Onboarding")[
        int(rng.integers(5))
    ]
    properties: Properties = {
        "hs_timestamp": iso_ms(starts),
        "hs_meeting_title": f"{title} {company.name}",
        "hs_meeting_start_time": iso_ms(starts),
        "hs_meeting_end_time": iso_ms(starts + length),
        "hs_meeting_outcome": "SCHEDULED",
        "hubspot_owner_id": writer.owner(rng),
        "hs_createdate": iso_ms(created),
    }
    identity = record_id("meetings", company.index, number)
    record = CrmObject(identity, created, [(created, properties)])
    record.change(
        starts + length + int(rng.integers(60, 86_400)) * 1000, hs_meeting_outcome=outcome
    )
    writer.crm.objects["meetings"].append(record)
    if rng.random() < 0.97:
        _link(writer, "meetings", record, holders)
    present = [contact for contact in contacts if contact.created <= created]
    if present:
        chosen = present[int(rng.integers(len(present)))]
        writer.crm.link(("meetings", record.id), ("contacts", chosen.id), created)


def _link(writer: CrmWriter, kind: str, record: CrmObject, holders: Holders) -> None:
    for identity, start, end in holders:
        if end is None or end > record.created:
            since = max(start, record.created)
            writer.crm.link((kind, record.id), ("companies", identity), since, end, kind == "deals")
