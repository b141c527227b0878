"""Builds raw billing records from few words: one customer per case, prices made on the way."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.transform.raw import epoch

RawTables = dict[str, list[dict[str, Any]]]
Item = dict[str, Any] | tuple[Any, ...]

PERIOD = ("2026-11-01", "2026-12-01")


def price(amount: int | str | None = None, every: str = "month", **fields: Any) -> dict[str, Any]:
    """A price's fields. `amount` in minor units; text goes to the decimal field alone.

    `every` is an interval, with its count before it when it is not 1, as in "3 month".
    """
    count, _, interval = every.rpartition(" ")
    record = {
        "currency": "usd",
        "type": "recurring",
        "billing_scheme": "per_unit",
        "recurring__interval": interval,
        "recurring__interval_count": int(count or 1),
        "recurring__usage_type": "licensed",
        "product": "prod_any",
    }
    if isinstance(amount, str):
        record["unit_amount_decimal"] = amount
    elif amount is not None:
        record |= {"unit_amount": amount, "unit_amount_decimal": str(amount)}
    return record | fields


def tiers(mode: str, *steps: tuple[int | None, int, int], every: str = "month") -> dict[str, Any]:
    """A tiered price; a step is (up to, unit amount, flat amount), minor units, None = no end."""
    rows = [{"up_to": up, "unit_amount": unit, "flat_amount": flat} for up, unit, flat in steps]
    return price(every=every, billing_scheme="tiered", tiers_mode=mode, tiers=rows)


def discount(
    percent: float | None = None,
    amount: int | None = None,
    duration: str = "forever",
    currency: str = "usd",
    start: str = "2026-01-01",
    end: str | None = None,
    products: list[str] | None = None,
) -> dict[str, Any]:
    """A discount with its coupon inside; amount in minor units."""
    coupon: dict[str, Any] = {"percent_off": percent, "amount_off": amount, "duration": duration}
    coupon |= {"currency": currency if amount else None, "id": None}
    if products:
        coupon["applies_to"] = {"products": products}
    return {"coupon": coupon, "start": start, "end": end}


class Billing:
    """Collects raw tables of the billing source."""

    def __init__(self) -> None:
        self.tables: RawTables = defaultdict(list)
        self._ids: dict[str, int] = defaultdict(int)
        self.tables["products"] = [
            {"id": p, "name": p, "active": True} for p in ("prod_any", "prod_a", "prod_b")
        ]

    def new_id(self, prefix: str) -> str:
        """A fresh id with the prefix."""
        self._ids[prefix] += 1
        return f"{prefix}_{self._ids[prefix]}"

    def customer(self, case: str, **fields: Any) -> str:
        """The case's customer, made at the first call; account id is "stripe:" + its id."""
        customer_id = f"cus_{case}"
        if not any(row["id"] == customer_id for row in self.tables["customers"]):
            given = fields.pop("discount", None)
            row = {"id": customer_id, "name": case, "created": "2024-01-01"} | fields
            row["discount"] = self._placed(given) if given else None
            self.tables["customers"].append(row)
        return customer_id

    def subscribe(
        self,
        case: str,
        *items: Item,
        status: str = "active",
        discounts: list[dict[str, Any]] | None = None,
        period: tuple[str, str] = PERIOD,
        customer_discount: dict[str, Any] | None = None,
        **fields: Any,
    ) -> str:
        """A subscription of the case's customer. Items: price, (price, quantity[, discounts])."""
        subscription = self.new_id("sub")
        currency = None
        for item in items:
            terms, quantity, *rest = item if isinstance(item, tuple) else (item, 1)
            item_discounts = rest[0] if rest else []
            currency = currency or terms["currency"]
            self.item(subscription, terms, quantity, item_discounts, period)
        row = {
            "id": subscription,
            "customer": self.customer(case, discount=customer_discount),
            "status": status,
            "currency": currency,
            "created": "2026-01-01",
            "start_date": "2026-01-01",
            "discounts": [self._placed(d) for d in discounts or []],
        }
        self.tables["subscriptions"].append(row | fields)
        return subscription

    def item(
        self,
        subscription: str,
        terms: dict[str, Any],
        quantity: int | None,
        discounts: list[dict[str, Any]],
        period: tuple[str, str],
    ) -> str:
        """One item with a price of its own."""
        price_id, item_id = self.new_id("price"), self.new_id("si")
        self.tables["prices"].append({"id": price_id, "active": True} | terms)
        self.tables["subscription_items"].append(
            {
                "id": item_id,
                "subscription": subscription,
                "quantity": quantity,
                "price": price_id,
                "created": "2026-01-01",
                "current_period_start": period[0],
                "current_period_end": period[1],
                "discounts": [self._placed(d) for d in discounts],
            }
        )
        return item_id

    def invoice(
        self,
        case: str,
        lines: list[dict[str, Any]],
        subscription: str | None = None,
        issued: str | None = None,
        status: str = "paid",
        due: str | None = None,
        paid: str | None = None,
        tax: int = 0,
        currency: str = "usd",
    ) -> str:
        """An invoice of the case's customer. A line: amount, start, end, and any raw field."""
        invoice = self.new_id("in")
        issued = issued or min(line["start"] for line in lines)
        total = sum(line["amount"] for line in lines) + tax
        self.tables["invoices"].append(
            {
                "id": invoice,
                "customer": self.customer(case),
                "subscription": subscription,
                "status": status,
                "currency": currency,
                "total": total,
                "tax": tax,
                "amount_due": total,
                "amount_remaining": 0 if status == "paid" else total,
                "created": issued,
                "finalized_at": issued,
                "due_date": due,
                "paid_at": paid or (issued if status == "paid" else None),
            }
        )
        for line in lines:
            given = dict(line)
            start, end = given.pop("start"), given.pop("end")
            self.tables["invoice_lines"].append(
                {
                    "id": self.new_id("il"),
                    "invoice": invoice,
                    "subscription": subscription,
                    "product": "prod_any",
                    "currency": currency,
                    "quantity": 1,
                    "proration": False,
                    "period_start": start,
                    "period_end": end,
                }
                | given
            )
        return invoice

    def _placed(self, given: dict[str, Any]) -> dict[str, Any]:
        coupon = given["coupon"] | {"id": self.new_id("coupon")}
        end = epoch(given["end"]) if given["end"] else None
        return {
            "id": self.new_id("di"),
            "start": epoch(given["start"]),
            "end": end,
            "coupon": coupon,
        }
