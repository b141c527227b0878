"""What is really so: who is who, who pays what, who left and why, who was there on which day."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sandbox.universe.calendar import DAY, add_months, day_of, midnight
from sandbox.universe.catalogue import CURRENCIES
from sandbox.universe.companies import Company
from sandbox.universe.contracts import Subscription, monthly_value
from sandbox.universe.events import is_core, user_id
from sandbox.universe.support import complains_first
from sandbox.universe.world import World

SYSTEMS = ("hubspot", "stripe", "mixpanel", "salesforce")


def major(value: Fraction, currency: str) -> Decimal:
    """Return minor units as major units with four decimals."""
    exact = value / 10 ** CURRENCIES[currency][1]
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.0001"))


class Truth:
    """Tables of the hidden truth at one moment; each is a DataFrame, made when first asked for."""

    def __init__(self, world: World, now: int, accounts: list[tuple[str, str, str, str]]) -> None:
        """`accounts` has (company, system, id, state) of every system's account records."""
        self._world, self._now, self._accounts = world, now, accounts
        self._subs: dict[int, list[Subscription]] = {}
        for customer in world.customers:
            self._subs.setdefault(customer.company.index, []).extend(customer.subscriptions)

    @cached_property
    def companies(self) -> pd.DataFrame:
        """One row per true company known to any system by now.

        Columns: company, name, domain, parent, country, currency, plan, seats, pattern, quality,
        in_crm, in_billing, in_product, free_mail, shares_domain, and lists of ids in each system:
        hubspot_ids, stripe_ids, mixpanel_ids, salesforce_ids.
        """
        ids: dict[str, dict[str, list[str]]] = {}
        for row in self.who_is_who.itertuples():
            ids.setdefault(str(row.company), {}).setdefault(str(row.system), []).append(str(row.id))
        shown = []
        for company in self._world.companies:
            found = ids.get(company.key)
            if not found:
                continue
            shown.append({
                "company": company.key, "name": company.name, "domain": company.domain,
                "parent": self._parent(company),
                "country": company.country, "currency": company.currency, "plan": company.plan,
                "seats": company.seats, "pattern": company.pattern, "quality": company.quality,
                "in_crm": "hubspot" in found or "salesforce" in found,
                "in_billing": "stripe" in found,
                "in_product": "mixpanel" in found, "free_mail": company.free_mail,
                "shares_domain": company.shares_domain,
                **{f"{system}_ids": found.get(system, []) for system in SYSTEMS},
            })  # fmt: skip
        return pd.DataFrame(shown)

    def _parent(self, company: Company) -> str | None:
        return None if company.parent is None else self._world.companies[company.parent].key

    @cached_property
    def who_is_who(self) -> pd.DataFrame:
        """One row per account record: company, system, id, state (live, merged, gone)."""
        return pd.DataFrame(self._accounts, columns=["company", "system", "id", "state"])

    @property
    def _today(self) -> int:
        return (self._now - self._world.frame.start) // DAY

    @cached_property
    def users(self) -> pd.DataFrame:
        """One row per joined user: company, distinct_id, email, joined_on, left_on."""
        usage = self._world.usage
        rows = []
        for row in np.nonzero(usage.joined <= self._today)[0]:
            company, person = usage.companies[int(usage.account[row])], usage.people[int(row)]
            left = int(usage.left[row])
            rows.append((
                company.key, user_id(company.index, person.number), person.email,
                self._date(int(usage.joined[row])),
                self._date(left) if left <= self._today else None,
            ))  # fmt: skip
        return pd.DataFrame(
            rows, columns=["company", "distinct_id", "email", "joined_on", "left_on"]
        )

    def mrr_at(self, company: str, at: datetime) -> Decimal:
        """Return a company's monthly recurring revenue at a moment, in major units."""
        index = int(company[1:]) - 1
        subs = self._subs.get(index, [])
        value = sum((monthly_value(s, int(at.timestamp())) for s in subs), Fraction(0))
        return major(value, self._world.companies[index].currency)

    @cached_property
    def mrr_monthly(self) -> pd.DataFrame:
        """One row per billing company and month-end (and now): company, month, at, currency, mrr.

        `mrr` is a Decimal in major units of the company's currency at `at`, the last second of the
        month, or the clock in the current month. What counts is said in `contracts.monthly_value`.
        """
        moments = []
        first = midnight(day_of(self._world.frame.start).replace(day=1))
        month = first
        while month <= self._now:
            following = add_months(month, 1)
            moments.append((day_of(month), min(following - 1, self._now)))
            month = following
        rows = []
        for index, subs in self._subs.items():
            company = self._world.companies[index]
            begins = min(sub.created for sub in subs)
            for label, at in moments:
                if at < begins:
                    continue
                value = major(
                    sum((monthly_value(sub, at) for sub in subs), Fraction(0)), company.currency
                )
                moment = datetime.fromtimestamp(at, UTC)
                rows.append((company.key, label, moment, company.currency.upper(), value))
        return pd.DataFrame(rows, columns=["company", "month", "at", "currency", "mrr"])

    @cached_property
    def churns(self) -> pd.DataFrame:
        """One row per time a company stopped paying by now, and whether it came back.

        Columns: company, churned_at, kind (voluntary, involuntary), notice_at, mrr_lost (major
        units a day before), currency, usage_declined, meetings_declined, tickets_worsened,
        returned_at.
        """
        rows = []
        for index, subs in self._subs.items():
            company = self._world.companies[index]
            edges = sorted({edge for sub in subs for edge in sub.lapses() if edge <= self._now})
            before, gone = Fraction(0), None
            for edge in edges:
                value = sum((monthly_value(sub, edge, True) for sub in subs), Fraction(0))
                stopped = before > 0 and value == 0
                if gone is not None and value > 0:
                    gone["returned_at"] = datetime.fromtimestamp(edge, UTC)
                    gone = None
                if stopped:
                    gone = self._churn(company.index, subs, edge, before)
                    rows.append(gone)
                before = value
        columns = ["company", "churned_at", "kind", "notice_at", "mrr_lost", "currency",
                   "usage_declined", "meetings_declined", "tickets_worsened",
                   "returned_at"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def _churn(
        self, index: int, subs: list[Subscription], at: int, value: Fraction
    ) -> dict[str, Any]:
        company = self._world.companies[index]
        last = next((s for s in subs if at in s.lapses()), subs[0])
        involuntary = last.reason in ("payment_failed", "unpaid")
        notice = last.notice_at or at
        return {
            "company": company.key,
            "churned_at": datetime.fromtimestamp(at, UTC),
            "kind": "involuntary" if involuntary else "voluntary",
            "notice_at": datetime.fromtimestamp(notice, UTC),
            "mrr_lost": major(value, company.currency),
            "currency": company.currency.upper(),
            "usage_declined": company.in_product and company.uses_less_first,
            "meetings_declined": company.in_crm and company.meets_less_first,
            "tickets_worsened": complains_first(self._world.frame.seed, company)
            and bool(self._world.people[index]),
            "returned_at": None,
        }

    @cached_property
    def active_users(self) -> pd.DataFrame:
        """One row per account and UTC day with any event that happened by now.

        Columns: company, day, active_users (distinct known users with a core event),
        active_users_received (the same of events that the vendor had received by now), events
        (without repeated sendings).
        """
        tables = []
        usage = self._world.usage
        keys = np.array([company.key for company in usage.companies])
        for number in range(self._today + 1):
            events = self._world.events.day(number)
            events = events.take(np.nonzero((events.time <= self._now) & ~events.repeated)[0])
            if not len(events.user):
                continue
            account = usage.account[events.user]
            core = is_core(events.kind) & events.known
            received = core & (events.received_ms <= self._now * 1000)
            size = len(usage.companies)
            counts = np.bincount(account, minlength=size)
            there = np.nonzero(counts)[0]
            tables.append(pd.DataFrame({
                "company": keys[there], "day": self._date(number),
                "active_users": self._distinct(events.user[core], size)[there],
                "active_users_received": self._distinct(events.user[received], size)[there],
                "events": counts[there],
            }))  # fmt: skip
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def _distinct(self, users: Any, size: int) -> Any:
        return np.bincount(self._world.usage.account[np.unique(users)], minlength=size)

    def _date(self, day: int) -> Any:
        return day_of(self._world.frame.start + day * DAY)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by name."""
        names = ("companies", "who_is_who", "users", "mrr_monthly", "churns", "active_users")
        return {name: getattr(self, name) for name in names}
