"""How much each account uses the product on each day, and who its users are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.universe.chance import stream
from sandbox.universe.companies import Company
from sandbox.universe.people import Person

EVENTS = (
    "app_opened", "page_viewed", "settings_changed", "invite_sent", "report_viewed",
    "report_created", "import_completed", "dashboard_shared", "workflow_run", "api_call",
    "integration_connected", "integration_synced",
)  # fmt: skip
CORE = frozenset(
    {"report_viewed", "report_created", "dashboard_shared", "workflow_run", "api_call",
     "import_completed"}
)  # fmt: skip
_FEATURE = {
    "report_viewed": "reports", "report_created": "reports", "import_completed": "imports",
    "dashboard_shared": "dashboards", "workflow_run": "workflows", "api_call": "api",
}  # fmt: skip
_WEIGHTS = np.array([22, 20, 1.5, 0.6, 26, 6, 3, 3, 8, 6, 0.08, 4])
_ENTITLED = {
    "starter": {"reports", "imports"},
    "team": {"reports", "imports", "dashboards", "workflows"},
    "enterprise": {"reports", "imports", "dashboards", "workflows", "api"},
}
INTEGRATIONS = ("salesforce", "slack", "sheets", "postgres", "teams", "jira")


@dataclass(frozen=True, slots=True)
class Access:
    """When an account may use the product, in days; and when it told that it leaves."""

    begins: int
    notice: int | None
    ends: int | None


@dataclass(slots=True)
class Usage:
    """Accounts and users as arrays, one row per user; `level` is accounts x days."""

    companies: list[Company]
    level: NDArray[np.float32]
    account: NDArray[np.int64]
    joined: NDArray[np.int64]
    left: NDArray[np.int64]
    habit: NDArray[np.float64]
    pace: NDArray[np.float64]
    mix: NDArray[np.float64]
    people: list[Person]
    numbers: NDArray[np.int64]


def make_usage(seed: int, days: int, accounts: list[tuple[Company, list[Person], Access]]) -> Usage:
    """Return the usage of the accounts over `days` days; users in the order of their accounts."""
    level = np.zeros((len(accounts), days), np.float32)
    people: list[Person] = []
    account, joined, left, habit, pace, mix = [], [], [], [], [], []
    for row, (company, persons, access) in enumerate(accounts):
        rng = stream(seed, "usage", company.index)
        level[row] = _level(rng, company, access, days)
        users = [person for person in persons if person.user_day is not None]
        kind = rng.choice(3, size=max(1, len(users)), p=[0.25, 0.5, 0.25])
        shares = _mix(rng, company, max(1, len(users)))
        for number, person in enumerate(users):
            people.append(person)
            account.append(row)
            joined.append(person.user_day)
            left.append(person.leaves_day if person.leaves_day is not None else days + 1)
            habit.append((0.5, 0.24, 0.07)[kind[number]] * rng.uniform(0.8, 1.2))
            pace.append((2.6, 1.8, 1.1)[kind[number]] * rng.uniform(0.7, 1.3))
            mix.append(shares[number])
    return Usage(
        [company for company, _, _ in accounts], level, np.array(account, np.int64),
        np.array(joined, np.int64), np.array(left, np.int64), np.array(habit), np.array(pace),
        np.array(mix).reshape(-1, len(EVENTS)), people,
        np.array([person.number for person in people], np.int64),
    )  # fmt: skip


def _mix(rng: np.random.Generator, company: Company, users: int) -> NDArray[np.float64]:
    """Return cumulative shares of event kinds, users x kinds; features not bought are not used."""
    # Sorted: a set's order differs from process to process, and with it who draws which number.
    entitled = sorted(_ENTITLED[company.plan])
    adopted = {feature for feature in entitled if rng.random() < 0.45 + 0.5 * company.quality}
    adopted.add("reports")
    weights = np.array([
        weight * (1.0 if _FEATURE.get(event, "reports") in adopted else 0.0)
        for event, weight in zip(EVENTS, _WEIGHTS, strict=True)
    ])  # fmt: skip
    if rng.random() < 0.5:
        weights[-2:] = 0
    drawn = weights * rng.gamma(2.0, 0.5, size=(users, len(EVENTS)))
    drawn[:, 0] += 1e-6
    shares = np.cumsum(drawn, axis=1)
    return shares / shares[:, -1:]


def integrations_of(seed: int, company: Company) -> list[str]:
    """Return the integrations that an account has switched on, at least one."""
    rng = stream(seed, "integrations", company.index)
    count = 1 + int(rng.integers(0, 3))
    return [INTEGRATIONS[int(i)] for i in rng.permutation(len(INTEGRATIONS))[:count]]


def _level(
    rng: np.random.Generator, company: Company, access: Access, days: int
) -> NDArray[np.float64]:
    """Return the factor on everybody's habit, one per day: 1 is normal, 0 is nobody there."""
    day = np.arange(days)
    age = day - access.begins
    level = 0.45 + 0.55 * np.clip(age / 60, 0, 1)
    level *= 0.7 + 0.6 * company.quality
    sway = rng.standard_normal(days)
    quiet = rng.standard_normal(days // 7 + 1)
    if company.pattern == "growing":
        level *= 1 + 0.35 * np.clip(age / 540, 0, 1)
    elif company.pattern == "seasonal":
        level *= 1 + 0.5 * np.sin(2 * np.pi * day / 365 + rng.uniform(0, 2 * np.pi))
    elif company.pattern == "noisy":
        level *= np.exp(0.45 * np.repeat(quiet, 7)[:days])
    elif company.pattern == "fading":
        begins = int(rng.integers(120, 420))
        level *= 1 - 0.55 * np.clip((age - begins) / 90, 0, 1)
    level *= np.exp(0.08 * sway)
    length = int(rng.integers(50, 120))
    floor = rng.uniform(0.08, 0.4)
    if access.notice is not None and company.uses_less_first:
        fall = np.clip((day - (access.notice - length)) / (length - 10), 0, 1)
        level *= 1 - (1 - floor) * fall
    level[age < 0] = 0
    if access.ends is not None:
        # a few leave a script running that nobody switched off
        level[day >= access.ends + (20 if rng.random() < 0.05 else 0)] = 0
    return level
