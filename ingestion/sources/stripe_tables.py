"""The raw tables of Stripe, in the vendor's own names: epochs in seconds, money in minor units."""

from itertools import chain
from typing import Any

from ingestion.tables import Column, Kind, Table, of_kind, texts


def _epochs(names: str) -> tuple[Column, ...]:
    return of_kind("bigint", names, "epoch")


def _table(name: str, *columns: tuple[Column, ...], **more: Any) -> Table:
    ignored = ("object", *more.pop("ignored", ()))
    return Table(name, (Column("id"), *chain(*columns)), ("id",), ignored=ignored, **more)


def _inside(name: str, path: str, kind: Kind = "text") -> tuple[Column, ...]:
    return (Column(name, kind, tuple(path.split("."))),)


CUSTOMERS = _table(
    "customers",
    texts("name email phone currency description address__country tax_exempt"),
    _epochs("created"),
    of_kind("bool", "delinquent deleted livemode"),
    of_kind("json", "metadata discount"),
    texts("metadata__hubspot_company_id metadata__product_account_id"),
)
PRODUCTS = _table(
    "products",
    texts("name description"),
    of_kind("bool", "active"),
    _epochs("created updated"),
    of_kind("json", "metadata"),
    write="whole",
)
PRICES = _table(
    "prices",
    texts("product currency type billing_scheme tiers_mode nickname"),
    of_kind("bool", "active"),
    of_kind("bigint", "unit_amount recurring__interval_count"),
    (Column("unit_amount_decimal", means="number"),),
    texts("recurring__interval recurring__usage_type recurring__meter"),
    of_kind("json", "tiers transform_quantity metadata"),
    _epochs("created"),
    write="whole",
)
SUBSCRIPTIONS = _table(
    "subscriptions",
    texts("customer status currency collection_method latest_invoice schedule"),
    _epochs("created start_date cancel_at canceled_at ended_at trial_start trial_end"),
    of_kind("bool", "cancel_at_period_end deleted"),
    _inside("cancellation_reason", "cancellation_details.reason"),
    of_kind("json", "pause_collection discounts metadata"),
    ignored=("items",),
)
SUBSCRIPTION_ITEMS = _table(
    "subscription_items",
    texts("subscription"),
    of_kind("bigint", "quantity"),
    _inside("price", "price_id"),
    _inside("price_object", "price", "json"),
    _epochs("created current_period_start current_period_end"),
    of_kind("json", "discounts metadata"),
    (Column("removed", "bool"),),
    write="by_parent",
    parent="subscription",
    gone="removed",
    ignored=("plan",),
)
INVOICES = _table(
    "invoices",
    texts("customer subscription status billing_reason currency number collection_method"),
    of_kind("bigint", "amount_due amount_paid amount_remaining subtotal total tax attempt_count"),
    _epochs("created due_date period_start period_end"),
    *(
        (Column(name, "bigint", ("status_transitions", name), "epoch"),)
        for name in ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")
    ),
    of_kind("bool", "deleted"),
    ignored=("lines",),
)
INVOICE_LINES = _table(
    "invoice_lines",
    texts("invoice subscription subscription_item price product currency description"),
    of_kind("bigint", "amount quantity"),
    of_kind("bool", "proration"),
    *((Column(f"period_{end}", "bigint", ("period", end), "epoch"),) for end in ("start", "end")),
    of_kind("json", "discount_amounts"),
    (Column("removed", "bool"),),
    write="by_parent",
    parent="invoice",
    gone="removed",
    ignored=("plan",),
)
CHARGES = _table(
    "charges",
    texts("customer invoice payment_intent currency status failure_code"),
    of_kind("bigint", "amount amount_refunded"),
    _epochs("created"),
    of_kind("bool", "captured paid refunded disputed deleted"),
    ignored=("refunds",),
)
REFUNDS = _table(
    "refunds",
    texts("charge payment_intent currency status reason"),
    of_kind("bigint", "amount"),
    _epochs("created"),
    of_kind("bool", "deleted"),
)
CREDIT_NOTES = _table(
    "credit_notes",
    texts("invoice customer currency status type reason"),
    of_kind("bigint", "amount total"),
    _epochs("created"),
    of_kind("bool", "deleted"),
    ignored=("lines",),
)
COUPONS = _table(
    "coupons",
    texts("name currency duration"),
    of_kind("double", "percent_off"),
    of_kind("bigint", "amount_off duration_in_months max_redemptions"),
    _epochs("redeem_by created"),
    of_kind("bool", "valid"),
    (Column("applies_to", "json", ("applies_to", "products")),),
    of_kind("json", "metadata"),
    write="whole",
)
EVENTS = _table(
    "events",
    texts("type api_version"),
    _epochs("created"),
    _inside("object_id", "data.object.id"),
    _inside("object_type", "data.object.object"),
    _inside("payload", "data.object", "json"),
    ignored=("livemode", "pending_webhooks", "request", "account", "context"),
)
TABLES = (
    CUSTOMERS,
    PRODUCTS,
    PRICES,
    SUBSCRIPTIONS,
    SUBSCRIPTION_ITEMS,
    INVOICES,
    INVOICE_LINES,
    CHARGES,
    REFUNDS,
    CREDIT_NOTES,
    COUPONS,
    EVENTS,
)
