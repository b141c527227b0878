"""Invoices of the past written by hand: one customer per case, all before the first load."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from .billing import Billing, discount, price

HUNDRED = price(10000)
PAST_CASES = (
    *("returned", "grew", "switched", "addon_gone", "yearly", "one_month", "mid_month"),
    *("one_of_two_left", "euro"),
    *("two_currencies", "discount_once", "discount_lasting", "owing", "void_and_draft"),
    *("second_product", "renews_higher", "year_not_renewed"),
    *("billed_twice", "old_quarter", "old_month_end", "old_year", "old_four_weeks", "old_ten_days"),
)
MONTH_STARTS = [f"2025-{m:02d}-01" for m in range(11, 13)] + [
    f"2026-{m:02d}-01" for m in range(1, 13)
]


def months_between(first: str, last: str) -> list[tuple[str, str]]:
    """Periods of calendar months from the one that starts at `first` to the one at `last`."""
    starts = MONTH_STARTS[MONTH_STARTS.index(first) : MONTH_STARTS.index(last) + 2]
    return list(pairwise(starts))


def bill(
    b: Billing,
    case: str,
    subscription: str,
    periods: list[tuple[str, str]],
    amount: int,
    **fields: Any,
) -> None:
    """One paid invoice per period for the newest item."""
    item = b.tables["subscription_items"][-1]
    invoice = {k: fields.pop(k) for k in ("status", "issued", "currency", "paid") if k in fields}
    for start, end in periods:
        line = {"amount": amount, "start": start, "end": end, "subscription_item": item["id"]}
        b.invoice(
            case, [line | {"price": item["price"]} | fields], subscription=subscription, **invoice
        )


def add_past(b: Billing) -> None:
    """Add the subscriptions and invoices of every case."""
    gone: dict[str, Any] = {"status": "canceled", "ended_at": "2026-04-01"}
    first = b.subscribe("returned", HUNDRED, **gone)
    bill(b, "returned", first, months_between("2026-01-01", "2026-03-01"), 10000)
    second = b.subscribe("returned", HUNDRED, start_date="2026-06-01", created="2026-06-01")
    bill(b, "returned", second, months_between("2026-06-01", "2026-11-01"), 10000)

    grew = b.subscribe("grew", (price(1000), 12))
    for month, seats in [("07", 10), ("08", 10), ("09", 12), ("10", 12), ("11", 12)]:
        one_month = months_between(f"2026-{month}-01", f"2026-{month}-01")
        bill(b, "grew", grew, one_month, seats * 1000, quantity=seats)
    # Fifteen seats from 11 August: 21 of 31 days of 100 back, 21 of 31 days of 150 to pay.
    rest = [("2026-08-11", "2026-09-01")]
    bill(b, "grew", grew, rest, -6774, quantity=10, proration=True, issued="2026-08-11")
    bill(b, "grew", grew, rest, 10161, quantity=15, proration=True, issued="2026-08-11")

    switched = b.subscribe("switched", price(240000, "year"))
    bill(b, "switched", switched, [("2026-01-01", "2027-01-01")], 120000, price="price_old")
    # From 1200 to 2400 a year on 2 July: 183 of 365 days of the new price.
    rest = [("2026-07-02", "2027-01-01")]
    half = {"price": "price_old", "proration": True}
    bill(b, "switched", switched, rest, -60164, issued="2026-07-02", **half)
    bill(b, "switched", switched, rest, 120329, issued="2026-07-02", proration=True)

    addon = b.subscribe("addon_gone", price(120000, "year"))
    bill(b, "addon_gone", addon, [("2026-02-01", "2027-02-01")], 120000)
    removed = {"subscription_item": "si_removed", "price": "price_removed"}
    bill(b, "addon_gone", addon, [("2026-02-01", "2027-02-01")], 60000, **removed)
    rest = [("2026-08-10", "2027-02-01")]
    gone_on = {"issued": "2026-08-10", "proration": True}
    bill(b, "addon_gone", addon, rest, -28767, **removed, **gone_on)

    yearly = b.subscribe("yearly", price(120000, "year"), period=("2026-02-10", "2027-02-10"))
    bill(b, "yearly", yearly, [("2026-02-10", "2027-02-10")], 120000)

    short = b.subscribe("one_month", HUNDRED, status="canceled", ended_at="2026-06-15")
    bill(b, "one_month", short, [("2026-05-15", "2026-06-15")], 10000)

    running = b.subscribe("mid_month", HUNDRED, period=("2026-10-20", "2026-11-20"))
    periods = [("2026-08-20", "2026-09-20"), ("2026-09-20", "2026-10-20")]
    bill(b, "mid_month", running, [*periods, ("2026-10-20", "2026-11-20")], 10000)

    keeps = b.subscribe("one_of_two_left", HUNDRED)
    bill(b, "one_of_two_left", keeps, months_between("2026-08-01", "2026-11-01"), 10000)
    leaves = b.subscribe("one_of_two_left", price(4000), status="canceled", ended_at="2026-10-01")
    bill(b, "one_of_two_left", leaves, months_between("2026-08-01", "2026-09-01"), 4000)

    euro = b.subscribe("euro", price(120000, "year", currency="eur"))
    bill(b, "euro", euro, [("2025-11-01", "2026-11-01")], 120000, currency="eur")

    dollars = b.subscribe("two_currencies", HUNDRED)
    bill(b, "two_currencies", dollars, months_between("2025-12-01", "2026-11-01"), 10000)
    euros = b.subscribe("two_currencies", price(12000, currency="eur"))
    bill(
        b,
        "two_currencies",
        euros,
        months_between("2025-12-01", "2025-12-01"),
        10000,
        currency="eur",
    )
    bill(
        b,
        "two_currencies",
        euros,
        months_between("2026-01-01", "2026-11-01"),
        12000,
        currency="eur",
    )

    off: dict[str, Any] = {"discount_amounts": [{"amount": 5000, "discount": "di_x"}]}
    once = b.subscribe("discount_once", HUNDRED)
    bill(b, "discount_once", once, months_between("2026-07-01", "2026-07-01"), 10000, **off)
    bill(b, "discount_once", once, months_between("2026-08-01", "2026-11-01"), 10000)
    lasting = b.subscribe("discount_lasting", HUNDRED, discounts=[discount(percent=50)])
    bill(b, "discount_lasting", lasting, months_between("2026-07-01", "2026-11-01"), 10000, **off)

    owing = b.subscribe("owing", price(120000, "year"), status="unpaid")
    bill(b, "owing", owing, [("2026-06-01", "2027-06-01")], 120000, status="open")

    void = b.subscribe("void_and_draft", HUNDRED, start_date="2026-09-01")
    bill(
        b, "void_and_draft", void, months_between("2026-07-01", "2026-07-01"), 10000, status="void"
    )
    bill(
        b, "void_and_draft", void, months_between("2026-08-01", "2026-08-01"), 10000, status="draft"
    )
    bill(b, "void_and_draft", void, months_between("2026-09-01", "2026-11-01"), 10000)

    billed_twice = b.subscribe("billed_twice", HUNDRED)
    bill(b, "billed_twice", billed_twice, months_between("2026-08-01", "2026-11-01"), 10000)
    bill(b, "billed_twice", billed_twice, months_between("2026-08-01", "2026-08-01"), 10000)

    both = b.subscribe("second_product", price(13000), price(5000))
    first_item, second_item = (row["id"] for row in b.tables["subscription_items"][-2:])
    for start, end in months_between("2026-08-01", "2026-11-01"):
        line = {"start": start, "end": end}
        grown = start >= "2026-09-01"
        lines = [
            line
            | {"amount": 13000 if grown else 10000, "price": "price_a", "product": "prod_a"}
            | {"subscription_item": first_item}
        ]
        if grown:
            lines.append(
                line
                | {"amount": 5000, "price": "price_b", "product": "prod_b"}
                | {"subscription_item": second_item}
            )
        b.invoice("second_product", lines, subscription=both)

    higher = b.subscribe(
        "renews_higher", price(150000, "year"), period=("2026-09-01", "2027-09-01")
    )
    bill(b, "renews_higher", higher, [("2025-09-01", "2026-09-01")], 120000)
    bill(b, "renews_higher", higher, [("2026-09-01", "2027-09-01")], 150000)

    ended = b.subscribe(
        "year_not_renewed", price(120000, "year"), status="canceled", ended_at="2026-09-15"
    )
    bill(b, "year_not_renewed", ended, [("2025-09-15", "2026-09-15")], 120000)

    old = {"price": "price_gone"}
    for case, period, amount in [
        ("old_quarter", ("2026-07-01", "2026-10-01"), 30000),
        ("old_month_end", ("2026-01-31", "2026-02-28"), 10000),
        ("old_year", ("2025-12-15", "2026-12-15"), 120000),
        ("old_four_weeks", ("2026-07-20", "2026-08-17"), 4800),
        ("old_ten_days", ("2026-07-25", "2026-08-04"), 1000),
    ]:
        gone_by: dict[str, Any] = {"status": "canceled", "ended_at": max(period[1], "2026-02-28")}
        ended = b.subscribe(case, HUNDRED, **gone_by)
        bill(b, case, ended, [period], amount, **old)
