"""A handful of customers, described by what they do; raw records and hand-made facts from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.transform.revenue.billing import Billing, price

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
CORE = {
    "report_viewed": "reports",
    "dashboard_shared": "dashboards",
    "workflow_run": "workflows",
    "api_call": "api",
}


def _day(days_ago: int) -> str:
    return (AS_OF - timedelta(days=days_ago)).strftime("%Y-%m-%d")


@dataclass(frozen=True)
class Use:
    """`users` users (numbered from `first`) send `event` on each of `days_ago`."""

    users: int
    event: str
    days_ago: tuple[int, ...]
    first: int = 0


@dataclass(frozen=True)
class Customer:
    """What a customer is and does; every customer pays one per-seat plan, monthly."""

    name: str
    scorecard: str
    touch_tier: str
    seats: int = 10
    seat_price: int = 20000
    tenure_days: int = 410
    issued: int = 10
    use: tuple[Use, ...] = ()
    integrations: tuple[str, ...] = ()
    contact_days_ago: int | None = 50
    overdue_days: int = 0
    is_leaving: bool = False
    has_product: bool = True
    counts_seats: bool = True

    def values(self) -> dict[str, Fraction | None]:
        """The value of every measure; None where it cannot be known."""
        core = [u for u in self.use if u.event in CORE]
        active: dict[int, set[int]] = defaultdict(set)
        for use in core:
            for user in range(use.first, use.first + use.users):
                active[user].update(use.days_ago)
        now = [u for u, days in active.items() if any(d < 28 for d in days)]
        before = [u for u, days in active.items() if any(28 <= d < 56 for d in days)]
        stars = [u for u, days in active.items() if len([d for d in days if d < 28]) >= 10]
        weeks: dict[str, set[int]] = defaultdict(set)
        for use in core:
            weeks[CORE[use.event]].update(d // 7 for d in use.days_ago if d < 28)
        adopted = [feature for feature, used in weeks.items() if len(used) >= 2]
        last = min((d for days in active.values() for d in days), default=self.tenure_days)
        contact = self.tenure_days if self.contact_days_ago is None else self.contact_days_ago
        product: dict[str, Fraction | None] = {
            "active_to_licensed": Fraction(len(now), self.seats) if self.counts_seats else None,
            "active_to_issued": Fraction(len(now), self.issued),
            "active_user_trend_28d": (
                Fraction(len(now), len(before)) - 1 if len(before) >= 5 else None
            ),
            "days_since_core_use": Fraction(last),
            "feature_breadth": Fraction(len(adopted), len(CORE)),
            "star_players": Fraction(len(stars)),
            "integrations_in_use": Fraction(len(self.integrations)),
        }
        if not self.has_product:
            product = dict.fromkeys(product, None)
        others: dict[str, Fraction | None] = {
            "days_since_contact": Fraction(contact),
            "overdue_days": Fraction(self.overdue_days),
        }
        return product | others


DAILY = tuple(range(0, 12))
BOTH_WINDOWS = (*DAILY, 30)

STEADY = Customer(
    "steady",
    "low",
    "low",
    use=(Use(8, "report_viewed", BOTH_WINDOWS), Use(3, "workflow_run", (1, 9))),
    integrations=("crm",),
)
CUSTOMERS = (
    STEADY,
    Customer("silent", "low", "low", use=(Use(4, "api_call", (100,)),), contact_days_ago=None),
    Customer("never_used", "low", "low"),
    Customer("unmapped", "low", "low", has_product=False),
    Customer("new", "onboarding", "low", tenure_days=10, use=(Use(8, "report_viewed", (1, 2)),)),
    Customer("day_30", "onboarding", "low", tenure_days=30, use=(Use(8, "api_call", (1, 9)),)),
    Customer("young", "onboarding", "low", tenure_days=60, use=(Use(6, "api_call", BOTH_WINDOWS),)),
    Customer("half_year", "low", "low", tenure_days=200, use=(Use(6, "api_call", BOTH_WINDOWS),)),
    Customer(
        "small",
        "tech",
        "tech",
        seats=3,
        seat_price=5000,
        issued=3,
        use=(Use(3, "api_call", (2, 30)),),
    ),
    Customer(
        "large", "high", "high", seats=50, issued=40, use=(Use(30, "workflow_run", BOTH_WINDOWS),)
    ),
    Customer("late", "low", "low", use=STEADY.use, integrations=("crm", "chat"), overdue_days=31),
    Customer("a_month_late", "low", "low", use=STEADY.use, integrations=("crm",), overdue_days=30),
    Customer("leaving", "low", "low", use=STEADY.use, is_leaving=True),
    Customer("no_seats", "low", "low", use=STEADY.use, counts_seats=False),
    Customer(
        "fell",
        "low",
        "low",
        use=(Use(10, "report_viewed", (30, 40)), Use(5, "report_viewed", (3, 10))),
        contact_days_ago=80,
    ),
    Customer("beyond_seats", "low", "low", seats=4, seat_price=50000, use=STEADY.use),
)


@dataclass
class Raw:
    """Raw tables of the three sources."""

    hubspot: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    mixpanel: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    billing: Billing = field(default_factory=Billing)

    def add(self, who: Customer) -> None:
        """Add the records of a customer to all sources, linked by explicit ids."""
        self.hubspot["companies"].append(
            {
                "id": f"h_{who.name}",
                "properties__name": who.name.title(),
                "properties__product_account_id": f"p_{who.name}" if who.has_product else None,
                "created_at": "2024-01-01",
                "updated_at": "2026-11-14",
                "archived": False,
            }
        )
        if who.contact_days_ago is not None:
            self._meeting(who.name, who.contact_days_ago, "COMPLETED")
        self._meeting(who.name, 3, "NO_SHOW")
        self._bill(who)
        if who.has_product:
            self._use(who)

    def _meeting(self, name: str, days_ago: int, outcome: str) -> None:
        meeting = f"m_{name}_{outcome}"
        self.hubspot["meetings"].append(
            {
                "id": meeting,
                "properties__hs_meeting_start_time": f"{_day(days_ago)}T09:00:00Z",
                "properties__hs_meeting_outcome": outcome,
                "archived": False,
            }
        )
        self.hubspot["assoc_meeting_company"].append(
            {"from_id": meeting, "to_id": f"h_{name}", "type_id": "188"}
        )

    def _bill(self, who: Customer) -> None:
        b = self.billing
        b.customer(who.name, metadata__hubspot_company_id=f"h_{who.name}")
        product = "prod_seats" if who.counts_seats else "prod_flat"
        plan = price(who.seat_price, product=product)
        subscription = b.subscribe(
            who.name,
            (plan, who.seats),
            cancel_at_period_end=who.is_leaving,
            start_date=_day(who.tenure_days),
            created=_day(who.tenure_days),
        )
        item = b.tables["subscription_items"][-1]
        line = {"amount": who.seats * who.seat_price, "subscription_item": item["id"]}
        line |= {"start": _day(who.tenure_days), "end": _day(who.tenure_days - 30)}
        b.invoice(who.name, [line], subscription=subscription)
        if who.overdue_days:
            late = {"amount": 100, "start": _day(who.overdue_days), "end": _day(0)}
            due = _day(who.overdue_days)
            b.invoice(who.name, [late], issued=due, due=due, status="open")

    def _use(self, who: Customer) -> None:
        for user in range(who.issued):
            self.mixpanel["profiles"].append(
                {
                    "distinct_id": f"{who.name}_{user}",
                    "group_key": f"p_{who.name}",
                    "created_at": "2025-01-01",
                }
            )
        for use in who.use:
            for user in range(use.first, use.first + use.users):
                for days_ago in use.days_ago:
                    self._event(who.name, user, use.event, days_ago)
        for integration in who.integrations:
            for days_ago in (2, 9):
                named = {"integration": integration}
                self._event(who.name, 0, "integration_synced", days_ago, named)
        self._event(who.name, 0, "app_opened", 0)

    def _event(
        self,
        name: str,
        user: int,
        event: str,
        days_ago: int,
        properties: dict[str, str] | None = None,
    ) -> None:
        day = _day(days_ago)
        self.mixpanel["events"].append(
            {
                "event_date": day,
                "event": event,
                "time": f"{day}T09:00:00Z",
                "distinct_id": f"{name}_{user}",
                "insert_id": f"e{len(self.mixpanel['events'])}",
                "user_id": f"{name}_{user}",
                "processed_at": f"{day}T09:05:00Z",
                "group_key": f"p_{name}",
                "properties": properties or {},
            }
        )


def everyone(more: Iterable[Customer] = ()) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Raw tables of CRM, billing and product of all customers and of `more`, by source."""
    raw = Raw()
    features = ",".join(CORE.values())
    raw.billing.tables["products"] += [
        {"id": "prod_seats", "name": "Seats", "metadata": {"seats": "true", "features": features}},
        {"id": "prod_flat", "name": "Flat", "metadata": {"features": features}},
    ]
    for customer in (*CUSTOMERS, *more):
        raw.add(customer)
    raw.billing.customer("prospect_payer")
    raw.hubspot["companies"].append({"id": "h_prospect", "properties__name": "Prospect"})
    left = raw.billing.subscribe(
        "former", price(9000), status="canceled", ended_at="2026-08-01", start_date="2026-01-01"
    )
    line = {"amount": 9000, "start": "2026-07-01", "end": "2026-08-01"}
    line |= {"subscription_item": raw.billing.tables["subscription_items"][-1]["id"]}
    raw.billing.invoice("former", [line], subscription=left)
    raw.billing.tables["events"].append({"id": "evt_1", "type": "x", "created": "2026-11-14"})
    tables = {"hubspot": raw.hubspot, "stripe": raw.billing.tables, "mixpanel": raw.mixpanel}
    for source in tables:
        tables[source]["pulls"] = [{"pull_id": "1", "pulled_through": AS_OF.isoformat()}]
    return {source: dict(rows) for source, rows in tables.items()}
