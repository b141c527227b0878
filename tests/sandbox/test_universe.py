"""The made-up world: repeatable, stable in its past, and as varied as it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sandbox import Sandbox
from sandbox.universe.calendar import add_months, midnight
from sandbox.universe.catalogue import Catalogue, Price, Tier, cost
from sandbox.universe.support import Ticket
from sandbox.universe.usage import CORE, EVENTS
from sandbox.universe.world import World
from tests.sandbox.conftest import NOW, Client, small


@pytest.fixture(scope="module")
def default() -> Sandbox:
    return Sandbox(now=NOW)


def _answers(client: Client) -> dict[str, bytes]:
    day = (client.box.now - timedelta(days=3)).date().isoformat()
    return {
        "companies": client.hubspot(
            "GET", "/crm/v3/objects/companies?limit=100&properties=name"
        ).content.replace(client.box.base_url.encode(), b""),
        "invoices": client.stripe("/v1/invoices?limit=100").content,
        "events": client.stripe("/v1/events?limit=100").content,
        "export": client.export(day, day).content,
    }


def test_the_same_seed_gives_the_same_answers_and_another_seed_gives_others():
    with small() as one, small() as two, small(seed=4) as three:
        first, second, other = (_answers(Client(box)) for box in (one, two, three))
    assert first == second
    assert all(first[name] != other[name] for name in first)


def test_moving_the_clock_reveals_more_and_rewrites_no_event():
    with small(companies=25) as box:
        client = Client(box)
        days = [(NOW - timedelta(days=back)).date().isoformat() for back in range(20)]
        before = {day: client.export(day, day).content for day in days}
        box.advance(days=14)
        after = {day: client.export(day, day).content for day in days}
    assert all(after[day].startswith(before[day]) for day in days)
    assert len(after[days[0]]) > len(before[days[0]]) > 0
    assert after[days[19]] == before[days[19]], "nothing arrives later than twelve days"


def test_moving_the_clock_leaves_settled_invoices_and_untouched_records_as_they_were():
    with small(companies=40) as box:
        client = Client(box)
        settled = {
            row["id"]: row
            for row in client.stripe_all("/v1/invoices?")
            if row["status"] in ("paid", "void")
        }
        deals = {row["id"]: row for row in client.hubspot_all("/crm/v3/objects/deals?limit=100")}
        box.advance(days=45)
        invoices = {row["id"]: row for row in client.stripe_all("/v1/invoices?")}
        later = {row["id"]: row for row in client.hubspot_all("/crm/v3/objects/deals?limit=100")}
    assert len(invoices) > len(settled) > 50
    assert all(invoices[key] == row for key, row in settled.items())
    same = [
        key
        for key in deals.keys() & later.keys()
        if deals[key]["updatedAt"] == later[key]["updatedAt"]
    ]
    assert same
    assert all(deals[key] == later[key] for key in same)


def test_a_state_file_lets_a_second_run_see_the_same_world_later(tmp_path: Path):
    state = tmp_path / "sandbox.json"
    with small(companies=25, state=state) as box:
        old = {row["id"] for row in Client(box).stripe_all("/v1/customers?")}
        box.advance(days=30)
        moved = {row["id"] for row in Client(box).stripe_all("/v1/customers?")}
    with Sandbox(500, 24, 99, NOW + timedelta(days=30), state=state) as again:
        later = {row["id"] for row in Client(again).stripe_all("/v1/customers?")}
    assert later == moved
    assert len(old) > 5


def test_the_clock_stops_where_the_world_ends():
    box = small(companies=5, months=2)
    with pytest.raises(ValueError, match="world ends on 2028-11-18"):
        box.advance(days=732)


def test_by_default_there_are_five_hundred_companies_and_a_million_events(default: Sandbox):
    first, last = default.seed.first_day, NOW.date()
    assert (first, len(default.truth.companies)) == (date(2024, 11, 18), 500)
    number = (last - first).days
    assert sum(len(default.world.events.day(day).user) for day in range(number)) >= 1_000_000


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_have_a_million_events_too(seed: int):
    world = World(seed, 500, 24, date(2024, 11, 22))
    sample = sum(len(world.events.day(day).user) for day in range(0, 730, 10))
    assert sample >= 100_000


def test_usage_falls_before_most_but_not_all_churns(default: Sandbox):
    world, churns = default.world, default.truth.churns
    rows = {company.key: row for row, company in enumerate(world.usage.companies)}
    falls = []
    for churn in churns.itertuples():
        row = rows.get(churn.company)
        notice = (int(churn.notice_at.timestamp()) - world.frame.start) // 86_400
        if row is None or notice < 200:
            continue
        level = world.usage.level[row]
        falls.append(
            level[notice - 10 : notice].mean() < 0.6 * level[notice - 170 : notice - 130].mean()
        )
    assert len(falls) >= 30
    assert 0.5 < np.mean(falls) < 0.95


def test_meetings_become_rare_before_some_churns(default: Sandbox):
    world, churns = default.world, default.truth.churns
    before, after = 0, 0
    for churn in churns[churns.meetings_declined].itertuples():
        notice = (int(churn.notice_at.timestamp()) - world.frame.start) // 86_400
        days = np.array(world.meeting_days[int(churn.company[1:]) - 1])
        before += int(((days >= notice - 180) & (days < notice - 90)).sum())
        after += int(((days >= notice - 90) & (days < notice)).sum())
    assert 0.2 < churns.meetings_declined.mean() < 0.8
    assert before >= 15
    assert after < before / 2


def test_tickets_get_more_and_worse_before_most_voluntary_churns(default: Sandbox):
    day, churns = 86_400, default.truth.churns
    written: dict[str, list[Ticket]] = {}
    for ticket in default.world.tickets:
        written.setdefault(ticket.company.key, []).append(ticket)
    before, after, grew = [], [], []
    for churn in churns[churns.kind == "voluntary"].itertuples():
        notice = int(churn.notice_at.timestamp())
        own = written.get(str(churn.company), [])
        calm = [t for t in own if notice - 180 * day <= t.created < notice - 120 * day]
        late = [t for t in own if notice - 60 * day <= t.created < notice]
        before, after = before + calm, after + late
        grew += [len(late) > len(calm)] if calm or late else []
    assert len(before) > 20
    assert len(after) > 1.7 * len(before)
    assert 0.35 < np.mean(grew) < 0.95, "most, not all"

    def bad(tickets: list[Ticket]) -> float:
        high = [any(p in ("high", "urgent") for _, p in t.priorities) for t in tickets]
        return float(np.mean(high))

    assert bad(after) > 1.15 * bad(before)
    voluntary = churns[churns.kind == "voluntary"]
    assert 0.4 < voluntary.tickets_worsened.mean() < 0.9


def test_the_life_of_a_ticket_is_in_order(default: Sandbox):
    tickets = default.world.tickets
    assert [t.created for t in tickets] == sorted(t.created for t in tickets)
    for ticket in tickets:
        for moments in (ticket.statuses, ticket.priorities, ticket.replies):
            stamps = [moment[0] for moment in moments]
            assert stamps == sorted(stamps)
            assert stamps[0] >= ticket.created
        assert ticket.statuses[0] == (ticket.created, "open")
        assert ticket.first_reply is not None
        assert len(ticket.solved) - len(ticket.reopened) in (0, 1)
        assert all(rating.at > ticket.statuses[-1][0] for rating in ticket.ratings)
    shares = Counter(ticket.priority(ticket.priorities[-1][0]) for ticket in tickets)
    assert shares["urgent"] < shares["high"] < shares["normal"]
    assert any(ticket.deleted for ticket in tickets)
    assert any(len(ticket.ratings) == 2 for ticket in tickets)


def test_a_few_accounts_fade_and_stay(default: Sandbox):
    left = set(default.truth.churns.company)
    companies = default.truth.companies
    fading = companies[(companies.pattern == "fading") & companies.in_billing]
    assert sum(key not in left for key in fading.company) > 0


def test_every_state_of_a_subscription_occurs(default: Sandbox):
    statuses = Counter(
        sub.status(int(NOW.timestamp()))
        for customer in default.world.customers
        for sub in customer.subscriptions
        if sub.created <= NOW.timestamp()
    )
    assert {"active", "trialing", "past_due", "canceled", "unpaid", "paused"} <= statuses.keys()
    held = [s for c in default.world.customers for s in c.subscriptions if s.pause]
    assert {sub.pause.name for sub in held} == {"void", "keep_as_draft"}


def test_companies_stand_in_the_systems_in_every_combination(default: Sandbox):
    companies = default.truth.companies
    seen = set(zip(companies.in_crm, companies.in_billing, companies.in_product, strict=True))
    assert {
        (True, True, True),
        (True, False, False),
        (False, True, False),
        (False, False, True),
    } <= seen
    assert companies.parent.notna().sum() > 5
    assert companies.shares_domain.sum() > 2
    assert companies.free_mail.sum() > 5
    assert set(companies.currency) == {"usd", "eur", "jpy"}
    assert (companies.stripe_ids.map(len) > 1).any()


def test_some_events_come_late_twice_or_without_an_id(default: Sandbox):
    events = default.world.events.day(500)
    total = len(events.user)
    late = (events.received_ms // 1000 - events.time > 3600).mean()
    assert 0.005 < late < 0.06
    assert 0 < events.repeated.sum() < 0.02 * total
    assert 0 < (~events.has_id).sum() < 0.02 * total
    assert 0 < (~events.known).sum() < 0.02 * total
    assert {EVENTS[kind] for kind in np.unique(events.kind)} >= CORE


def _tiered(mode: str) -> Price:
    product = Catalogue(1).products["api"]
    tiers = (Tier(10, Fraction(5), 0), Tier(20, Fraction(3), 0), Tier(None, Fraction("0.5"), 100))
    return Price("p", product, mode, "", "usd", 1, None, mode, tiers)


@pytest.mark.parametrize(
    ("mode", "quantity", "expected"),
    [
        ("volume", 10, 50),
        ("volume", 11, 33),
        ("volume", 20, 60),
        ("volume", 30, 115),  # 30 x 0.5 + 100
        ("graduated", 10, 50),
        ("graduated", 11, 53),  # 10 x 5 + 1 x 3
        ("graduated", 20, 80),
        ("graduated", 30, 185),  # 50 + 30 + 10 x 0.5 + 100
    ],
)
def test_tiers_cost_what_the_price_list_says(mode: str, quantity: int, expected: int):
    assert cost(_tiered(mode), quantity) == expected


def test_packs_are_rounded_up():
    bundle = Catalogue(1).price("starter", "bundle", "usd", 1)
    assert [cost(bundle, seats) for seats in (1, 5, 6)] == [8000, 8000, 16000]


def test_zero_decimal_prices_are_whole_yen():
    seat = Catalogue(1).price("team", "seat", "jpy", 1)
    assert seat.unit == 49 * 150


def test_months_keep_their_anchor_day():
    start = midnight(date(2026, 1, 31))
    moved = [datetime.fromtimestamp(add_months(start, n, 31), UTC).date() for n in (1, 2, 3, 13)]
    assert moved == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2027, 2, 28)]


ONE_DAY_OF_EVENTS = """
import hashlib
from tests.sandbox.conftest import Client, small
with small() as box:
    client = Client(box)
    day = box.now.date().replace(day=1).isoformat()
    print(hashlib.sha256(client.export(day, day).content).hexdigest())
"""


def test_another_process_sees_the_same_world() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", ONE_DAY_OF_EVENTS],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2", "3")
    }
    assert len(answers) == 1
