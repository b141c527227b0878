"""The billing API's HTTP surface: lists, objects, child lists."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox.limits import Limits, Window
from sandbox.universe.chance import token
from sandbox.vendors.stripe.expand import BadExpand, expand
from sandbox.vendors.stripe.shapes import Json, Shape
from sandbox.vendors.stripe.store import RESOURCES, Row, Store

API_KEY = "rk_sandbox_customer360"
API_VERSION = "2026-10-28.endive"
_FILTERS = {
    "customers": ("email",),
    "subscriptions": ("status", "customer", "price", "collection_method"),
    "prices": ("active", "type", "product", "currency"), "products": ("active",),
    "invoices": ("status", "customer", "subscription", "collection_method"),
    "charges": ("customer", "payment_intent"), "refunds": ("charge", "payment_intent"),
    "coupons": (), "credit_notes": ("customer", "invoice"),
    "balance_transactions": ("type", "source", "currency", "payout"),
    "disputes": ("charge", "payment_intent"), "invoice_payments": ("invoice", "status"),
    "events": ("type", "types"),
}  # fmt: skip
_ENDED = ("canceled", "incomplete_expired")
_RANGE = re.compile(r"created\[(gt|gte|lt|lte)\]")


class Refused(Exception):
    """A request that the API answers with an error."""

    def __init__(self, status: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.response = error(status, message, **extra)


class Stripe:
    """One Stripe account over a world."""

    name = "stripe"
    resources = RESOURCES
    archivable = frozenset({"products", "prices"})
    faults: frozenset[str] = frozenset()

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._all = Window(limits.stripe_per_second, 1)
        self._each: dict[str, Window] = {}
        self._served = 0
        self.app = Router(
            [
                Route("/v1/invoices/{id}/lines", self._lines),
                Route("/v1/subscription_items", self._items),
                Route("/v1/{resource}/{id}", self._one),
                Route("/v1/{resource}", self._list),
            ],
            redirect_slashes=False,
            default=_unknown_url,
        )

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return base URL, key and pinned version."""
        return {
            "SOURCES__STRIPE__BASE_URL": f"{base_url}/stripe",
            "SOURCES__STRIPE__API_KEY": API_KEY,
            "SOURCES__STRIPE__API_VERSION": API_VERSION,
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert or override one object; an event tells of it."""
        self._store.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one object in the pinned version's shape."""
        return self._store.find(resource, identity, Shape(API_VERSION))

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the customers of the made-up world."""
        return self._store.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 401 unless the key comes as bearer token or as user of basic authentication."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                value = base64.b64decode(value).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                value = ""
        return None if value == API_KEY else self.unauthorized(request)

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""
        given = request.headers.get("authorization", "").partition(" ")[2]
        if not given:
            return error(401, "You did not provide an API key. You need to provide your API key in "
                              "the Authorization header, using Bearer auth.")  # fmt: skip
        return error(401, f"Invalid API Key provided: {given[:8]}****{given[-4:]}")

    def over_limit(self, request: Request) -> Response | None:
        """Count the call against the account's limit and, when set, the endpoint's."""
        endpoint = request.url.path.removeprefix(request.scope.get("root_path", "")).split("/")[2:3]
        each = self._each.setdefault(
            "".join(endpoint), Window(self._limits.stripe_per_second_and_endpoint, 1)
        )
        if self._all.full:
            return _too_many("global-rate")
        if each.full:
            return _too_many("endpoint-rate")
        self._all.count()
        each.count()
        return None

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429."""
        return _too_many("global-rate")

    def empty(self, request: Request) -> Response:
        """Return a list without rows."""
        return JSONResponse(_page(request, [], False))

    def headers(self, request: Request) -> dict[str, str]:
        """Return the request id and the version that shaped the answer."""
        self._served += 1
        return {
            "Request-Id": token("req_", 0, self._served),
            "Stripe-Version": self._shape(request).version,
        }

    # ---- endpoints ----

    async def _list(self, request: Request) -> Response:
        resource = request.path_params["resource"]
        if resource not in _FILTERS:
            return _unrecognized(request)
        shape = self._shape(request)
        try:
            rows = self._matching(request, resource, shape)
            page, more = self._slice(request, rows, resource)
            body = _page(request, [row.render(self._store.now, shape) for row in page], more)
            expand(self._store, shape, body, _expands(request))
        except Refused as refused:
            return refused.response
        except BadExpand as problem:
            return error(400, str(problem))
        return JSONResponse(body)

    async def _one(self, request: Request) -> Response:
        resource, identity = request.path_params["resource"], request.path_params["id"]
        if resource not in RESOURCES:
            return _unrecognized(request)
        shape = self._shape(request)
        found = self._store.find(resource, identity, shape)
        if resource == "subscription_items":
            found = self._item(identity, shape)
        if found is None:
            return _missing(resource, identity)
        try:
            expand(self._store, shape, found, _expands(request))
        except BadExpand as problem:
            return error(400, str(problem))
        return JSONResponse(found)

    def _item(self, identity: str, shape: Shape) -> Json | None:
        for row in self._store.rows("subscriptions"):
            for item in self._store.subscription_items(row.id, shape) or []:
                if item.get("id") == identity:
                    return dict(item)
        return None

    async def _items(self, request: Request) -> Response:
        owner = request.query_params.get("subscription")
        if not owner:
            return error(400, "Missing required param: subscription.", param="subscription",
                         code="parameter_missing")  # fmt: skip
        rows = self._store.subscription_items(owner, self._shape(request))
        return self._children(request, rows, "subscriptions", owner)

    async def _lines(self, request: Request) -> Response:
        owner = request.path_params["id"]
        rows = self._store.lines(owner, self._shape(request))
        return self._children(request, rows, "invoices", owner)

    def _children(
        self, request: Request, rows: list[Any] | None, parents: str, owner: str
    ) -> Response:
        if rows is None:
            return _missing(parents, owner)
        wrapped = [Row(str(_get(one, "id")), 0, partial(_itself, one), []) for one in rows]
        try:
            page, more = self._slice(request, wrapped, parents)
            body = _page(request, [row.render(0, self._shape(request)) for row in page], more)
            expand(self._store, self._shape(request), body, _expands(request))
        except Refused as refused:
            return refused.response
        except BadExpand as problem:
            return error(400, str(problem))
        return JSONResponse(body)

    # ---- list protocol ----

    def _shape(self, request: Request) -> Shape:
        return Shape(request.headers.get("stripe-version") or self._store.account_version)

    def _matching(self, request: Request, resource: str, shape: Shape) -> list[Row]:
        rows = self._store.rows(resource)
        tests: list[tuple[str, set[str]]] = []
        for key, value in request.query_params.multi_items():
            bare = key.split("[")[0]
            bound = _RANGE.fullmatch(key)
            if bound or key == "created":
                rows = [row for row in rows if _within(row.created, bound, key, value)]
            elif bare in _FILTERS[resource]:
                name = "type" if bare == "types" else bare
                tests.append((name, set(request.query_params.getlist(key))))
            elif bare not in ("limit", "starting_after", "ending_before", "expand"):
                raise Refused(400, f"Received unknown parameter: {key}", param=key,
                              code="parameter_unknown")  # fmt: skip
        if resource == "subscriptions" and not any(name == "status" for name, _ in tests):
            tests.append(("status", {"live"}))
        tests = [(name, wanted) for name, wanted in tests if wanted != {"all"}]
        if not tests:
            return rows
        now = self._store.now
        return [
            row
            for row in rows
            if all(_fits(row.render(now, shape), name, wanted) for name, wanted in tests)
        ]

    def _slice(self, request: Request, rows: list[Row], resource: str) -> tuple[list[Row], bool]:
        text = request.query_params.get("limit", "10")
        if not text.isdigit() or not 1 <= int(text) <= 100:
            raise Refused(
                400, f"Invalid integer: {text}", param="limit", code="parameter_invalid_integer"
            )
        limit = int(text)
        after = request.query_params.get("starting_after")
        before = request.query_params.get("ending_before")
        places = {row.id: place for place, row in enumerate(rows)} if after or before else {}
        for cursor, param in ((after, "starting_after"), (before, "ending_before")):
            if cursor and cursor not in places:
                raise Refused(400, f"No such {_singular(resource)}: '{cursor}'", param=param,
                              code="resource_missing")  # fmt: skip
        if before:
            end = places[before]
            start = max(0, end - limit)
            return rows[start:end], start > 0
        start = places[after] + 1 if after else 0
        return rows[start : start + limit], start + limit < len(rows)


def _itself(body: Any, at: int, shape: Shape) -> Any:
    return body


def error(status: int, message: str, **extra: Any) -> JSONResponse:
    """Return an error in the vendor's shape."""
    return JSONResponse(
        {"error": {"message": message, "type": "invalid_request_error", **extra}}, status
    )


def _too_many(reason: str) -> Response:
    answer = error(
        429,
        "Request rate limit exceeded. Learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        doc_url="https://stripe.com/docs/error-codes/rate-limit",
    )
    answer.headers["Stripe-Rate-Limited-Reason"] = reason
    # without it the vendor's own client gives up on a 429
    answer.headers["Stripe-Should-Retry"] = "true"
    return answer


def _singular(resource: str) -> str:
    return resource.removesuffix("s").replace("_", " ")


def _missing(resource: str, identity: str) -> Response:
    return error(
        404,
        f"No such {_singular(resource)}: '{identity}'",
        code="resource_missing",
        doc_url="https://stripe.com/docs/error-codes/resource-missing",
        param="id",
    )


def _unrecognized(request: Request) -> Response:
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return error(404, f"Unrecognized request URL ({request.method}: {path}).")


async def _unknown_url(scope: Any, receive: Any, send: Any) -> None:
    await _unrecognized(Request(scope))(scope, receive, send)


def _expands(request: Request) -> list[str]:
    return [value for key, value in request.query_params.multi_items() if key.startswith("expand")]


def _page(request: Request, rows: list[Any], more: bool) -> Json:
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return {"object": "list", "data": rows, "has_more": more, "url": path}


def _within(created: int, bound: re.Match[str] | None, key: str, value: str) -> bool:
    if not value.lstrip("-").isdigit():
        raise Refused(400, f"Invalid integer: {value}", param=key, code="parameter_invalid_integer")
    edge = int(value)
    match bound[1] if bound else "eq":
        case "gt":
            return created > edge
        case "gte":
            return created >= edge
        case "lt":
            return created < edge
        case "lte":
            return created <= edge
    return created == edge


def _get(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None


def _fits(body: Any, name: str, wanted: set[str]) -> bool:
    if name == "subscription":
        parent = _get(_get(body, "parent"), "subscription_details")
        value = _get(body, "subscription") or _get(parent, "subscription")
    elif name == "price":
        items = _get(_get(body, "items"), "data") or []
        return any(_get(_get(item, "price"), "id") in wanted for item in items)
    else:
        value = _get(body, name)
    if name == "status" and wanted == {"live"}:
        return value not in _ENDED
    if name == "status" and wanted == {"ended"}:
        return value in _ENDED
    return (str(value).lower() if isinstance(value, bool) else value) in wanted
