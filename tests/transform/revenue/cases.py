"""Subscriptions written by hand, each with the MRR computed by hand (see the comment)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .billing import Billing, discount, price, tiers

AS_OF = "2026-11-15T12:00:00Z"

Mrr = dict[str, Decimal]

TEN = price(1000)
HUNDRED = price(10000)


def _intervals(b: Billing, mrr: Mrr) -> None:
    b.subscribe("monthly", HUNDRED)
    mrr["monthly"] = Decimal("100")
    b.subscribe("annual", price(120000, "year"))
    mrr["annual"] = Decimal("100")  # 1200 / 12
    b.subscribe("annual_600", price(60000, "year"))
    mrr["annual_600"] = Decimal("50")  # 600 / 12
    b.subscribe("two_years", price(240000, "2 year"))
    mrr["two_years"] = Decimal("100")  # 2400 / 24
    b.subscribe("quarterly", price(30000, "3 month"))
    mrr["quarterly"] = Decimal("100")  # 300 / 3
    b.subscribe("half_year", price(60000, "6 month"))
    mrr["half_year"] = Decimal("100")  # 600 / 6
    b.subscribe("three_years", price(360000, "3 year"))
    mrr["three_years"] = Decimal("100")  # 3600 / 36
    b.subscribe("weekly", price(1200, "week"))
    mrr["weekly"] = Decimal("52")  # 12 x 52 / 12
    b.subscribe("fortnightly", price(3000, "2 week"))
    mrr["fortnightly"] = Decimal("65")  # 30 x 52 / 12 / 2
    b.subscribe("daily", price(100, "day"))
    mrr["daily"] = Decimal("30.4167")  # 1 x 365 / 12 = 30.41666...
    b.subscribe("quantity", (TEN, 7))
    mrr["quantity"] = Decimal("70")  # 10 x 7
    b.subscribe("quantity_zero", (TEN, 0), HUNDRED)
    mrr["quantity_zero"] = Decimal("100")  # 10 x 0 + 100
    b.subscribe("several_items", (price(5000), 3), price(120000, "year"))
    mrr["several_items"] = Decimal("250")  # 50 x 3 + 1200 / 12
    b.subscribe("two_subscriptions", HUNDRED)
    b.subscribe("two_subscriptions", price(48000, "year"))
    mrr["two_subscriptions"] = Decimal("140")  # 100 + 480 / 12
    b.subscribe("open_ended", HUNDRED, start_date="2025-03-17", created="2025-03-17")
    mrr["open_ended"] = Decimal("100")


def _prices(b: Billing, mrr: Mrr) -> None:
    steps = ((10, 500, 0), (20, 400, 0), (None, 300, 0))
    for quantity, amount in [(10, "50"), (11, "44"), (20, "80"), (21, "63")]:
        # the whole quantity at the price of its tier: 10 x 5, 11 x 4, 20 x 4, 21 x 3
        b.subscribe(f"volume_{quantity}", (tiers("volume", *steps), quantity))
        mrr[f"volume_{quantity}"] = Decimal(amount)
    steps = ((10, 500, 1000), (20, 400, 0), (None, 300, 0))
    for quantity, amount in [(10, "60"), (20, "100"), (25, "115")]:
        # flat 10 once, then 10 x 5; + 10 x 4; + 5 x 3
        b.subscribe(f"graduated_{quantity}", (tiers("graduated", *steps), quantity))
        mrr[f"graduated_{quantity}"] = Decimal(amount)
    annual = tiers("volume", (None, 1200, 12000), every="year")
    b.subscribe("volume_annual", (annual, 10))
    mrr["volume_annual"] = Decimal("20")  # (12 x 10 + 120) / 12
    up = price(500, transform_quantity={"divide_by": 100, "round": "up"})
    b.subscribe("package_up", (up, 250))
    mrr["package_up"] = Decimal("15")  # ceil(250 / 100) = 3, x 5
    down = price(500, transform_quantity={"divide_by": 100, "round": "down"})
    b.subscribe("package_down", (down, 250))
    mrr["package_down"] = Decimal("10")  # floor(2.5) = 2, x 5
    b.subscribe("part_of_a_cent", (price("0.125"), 1000))
    mrr["part_of_a_cent"] = Decimal("1.25")  # 0.125 cent x 1000
    b.subscribe("yen", price(12000, "year", currency="jpy"))
    mrr["yen"] = Decimal("1000")  # 12000 / 12, a yen has no cents
    b.subscribe("dinar", price(12345, currency="kwd"))
    mrr["dinar"] = Decimal("12.345")  # 12345 / 1000


def _discounts(b: Billing, mrr: Mrr) -> None:
    b.subscribe("percent", price(20000), discounts=[discount(percent=25)])
    mrr["percent"] = Decimal("150")  # 200 x 0.75
    b.subscribe("amount", HUNDRED, discounts=[discount(amount=1500)])
    mrr["amount"] = Decimal("85")  # 100 - 15
    b.subscribe("amount_annual", price(120000, "year"), discounts=[discount(amount=3000)])
    mrr["amount_annual"] = Decimal("97.5")  # 100 - 30 / 12, for it comes off one invoice a year
    b.subscribe("once", HUNDRED, discounts=[discount(percent=50, duration="once")])
    mrr["once"] = Decimal("100")  # for one invoice only: not recurring
    repeating = discount(percent=50, duration="repeating", end="2026-12-01")
    b.subscribe("repeating", HUNDRED, discounts=[repeating])
    mrr["repeating"] = Decimal("50")
    over = discount(percent=50, duration="repeating", end="2026-11-01")
    b.subscribe("repeating_over", HUNDRED, discounts=[over])
    mrr["repeating_over"] = Decimal("100")
    later = discount(percent=50, start="2026-11-20")
    b.subscribe("discount_to_come", HUNDRED, discounts=[later])
    mrr["discount_to_come"] = Decimal("100")
    b.subscribe("two_percents", HUNDRED, discounts=[discount(percent=25), discount(percent=10)])
    mrr["two_percents"] = Decimal("67.5")  # 100 x 0.75 x 0.9, not 100 x 0.65
    b.subscribe(
        "stacked",
        (HUNDRED, 1, [discount(percent=10)]),
        discounts=[discount(percent=20)],
        customer_discount=discount(percent=50),
    )
    mrr["stacked"] = Decimal("36")  # 100 x 0.9 x 0.8 x 0.5
    b.subscribe(
        "stacked_amounts",
        (HUNDRED, 1, [discount(amount=2000)]),
        discounts=[discount(percent=10), discount(amount=500)],
    )
    mrr["stacked_amounts"] = Decimal("67")  # (100 - 20) x 0.9 - 5
    b.subscribe("amount_shared", HUNDRED, price(5000), discounts=[discount(amount=3000)])
    mrr["amount_shared"] = Decimal("120")  # 150 - 30
    product_a, product_b = price(10000, product="prod_a"), price(10000, product="prod_b")
    only_a = discount(percent=50, products=["prod_a"])
    b.subscribe("one_product", product_a, product_b, discounts=[only_a])
    mrr["one_product"] = Decimal("150")  # 50 + 100
    b.subscribe("customer_wide", HUNDRED, customer_discount=discount(percent=10))
    b.subscribe("customer_wide", HUNDRED)
    mrr["customer_wide"] = Decimal("180")  # 90 + 90
    b.subscribe("never_below_zero", TEN, discounts=[discount(amount=5000)])
    b.subscribe("never_below_zero", HUNDRED)
    mrr["never_below_zero"] = Decimal("100")  # 0 + 100, not -40 + 100
    b.subscribe("other_currency", HUNDRED, discounts=[discount(amount=1000, currency="eur")])
    mrr["other_currency"] = Decimal("100")  # ten euros cannot be taken off dollars


def _states(b: Billing, mrr: Mrr) -> None:
    """Each beside a live subscription of 100, so that its account has a row."""

    def beside(case: str, counts: str, **fields: object) -> None:
        b.subscribe(case, HUNDRED)
        b.subscribe(case, (TEN, 4), **fields)  # type: ignore[arg-type]
        mrr[case] = Decimal("100") + Decimal(counts)

    beside("trialing", "0", status="trialing", trial_end="2026-11-30")
    beside("incomplete", "0", status="incomplete")
    beside("incomplete_expired", "0", status="incomplete_expired")
    beside("unpaid", "0", status="unpaid")
    beside("paused", "0", status="paused")
    beside("canceled", "0", status="canceled", ended_at="2026-11-02")
    beside("collection_void", "0", pause_collection={"behavior": "void"})
    resumed = {"behavior": "void", "resumes_at": 1793491200}  # 2026-11-01
    beside("collection_resumed", "40", pause_collection=resumed)
    beside("collection_kept", "40", pause_collection={"behavior": "keep_as_draft"})
    beside("not_started", "0", start_date="2026-12-01")
    beside("cancel_at_end", "40", cancel_at_period_end=True)
    beside(
        "cancel_at_end_over", "0", cancel_at_period_end=True, period=("2026-10-14", "2026-11-14")
    )
    beside("cancel_at_later", "40", cancel_at="2026-11-16")
    beside("cancel_at_passed", "0", cancel_at="2026-11-15")
    for case, due, counts in [
        ("past_due_30", "2026-10-16", "40"),  # 30 days late on 15 November: still in
        ("past_due_31", "2026-10-15", "0"),  # 31 days late: out
    ]:
        b.subscribe(case, HUNDRED)
        late = b.subscribe(case, (TEN, 4), status="past_due")
        line = {"amount": 4000, "start": due, "end": "2026-11-30"}
        b.invoice(case, [line], subscription=late, issued=due, status="open")
        mrr[case] = Decimal("100") + Decimal(counts)


def _signed(b: Billing, mrr: Mrr) -> None:
    half = discount(percent=50, start="2026-11-10")
    b.subscribe("signed_only", HUNDRED, discounts=[half], start_date="2026-12-01")
    mrr["signed_only"] = Decimal("0")  # contracted: 100 x 0.5
    b.subscribe("signed_more", HUNDRED)
    b.subscribe("signed_more", (TEN, 4), start_date="2026-12-01")
    mrr["signed_more"] = Decimal("100")  # contracted: 140
    b.subscribe("signed_and_withdrawn", HUNDRED)
    withdrawn: dict[str, Any] = {"start_date": "2026-12-01", "cancel_at": "2026-12-01"}
    b.subscribe("signed_and_withdrawn", TEN, **withdrawn)
    mrr["signed_and_withdrawn"] = Decimal("100")
    b.subscribe("signed_without_price", HUNDRED)
    b.subscribe("signed_without_price", price(None), start_date="2026-12-01")
    mrr["signed_without_price"] = Decimal("100")


def _exceptions(b: Billing, mrr: Mrr) -> None:
    """Each beside a live subscription of 100; the item itself has no price that can be known."""
    for case, item, fields in [
        ("no_price", (price(None), 1), {}),
        ("no_tiers", (price(None, billing_scheme="tiered", tiers_mode="volume"), 1), {}),
        ("above_last_tier", (tiers("volume", (10, 500, 0)), 11), {}),
        ("unknown_interval", (price(1000, "fortnight"), 1), {}),
        ("no_interval_count", (price(1000, recurring__interval_count=0), 1), {}),
        ("no_quantity", (TEN, None), {}),
        ("negative_quantity", (TEN, -3), {}),
        ("negative_price", (price(-500), 1), {}),
        ("unknown_currency", (price(1000, currency="xxx"), 1), {}),
        ("unknown_status", (TEN, 1), {"status": "dormant"}),
        ("ends_before_start", (TEN, 1), {"ended_at": "2025-12-31", "status": "canceled"}),
    ]:
        b.subscribe(case, HUNDRED)
        b.subscribe(case, item, **fields)  # type: ignore[arg-type]
        mrr[case] = Decimal("100")


def _not_recurring(b: Billing, mrr: Mrr) -> None:
    metered = price(2, recurring__usage_type="metered")
    use = b.subscribe("metered", HUNDRED, (metered, None))
    item = b.tables["subscription_items"][-1]
    for month, amount in [("07", 9900), ("08", 3000), ("09", 6000), ("10", 9000)]:
        end = f"2026-{int(month) + 1:02d}-01"
        line = {"amount": amount, "start": f"2026-{month}-01", "end": end}
        line |= {"subscription_item": item["id"], "price": item["price"]}
        b.invoice("metered", [line], subscription=use, issued=end)
    mrr["metered"] = Decimal("100")
    b.subscribe("one_off", HUNDRED)
    b.invoice("one_off", [{"amount": 99900, "start": "2026-11-02", "end": "2026-11-02"}])
    mrr["one_off"] = Decimal("100")
    taxed = b.subscribe("taxed", HUNDRED)
    line = {"amount": 10000, "start": "2026-11-01", "end": "2026-12-01"}
    b.invoice("taxed", [line], subscription=taxed, tax=1900)
    mrr["taxed"] = Decimal("100")
    refunded = b.subscribe("refunded", HUNDRED)
    b.invoice("refunded", [line | {"amount": 10000}], subscription=refunded)
    back = {"amount": 10000, "currency": "usd", "created": "2026-11-03"}
    b.tables["refunds"].append(back | {"id": "re_1", "status": "succeeded"})
    note = {"id": "cn_1", "customer": "cus_refunded", "total": 10000, "status": "issued"}
    b.tables["credit_notes"].append(back | note)
    mrr["refunded"] = Decimal("100")  # cash went back, the contract runs on
    b.subscribe("two_accounts", HUNDRED)
    mrr["two_accounts"] = Decimal("100")  # in the account of its own, see owners.py
    b.customer("deleted_customer", deleted=True)
    b.subscribe("deleted_customer", HUNDRED)
    mrr["deleted_customer"] = Decimal("100")


def hand_written() -> tuple[Billing, Mrr]:
    """All cases as raw billing tables, and the MRR of each in its own currency."""
    billing, mrr = Billing(), Mrr()
    for group in (_intervals, _prices, _discounts, _states, _signed, _exceptions, _not_recurring):
        group(billing, mrr)
    return billing, mrr
