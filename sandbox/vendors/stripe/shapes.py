"""How the billing API spells its objects, before and after the two breaks of 2025."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sandbox.universe.billing import Charge, CreditNote, Customer
from sandbox.universe.calendar import DAY
from sandbox.universe.catalogue import PERIODS, Coupon, Price, Product
from sandbox.universe.chance import token
from sandbox.universe.contracts import Discount, Item, Subscription
from sandbox.universe.invoicing import Invoice, Line

Json = dict[str, Any]
INLINE = 10


@dataclass(frozen=True, slots=True)
class Shape:
    """Which spelling an API version (a date and a name, like 2025-09-30.clover) has."""

    version: str

    @property
    def basil(self) -> bool:
        """Periods stand on items, invoices point to their subscription through `parent`."""
        return self.version[:10] >= "2025-03-31"

    @property
    def clover(self) -> bool:
        """Discounts point to their coupon through `source`."""
        return self.version[:10] >= "2025-09-30"


def decimal_text(value: Fraction) -> str:
    """Return an amount as the API writes decimals: plain, without trailing zeros."""
    text = format(Decimal(value.numerator) / Decimal(value.denominator), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _whole(value: Fraction) -> int | None:
    return int(value) if value.denominator == 1 else None


def listed(url: str, rows: list[Json]) -> Json:
    """Return a list object with at most ten rows inside."""
    return {
        "object": "list", "data": rows[:INLINE], "has_more": len(rows) > INLINE, "url": url,
    }  # fmt: skip


def product(thing: Product, created: int) -> Json:
    """Return a product."""
    return {
        "id": thing.id, "object": "product", "active": True, "created": created,
        "updated": created, "name": thing.name, "description": None, "livemode": True,
        "type": "service", "default_price": None, "images": [], "tax_code": None,
        "metadata": {"features": ",".join(thing.features), "seats": str(thing.seats).lower()},
    }  # fmt: skip


def price(thing: Price, created: int) -> Json:
    """Return a price without its tiers, which the API shows only when they are expanded."""
    recurring = None
    if thing.months is not None:
        interval, count = PERIODS[thing.months]
        recurring = {
            "interval": interval, "interval_count": count, "trial_period_days": None,
            "usage_type": "metered" if thing.metered else "licensed",
            "meter": f"mtr_{thing.id[6:]}" if thing.metered else None,
        }  # fmt: skip
    transform = {"divide_by": thing.divide_by, "round": "up"} if thing.divide_by else None
    return {
        "id": thing.id, "object": "price", "active": thing.active, "created": created,
        "billing_scheme": "tiered" if thing.tiers else "per_unit", "currency": thing.currency,
        "livemode": True, "lookup_key": None, "metadata": {}, "nickname": thing.nickname,
        "product": thing.product.id, "recurring": recurring, "tax_behavior": "exclusive",
        "tiers_mode": thing.tiers_mode, "transform_quantity": transform,
        "type": "recurring" if thing.months else "one_time",
        "unit_amount": None if thing.unit is None else _whole(thing.unit),
        "unit_amount_decimal": None if thing.unit is None else decimal_text(thing.unit),
    }  # fmt: skip


def tiers(thing: Price) -> list[Json] | None:
    """Return the tiers of a price, None when it has none."""
    return [
        {
            "flat_amount": tier.flat or None,
            "flat_amount_decimal": str(tier.flat) if tier.flat else None,
            "unit_amount": _whole(tier.unit), "unit_amount_decimal": decimal_text(tier.unit),
            "up_to": tier.up_to,
        }
        for tier in thing.tiers
    ] or None  # fmt: skip


def coupon(thing: Coupon, created: int) -> Json:
    """Return a coupon without `applies_to`, which the API shows only when it is expanded."""
    return {
        "id": thing.id, "object": "coupon", "amount_off": thing.amount, "created": created,
        "currency": thing.currency, "duration": thing.duration,
        "duration_in_months": thing.months, "livemode": True, "max_redemptions": None,
        "metadata": {}, "name": thing.name,
        "percent_off": None if thing.percent is None else float(thing.percent),
        "redeem_by": None, "times_redeemed": 0, "valid": True,
    }  # fmt: skip


def discount(
    thing: Discount, customer: str, subscription: str | None, created: int, shape: Shape
) -> Json:
    """Return a discount; its coupon is whole in old versions and an id in new ones."""
    end = thing.end if thing.coupon.duration == "repeating" else None
    body: Json = {
        "id": thing.id, "object": "discount", "checkout_session": None, "customer": customer,
        "end": end, "invoice": None, "invoice_item": None, "promotion_code": None,
        "start": thing.start, "subscription": subscription, "subscription_item": thing.item,
    }  # fmt: skip
    if shape.clover:
        body["source"] = {"type": "coupon", "coupon": thing.coupon.id}
    else:
        body["coupon"] = coupon(thing.coupon, created)
    return body


def customer(thing: Customer, at: int, catalogue_made: int, shape: Shape) -> Json:
    """Return a customer as it is at a moment."""
    behind = any(
        sub.created <= at and sub.status(at) in ("past_due", "unpaid")
        for sub in thing.subscriptions
    )
    reduced = thing.discount
    return {
        "id": thing.id, "object": "customer", "balance": 0, "created": thing.created,
        "address": {"city": None, "country": thing.company.country, "line1": None, "line2": None,
                    "postal_code": None, "state": None},
        "currency": thing.company.currency, "default_source": None, "delinquent": behind,
        "description": None, "email": thing.email, "invoice_prefix": thing.id[4:12].upper(),
        "livemode": True, "metadata": thing.metadata, "name": thing.name_at(at), "phone": None,
        "discount": discount(reduced, thing.id, None, catalogue_made, shape) if reduced else None,
        "preferred_locales": [], "shipping": None, "tax_exempt": "none",
    }  # fmt: skip


def item(thing: Item, sub: Subscription, at: int, made: int, shape: Shape) -> Json:
    """Return a subscription item as it is at a moment."""
    version = thing.version(at) or thing.versions[0]
    start, end = sub.period(at)
    body: Json = {
        "id": thing.id, "object": "subscription_item", "created": thing.created,
        "discounts": [d.id for d in sub.discounts if d.item == thing.id and d.in_force(at)],
        "metadata": {}, "price": price(version.price, made), "subscription": sub.id,
        "tax_rates": [],
    }  # fmt: skip
    if not version.price.metered:
        body["quantity"] = version.quantity
    if shape.basil:
        body |= {"current_period_start": start, "current_period_end": end}
    return body


def subscription(sub: Subscription, at: int, made: int, shape: Shape, latest: str | None) -> Json:
    """Return a subscription as it is at a moment."""
    told = (
        sub.notice_at is not None and sub.reason == "cancellation_requested" and at >= sub.notice_at
    )
    ended = sub.ended_at is not None and at >= sub.ended_at
    held = sub.pause is not None and sub.pause.holds(at)
    own = [d for d in sub.discounts if d.item is None and d.in_force(at)]
    items = [item(one, sub, at, made, shape) for one in sub.items if one.created <= at]
    reason = sub.reason if sub.reason in ("cancellation_requested", "payment_failed") else None
    if ended and sub.reason == "trial":
        reason = "cancellation_requested"
    body: Json = {
        "id": sub.id, "object": "subscription", "application": None,
        "billing_cycle_anchor": sub.cycles[0], "billing_mode": {"type": "classic"},
        "cancel_at": sub.ended_at if told and sub.at_period_end else None,
        "cancel_at_period_end": told and sub.at_period_end,
        "canceled_at": sub.notice_at if told else sub.ended_at if ended else None,
        "cancellation_details": {
            "comment": None, "feedback": sub.feedback if told else None,
            "reason": reason if told or ended else None,
        },
        "collection_method": sub.collection, "created": sub.created, "currency": sub.currency,
        "customer": sub.customer,
        "days_until_due": 30 if sub.collection == "send_invoice" else None,
        "default_payment_method": None, "description": None,
        "discounts": [d.id for d in own], "ended_at": sub.ended_at if ended else None,
        "items": listed(f"/v1/subscription_items?subscription={sub.id}", items),
        "latest_invoice": latest, "livemode": True, "metadata": {},
        "pause_collection": {"behavior": sub.pause.name, "resumes_at": sub.pause.end}
        if held and sub.pause else None,
        "schedule": None, "start_date": sub.created, "status": sub.status(at), "test_clock": None,
        "trial_end": sub.trial_end, "trial_start": sub.created if sub.trial_end else None,
    }  # fmt: skip
    if not shape.basil:
        start, end = sub.period(at)
        body |= {"current_period_start": start, "current_period_end": end}
        body["discount"] = discount(own[0], sub.customer, sub.id, made, shape) if own else None
    return body


def line(thing: Line, invoice: Invoice, made: int, shape: Shape) -> Json:
    """Return an invoice line."""
    taken = [{"amount": amount, "discount": identity} for identity, amount in thing.discounts]
    body: Json = {
        "id": thing.id, "object": "line_item", "amount": thing.amount,
        "currency": invoice.sub.currency, "description": thing.description,
        "discount_amounts": taken, "discountable": not thing.proration,
        "discounts": [identity for identity, _ in thing.discounts], "invoice": invoice.id,
        "livemode": True, "metadata": {}, "period": {"start": thing.start, "end": thing.end},
        "quantity": thing.quantity, "subscription": invoice.sub.id,
    }  # fmt: skip
    if not shape.basil:
        return body | {
            "price": price(thing.price, made), "proration": thing.proration,
            "subscription_item": thing.item,
            "type": "subscription" if thing.item else "invoiceitem",
        }  # fmt: skip
    details: Json = {
        "invoice_item": None if thing.item else token("ii_", 0, thing.id, length=24),
        "proration": thing.proration, "subscription": invoice.sub.id,
    }  # fmt: skip
    kind, unit = "invoice_item_details", thing.price.unit
    if thing.item:
        kind = "subscription_item_details"
        details["subscription_item"] = thing.item
    return body | {
        "parent": {"type": kind, kind: details},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": thing.price.id, "product": thing.price.product.id},
            "unit_amount_decimal": None if unit is None else decimal_text(unit),
        },
    }  # fmt: skip


def invoice(thing: Invoice, at: int, made: int, shape: Shape, charges: list[Charge]) -> Json:
    """Return an invoice as it is at a moment; `charges` are its tries to collect, oldest first."""
    status = thing.status(at)
    done = [charge for charge in charges if charge.at <= at]
    due = max(0, thing.total)
    paid = due if status == "paid" else 0
    issued = thing.finalized is not None and at >= thing.finalized

    def seen(moment: int | None) -> int | None:
        return moment if moment is not None and at >= moment else None

    rows = [line(one, thing, made, shape) for one in thing.lines[: INLINE + 1]]
    cuts: dict[str, int] = {}
    for one in thing.lines:
        for identity, amount in one.discounts:
            cuts[identity] = cuts.get(identity, 0) + amount
    number = f"{thing.sub.customer[4:12].upper()}-{thing.number:04d}"
    taxes = [
        {"amount": thing.tax, "tax_behavior": "exclusive", "taxability_reason": "standard_rated"}
    ]
    body: Json = {
        "id": thing.id, "object": "invoice", "amount_due": due, "amount_paid": paid,
        "amount_remaining": due - paid, "attempt_count": len(done), "attempted": bool(done),
        "auto_advance": status == "draft", "billing_reason": thing.reason,
        "collection_method": thing.sub.collection, "created": thing.created,
        "currency": thing.sub.currency, "customer": thing.sub.customer,
        "discounts": list(cuts), "due_date": seen(thing.finalized) and thing.due,
        "ending_balance": min(0, thing.total),
        "lines": listed(f"/v1/invoices/{thing.id}/lines", rows),
        "livemode": True, "metadata": {}, "number": number if issued else None,
        "period_end": thing.end, "period_start": thing.start, "starting_balance": 0,
        "status": status,
        "status_transitions": {
            "finalized_at": seen(thing.finalized),
            "marked_uncollectible_at": seen(thing.uncollectible),
            "paid_at": seen(thing.paid), "voided_at": seen(thing.voided),
        },
        "subtotal": thing.subtotal, "total": thing.total,
        "total_discount_amounts": [{"amount": v, "discount": k} for k, v in cuts.items()],
        "total_excluding_tax": thing.total - thing.tax,
    }  # fmt: skip
    if shape.basil:
        body["parent"] = {
            "type": "subscription_details", "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": thing.sub.id},
        }  # fmt: skip
        body["total_taxes"] = taxes if thing.tax else []
    else:
        body |= {
            "charge": done[-1].id if done else None, "paid": status == "paid",
            "payment_intent": done[-1].intent if done else None,
            "subscription": thing.sub.id, "tax": thing.tax or None,
            "total_tax_amounts": [{"amount": thing.tax, "inclusive": False}] if thing.tax else [],
        }  # fmt: skip
    return body


def charge(thing: Charge, at: int, shape: Shape) -> Json:
    """Return a charge as it is at a moment."""
    refunded = thing.refund[2] if thing.refund and thing.refund[1] <= at else 0
    total = thing.invoice.total
    body: Json = {
        "id": thing.id, "object": "charge", "amount": total,
        "amount_captured": total if thing.paid else 0, "amount_refunded": refunded,
        "captured": thing.paid, "created": thing.at, "currency": thing.invoice.sub.currency,
        "customer": thing.invoice.sub.customer, "description": None,
        "disputed": thing.dispute is not None and thing.dispute[1] <= at,
        "failure_code": None if thing.paid else "card_declined",
        "failure_message": None if thing.paid else "Your card was declined.",
        "livemode": True, "metadata": {}, "paid": thing.paid, "payment_intent": thing.intent,
        "refunded": bool(refunded) and refunded == total,
        "status": "succeeded" if thing.paid else "failed",
    }  # fmt: skip
    if not shape.basil:
        body["invoice"] = thing.invoice.id
    return body


def refund(thing: Charge) -> Json:
    """Return the refund of a charge that has one."""
    assert thing.refund is not None
    identity, at, amount = thing.refund
    return {
        "id": identity, "object": "refund", "amount": amount, "charge": thing.id, "created": at,
        "currency": thing.invoice.sub.currency, "metadata": {}, "payment_intent": thing.intent,
        "reason": "requested_by_customer", "status": "succeeded",
    }  # fmt: skip


def dispute(thing: Charge) -> Json:
    """Return the dispute of a charge that has one."""
    assert thing.dispute is not None
    identity, at = thing.dispute
    return {
        "id": identity, "object": "dispute", "amount": thing.invoice.total, "charge": thing.id,
        "created": at, "currency": thing.invoice.sub.currency, "is_charge_refundable": False,
        "livemode": True, "metadata": {}, "payment_intent": thing.intent, "reason": "general",
        "status": "needs_response",
    }  # fmt: skip


def balance_transactions(thing: Charge, at: int, seed: int) -> list[Json]:
    """Return what a charge and its refund move on the account, as it is at a moment: nothing for a
    charge that failed.

    The fee is 2.9 % and 30 minor units; a refund gives none of it back.
    """
    if not thing.paid:
        return []
    total, currency = thing.invoice.total, thing.invoice.sub.currency
    fee = (total * 29 + 500) // 1000 + 30
    moved = [("charge", thing.id, thing.at, total, fee)]
    if thing.refund:
        identity, moment, amount = thing.refund
        moved.append(("refund", identity, moment, -amount, 0))
    return [
        {
            "id": token("txn_", seed, source, length=24), "object": "balance_transaction",
            "amount": amount, "available_on": made + 2 * DAY, "created": made, "currency": currency,
            "description": None, "exchange_rate": None, "fee": cost,
            "fee_details": [{"amount": cost, "currency": currency, "type": "stripe_fee",
                             "description": "Stripe processing fees", "application": None}],
            "net": amount - cost, "reporting_category": kind, "source": source,
            "status": "available" if made + 2 * DAY <= at else "pending", "type": kind,
        }
        for kind, source, made, amount, cost in moved
    ]  # fmt: skip


def credit_note(thing: CreditNote) -> Json:
    """Return a credit note."""
    source = thing.invoice
    return {
        "id": thing.id, "object": "credit_note", "amount": thing.amount, "created": thing.at,
        "currency": source.sub.currency, "customer": source.sub.customer, "invoice": source.id,
        "livemode": True, "memo": None, "metadata": {}, "number": f"CN-{thing.id[3:9].upper()}",
        "reason": thing.reason, "status": "issued", "subtotal": thing.amount,
        "total": thing.amount, "type": "post_payment", "voided_at": None,
    }  # fmt: skip


def invoice_payment(thing: Invoice, identity: str, intent: str, at: int) -> Json:
    """Return the link between an invoice and the payment intent that collects it."""
    status = thing.status(at)
    paid = status == "paid"
    return {
        "id": identity, "object": "invoice_payment", "amount_paid": thing.total if paid else None,
        "amount_requested": thing.total, "created": thing.finalized or thing.created,
        "currency": thing.sub.currency, "invoice": thing.id, "is_default": True, "livemode": True,
        "payment": {"payment_intent": intent, "type": "payment_intent"},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": thing.paid if paid else None},
    }  # fmt: skip
