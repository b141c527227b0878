"""`expand[]`: replaces ids by the objects they stand for, and shows what is hidden by default."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.stripe.shapes import Json, Shape
from sandbox.vendors.stripe.store import Store

MAX_LEVELS = 4
_BY_FIELD = {
    "customer": "customers", "subscription": "subscriptions", "latest_invoice": "invoices",
    "invoice": "invoices", "product": "products", "price": "prices", "charge": "charges",
    "coupon": "coupons",
}  # fmt: skip


class BadExpand(ValueError):
    """A path that the API refuses; the text is its message."""


def expand(store: Store, shape: Shape, body: Json, paths: list[str]) -> None:
    """Expand `paths` in place. Raises BadExpand for too many levels or a field that cannot."""
    for path in paths:
        levels = path.split(".")
        if len(levels) > MAX_LEVELS:
            raise BadExpand(f"You cannot expand more than {MAX_LEVELS} levels of a property")
        if body.get("object") == "list" and levels[0] != "data":
            raise BadExpand(
                f"This property cannot be expanded ({path}). You may want to try expanding "
                f"'data.{path}' instead."
            )
        _walk(store, shape, body, levels, path)


def _walk(store: Store, shape: Shape, body: Any, levels: list[str], path: str) -> None:
    if isinstance(body, list):
        for one in body:
            _walk(store, shape, one, levels, path)
        return
    if not isinstance(body, dict) or body.get("deleted"):
        return
    name, rest = levels[0], levels[1:]
    if name == "tiers" and body.get("object") == "price":
        body.setdefault("tiers", store.tiers(str(body.get("id"))))
        return
    if name == "applies_to" and body.get("object") == "coupon":
        body.setdefault("applies_to", store.coupon_products(str(body.get("id"))))
        return
    if name == "subscriptions" and body.get("object") == "customer":
        _subscriptions(store, shape, body)
    elif name not in body:
        raise BadExpand(f"This property cannot be expanded ({path}).")
    body[name] = _resolve(store, shape, name, body[name])
    if rest:
        _walk(store, shape, body[name], rest, path)


def _resolve(store: Store, shape: Shape, name: str, value: Any) -> Any:
    if name == "discounts" and isinstance(value, list):
        return [
            (store.discount(one, shape) or one) if isinstance(one, str) else one for one in value
        ]
    resource = _BY_FIELD.get(name)
    if isinstance(value, str) and resource:
        return store.find(resource, value, shape) or value
    return value


def _subscriptions(store: Store, shape: Shape, body: Json) -> None:
    if "subscriptions" in body:
        return
    rows = [row.render(store.now, shape) for row in store.rows("subscriptions")]
    own = [
        one for one in rows if one.get("customer") == body["id"] and one.get("status") != "canceled"
    ]
    body["subscriptions"] = {
        "object": "list", "data": own[:10], "has_more": len(own) > 10,
        "url": f"/v1/customers/{body['id']}/subscriptions",
    }  # fmt: skip
