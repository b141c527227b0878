"""One shape of record from any version of Stripe's API: what has moved is put in one place.

Every function leaves what is no object as it is, for the reader to turn away.
"""

from collections.abc import Callable, Iterator
from typing import Any

# Called with a list inside an object, the path of the whole list, and what to ask it with.
Inside = Callable[..., Iterator[Any]]


def id_of(reference: Any) -> Any:
    """The id in a reference, which is the id itself or, expanded, the object."""
    return reference.get("id") if isinstance(reference, dict) else reference


def _first(*candidates: Any) -> Any:
    return next((found for found in candidates if found is not None), None)


def _down(record: Any, *path: str) -> Any:
    for part in path:
        record = record.get(part) if isinstance(record, dict) else None
    return record


def with_references(record: Any, *names: str) -> Any:
    """`record` with ids in place of the objects that some lists expand."""
    if not isinstance(record, dict):
        return record
    return record | {name: id_of(record[name]) for name in names if name in record}


def subscription(record: Any) -> Any:
    """Before the version of 2025-03-31 a subscription had one `discount` of its own."""
    if not isinstance(record, dict):
        return record
    alone = record.get("discount")
    discounts = record.get("discounts") or ([alone] if alone else [])
    shaped: Any = with_references(record, "customer", "latest_invoice", "schedule")
    return shaped | ({"discounts": discounts} if discounts else {})


def items(inside: Inside, record: Any) -> Iterator[Any]:
    """Items with their price. The current period moved here from the subscription in 2025."""
    if not isinstance(record, dict) or not record.get("id"):
        return
    # Asked for as in the list of subscriptions: otherwise a discount is an id and nothing more.
    listed = inside(
        record.get("items"),
        "subscription_items",
        expand=("discounts",),
        subscription=record["id"],
    )
    for item in listed:
        if not isinstance(item, dict):
            yield item
            continue
        period = {
            name: _first(item.get(name), record.get(name))
            for name in ("current_period_start", "current_period_end")
        }
        owner = {"subscription": record["id"], "price_id": id_of(item.get("price"))}
        yield item | period | owner


def invoice(record: Any) -> Any:
    """The subscription and the taxes of an invoice moved in the version of 2025-03-31."""
    if not isinstance(record, dict):
        return record
    details = _down(record, "parent", "subscription_details", "subscription")
    subscription = _first(record.get("subscription"), details)
    taxes = record.get("total_taxes")
    tax = record.get("tax")
    if tax is None and taxes and isinstance(taxes, list):
        amounts = [_down(part, "amount") for part in taxes]
        tax = sum(amounts) if all(isinstance(amount, int) for amount in amounts) else None
    shaped: Any = with_references(record, "customer", "charge", "payment_intent")
    moved = {"subscription": id_of(subscription), "tax": tax}
    return shaped | {name: found for name, found in moved.items() if found is not None}


def lines(inside: Inside, record: Any) -> Iterator[Any]:
    """Lines with their price, subscription and proration from wherever the version has them."""
    if not isinstance(record, dict) or not record.get("id"):
        return
    for line in inside(record.get("lines"), f"invoices/{record['id']}/lines"):
        if not isinstance(line, dict):
            yield line
            continue
        item = _down(line, "parent", "subscription_item_details")
        extra = _down(line, "parent", "invoice_item_details")
        price = _first(line.get("price"), _down(line, "pricing", "price_details", "price"))
        product = _down(line, "pricing", "price_details", "product")
        owner = _first(
            line.get("subscription"), _down(item, "subscription"), _down(extra, "subscription")
        )
        yield line | {
            "invoice": record["id"],
            "price": id_of(price),
            "product": id_of(_first(_down(price, "product"), product)),
            "subscription": id_of(owner),
            "subscription_item": _first(
                line.get("subscription_item"), _down(item, "subscription_item")
            ),
            "proration": _first(
                line.get("proration"), _down(item, "proration"), _down(extra, "proration")
            ),
        }


def charge(record: Any) -> Any:
    """A charge with the ids of what it is about."""
    return with_references(record, "customer", "invoice", "payment_intent")
