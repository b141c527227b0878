"""Who exists: companies with their true attributes, where they appear, and how their story goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.universe import names
from sandbox.universe.chance import stream

MONTH_DAYS = 30.4375
INDUSTRIES = (
    "COMPUTER_SOFTWARE", "FINANCIAL_SERVICES", "HOSPITAL_HEALTH_CARE", "RETAIL", "LOGISTICS",
    "MACHINERY", "EDUCATION_MANAGEMENT", "MARKETING_AND_ADVERTISING", "FOOD_PRODUCTION", "ENERGY",
)  # fmt: skip
PATTERNS = ("steady", "growing", "seasonal", "noisy", "fading")


@dataclass(frozen=True, slots=True)
class Company:
    """One true company. Days count from the universe's first day; None means never."""

    index: int
    key: str
    name: str
    legal_short: str
    legal_long: str
    domain: str
    shares_domain: bool
    free_mail: bool
    industry: str
    country: str
    currency: str
    employees: int
    parent: int | None
    in_crm: bool
    in_billing: bool
    in_product: bool
    met_day: int
    signed_day: int | None
    plan: str
    seats: int
    months: int
    pattern: str
    quality: float
    leaving_day: int | None
    leaves_by: str | None
    uses_less_first: bool
    meets_less_first: bool
    returns_after_days: int | None


_PRESENCE = (  # crm, billing, product, share
    (True, True, True, 0.70),
    (True, False, False, 0.14),
    (False, True, True, 0.04),
    (True, True, False, 0.03),
    (False, True, False, 0.02),
    (True, False, True, 0.03),
    (False, False, True, 0.04),
)
_SEATS = {"starter": (6, 0.5), "team": (20, 0.5), "enterprise": (62, 0.5)}
_COUNTRIES = (("US", "usd", 0.46), ("GB", "usd", 0.10), ("DE", "eur", 0.14), ("FR", "eur", 0.09),
              ("NL", "eur", 0.06), ("JP", "jpy", 0.15))  # fmt: skip


def _pick(rng: np.random.Generator, shares: list[float]) -> int:
    return int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares), side="right"))


def make_companies(seed: int, count: int, months: int, horizon_days: int) -> list[Company]:
    """Return the companies of the universe in the order of their index.

    The first `count` are met within the first `months`; after that new ones keep coming at half
    that rate until `horizon_days`, so that a clock that moves on finds new business.
    """
    window = round(months * MONTH_DAYS)
    later = max(0, round(count * (horizon_days - window) / window / 2))
    total = count + later
    bare = names.company_names(total, stream(seed, "names"))
    made: list[Company] = []
    for index in range(total):
        rng = stream(seed, "company", index)
        if index >= count:
            met = window + int((index - count + rng.random()) * (horizon_days - window) / later)
        elif rng.random() < 0.4:
            met = int(rng.integers(0, max(1, min(75, window // 4))))
        else:
            met = int(rng.integers(0, max(1, window - 20)))
        made.append(_company(rng, index, bare[index], met, made, horizon_days))
    return made


def _company(
    rng: np.random.Generator,
    index: int,
    name: str,
    met: int,
    earlier: list[Company],
    horizon: int,
) -> Company:
    crm, billing, product, _ = _PRESENCE[_pick(rng, [row[3] for row in _PRESENCE])]
    country, currency, _ = _COUNTRIES[_pick(rng, [row[2] for row in _COUNTRIES])]
    short, long = names.legal_forms(country, rng)
    plan = ("starter", "team", "enterprise")[_pick(rng, [0.45, 0.38, 0.17])]
    months = (1, 3, 12)[_pick(rng, {"starter": [0.85, 0.07, 0.08], "team": [0.5, 0.15, 0.35],
                                    "enterprise": [0.2, 0.1, 0.7]}[plan])]  # fmt: skip
    middle, spread = _SEATS[plan]
    seats = int(np.clip(np.exp(np.log(middle) + spread * rng.standard_normal()), 2, 400))
    quality = float(rng.beta(3, 2))
    signed = met + int(rng.integers(3, 60)) if billing else None
    pattern = PATTERNS[_pick(rng, [0.46, 0.2, 0.14, 0.14, 0.06])]
    leaving, by = _departure(rng, quality, signed, months, horizon)
    falls = {"voluntary": 0.8, "involuntary": 0.25}.get(by or "", 0.0)
    parent = None
    candidates = [other for other in earlier[-200:] if other.parent is None and other.in_crm]
    if crm and candidates and rng.random() < 0.07:
        parent = candidates[int(rng.integers(len(candidates)))].index
    shares = parent is not None and rng.random() < 0.5
    domain = earlier[parent].domain if shares and parent is not None else _domain(name)
    return Company(
        index=index,
        key=f"C{index + 1:05d}",
        name=name,
        legal_short=short,
        legal_long=long,
        domain=domain,
        shares_domain=shares,
        free_mail=plan == "starter" and rng.random() < 0.16,
        industry=INDUSTRIES[int(rng.integers(len(INDUSTRIES)))],
        country=country,
        currency=currency,
        employees=int(seats * rng.uniform(2, 12)),
        parent=parent,
        in_crm=crm,
        in_billing=billing,
        in_product=product,
        met_day=met,
        signed_day=signed,
        plan=plan,
        seats=seats,
        months=months,
        pattern=pattern,
        quality=quality,
        leaving_day=leaving,
        leaves_by=by,
        uses_less_first=rng.random() < falls,
        meets_less_first=rng.random() < (0.6 if by == "voluntary" else 0.15 if by else 0.0),
        returns_after_days=int(rng.integers(40, 150)) if by and rng.random() < 0.1 else None,
    )


def _domain(name: str) -> str:
    return names.slug(name).replace("-", "") + ".example"


def _departure(
    rng: np.random.Generator, quality: float, signed: int | None, months: int, horizon: int
) -> tuple[int | None, str | None]:
    """Return the day on which the company decides to leave or its card fails, and which."""
    yearly_hazard = 0.42 * (1.35 - quality) * (0.75 if months == 12 else 1.0)
    after = int(rng.exponential(365 / yearly_hazard)) + 60
    by = "voluntary" if rng.random() < 0.78 else "involuntary"
    if signed is None or signed + after > horizon:
        return None, None
    return signed + after, by
