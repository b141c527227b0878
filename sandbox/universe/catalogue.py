"""What the made-up vendor sells: products, prices in three currencies and coupons."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sandbox.universe.chance import token

CURRENCIES = {"usd": (Fraction(1), 2), "eur": (Fraction(92, 100), 2), "jpy": (Fraction(150), 0)}
PERIODS = {1: ("month", 1), 3: ("month", 3), 12: ("year", 1)}
_PERIOD_FACTOR = {1: Fraction(1), 3: Fraction(291, 100), 12: Fraction(10)}
ANALYTICS_TEAMS = (
    "Finance", "Sales", "Support", "People", "Legal", "Product", "Marketing", "Logistics",
    "Purchasing", "Quality", "Research", "Board",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One product; `features` are those it entitles to, `seats` says its quantity counts seats."""

    id: str
    key: str
    name: str
    features: tuple[str, ...]
    seats: bool


@dataclass(frozen=True, slots=True)
class Tier:
    """One price tier in minor units; `up_to` is None for the last."""

    up_to: int | None
    unit: Fraction
    flat: int


@dataclass(frozen=True, slots=True)
class Price:
    """One price in minor units per `months`; `months` is None for a one-time price."""

    id: str
    product: Product
    variant: str
    nickname: str
    currency: str
    months: int | None
    unit: Fraction | None
    tiers_mode: str | None = None
    tiers: tuple[Tier, ...] = ()
    divide_by: int | None = None
    metered: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class Coupon:
    """One coupon; exactly one of `percent` and `amount` (minor units of `currency`) is set."""

    id: str
    name: str
    duration: str
    percent: int | None = None
    amount: int | None = None
    currency: str | None = None
    months: int | None = None
    products: tuple[str, ...] = ()


def cost(price: Price, quantity: int) -> Fraction:
    """Return what `quantity` costs per period of the price, exact, in minor units."""
    if price.divide_by:
        quantity = -(-quantity // price.divide_by)
    if price.unit is not None:
        return price.unit * quantity
    total, below = Fraction(0), 0
    for tier in price.tiers:
        last = tier.up_to is None or quantity <= tier.up_to
        if price.tiers_mode == "volume":
            if last:
                return tier.unit * quantity + tier.flat
            continue
        upper = quantity if last else int(tier.up_to or 0)
        total += tier.unit * (upper - below) + tier.flat
        below = upper
        if last:
            break
    return total


class Catalogue:
    """All products, prices and coupons of one universe, by key and by id."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.products: dict[str, Product] = {}
        for key, name, features, seats in (
            ("starter", "Platform Starter", ("reports", "imports"), True),
            ("team", "Platform Team", ("reports", "imports", "dashboards", "workflows"), True),
            ("enterprise", "Platform Enterprise",
             ("reports", "imports", "dashboards", "workflows", "api"), True),
            ("analytics", "Analytics Add-on", ("dashboards",), False),
            ("api", "API Volume", ("api",), False),
            ("support", "Support Plus", (), False),
            ("usage", "Usage", (), False),
        ):  # fmt: skip
            self.products[key] = Product(token("prod_", seed, key), key, name, features, seats)
        self.prices: dict[tuple[str, str, str, int | None], Price] = {}
        for currency in CURRENCIES:
            self._price_list(currency)
        self.prices_by_id = {price.id: price for price in self.prices.values()}
        self.coupons = {coupon.id: coupon for coupon in self._coupons()}

    def price(self, product: str, variant: str, currency: str, months: int | None) -> Price:
        """Return one price by product key, variant, currency and months."""
        return self.prices[product, variant, currency, months]

    def _add(
        self,
        product: str,
        variant: str,
        nickname: str,
        currency: str,
        months: int | None,
        unit: Fraction | None,
        *,
        tiers_mode: str | None = None,
        tiers: tuple[Tier, ...] = (),
        divide_by: int | None = None,
        metered: bool = False,
        active: bool = True,
    ) -> None:
        identity = token("price_", self._seed, product, variant, currency, months, length=24)
        self.prices[product, variant, currency, months] = Price(
            identity, self.products[product], variant, nickname, currency, months, unit,
            tiers_mode, tiers, divide_by, metered, active,
        )  # fmt: skip

    def _price_list(self, currency: str) -> None:
        rate, decimals = CURRENCIES[currency]

        def minor(dollars: str, months: int = 1) -> Fraction:
            exact = Fraction(dollars) * rate * _PERIOD_FACTOR[months]
            return Fraction(round(exact * 10**decimals))

        def fine(dollars: str, months: int = 1) -> Fraction:
            exact = Fraction(dollars) * rate * _PERIOD_FACTOR[months] * 10**decimals
            return Fraction(round(exact * 10_000), 10_000)

        for months in PERIODS:
            for plan, dollars in (("starter", "19"), ("team", "49"), ("enterprise", "89")):
                self._add(
                    plan, "seat", f"{plan} per seat", currency, months, minor(dollars, months)
                )
            self._add("starter", "legacy", "starter 2022", currency, months, minor("15", months),
                      active=False)  # fmt: skip
            self._add("starter", "bundle", "starter, packs of five seats", currency, months,
                      minor("80", months), divide_by=5)  # fmt: skip
            self._add("support", "flat", "support plus", currency, months, minor("149", months))
            for team in ANALYTICS_TEAMS:
                self._add("analytics", team, f"analytics for {team.lower()}", currency, months,
                          minor("120", months))  # fmt: skip
            self._add("api", "volume", "api calls, volume", currency, months, None,
                      tiers_mode="volume", tiers=(
                          Tier(10_000, fine("0.004", months), 0),
                          Tier(100_000, fine("0.003", months), 0),
                          Tier(None, fine("0.002", months), 0)))  # fmt: skip
            self._add("api", "graduated", "api calls, graduated", currency, months, None,
                      tiers_mode="graduated", tiers=(
                          Tier(10_000, Fraction(0), int(minor("25", months))),
                          Tier(100_000, fine("0.0025", months), 0),
                          Tier(None, fine("0.0015", months), int(minor("10", months))),
                      ))  # fmt: skip
        self._add("usage", "metered", "metered records", currency, 1, fine("0.0008"), metered=True)
        self._add("support", "workshop", "onboarding workshop", currency, None, minor("900"))

    def _coupons(self) -> list[Coupon]:
        analytics = self.products["analytics"].id
        return [
            Coupon("WELCOME20-3M", "Welcome 20 %", "repeating", percent=20, months=3),
            Coupon("WELCOME20-6M", "Welcome 20 %", "repeating", percent=20, months=6),
            Coupon("FIRSTYEAR10", "First year 10 %", "repeating", percent=10, months=12),
            Coupon("PARTNER15", "Partner 15 %", "forever", percent=15),
            Coupon("SORRY50", "Sorry, 50 % once", "once", percent=50),
            Coupon("CHARITY100", "Charity", "forever", percent=100),
            Coupon("LOYAL-USD", "Loyalty", "forever", amount=2000, currency="usd"),
            Coupon("LOYAL-EUR", "Loyalty", "forever", amount=1800, currency="eur"),
            Coupon("LOYAL-JPY", "Loyalty", "forever", amount=3000, currency="jpy"),
            Coupon("START-USD", "Start credit", "once", amount=5000, currency="usd"),
            Coupon("START-EUR", "Start credit", "once", amount=4500, currency="eur"),
            Coupon("START-JPY", "Start credit", "once", amount=7500, currency="jpy"),
            Coupon("ANALYTICS30", "Analytics 30 %", "forever", percent=30, products=(analytics,)),
        ]
