"""What every vendor does before it answers: log, misbehave when told to, authenticate, count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import Fault, Faults

Respond = Callable[[Request], Response]


class Call(NamedTuple):
    """One request that a vendor saw; `path` carries the query, `status` 0 means no answer."""

    vendor: str
    method: str
    path: str
    status: int


class Vendor(Protocol):
    """What a vendor tells the gate."""

    @property
    def name(self) -> str:
        """First segment of the vendor's path."""

    @property
    def app(self) -> ASGIApp:
        """The vendor's endpoints."""

    def refuse(self, request: Request) -> Response | None:
        """Return the vendor's answer to a call without valid credentials, None when they are."""

    def unauthorized(self, request: Request) -> Response:
        """Return the vendor's 401."""

    def over_limit(self, request: Request) -> Response | None:
        """Count the call; return the vendor's 429 when it is one too many."""

    def limited(self, request: Request) -> Response:
        """Return the vendor's 429."""

    def empty(self, request: Request) -> Response:
        """Return a page without rows."""

    def headers(self, request: Request) -> dict[str, str]:
        """Return headers that every answer to an authenticated call carries."""


class Gate:
    """ASGI application around one vendor."""

    def __init__(self, vendor: Vendor, faults: Faults, log: list[Call]) -> None:
        self._vendor, self._faults, self._log = vendor, faults, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        path = scope["path"][len(scope.get("root_path", "")) :]
        query = scope["query_string"].decode("latin-1")
        shown = f"{path}?{query}" if query else path
        logged = False
        extra: dict[str, str] = {}

        async def noting(message: Message) -> None:
            nonlocal logged
            if message["type"] == "http.response.start":
                # before the client can have the answer, so that it finds its call in the log
                self._log.append(Call(self._vendor.name, scope["method"], shown, message["status"]))
                logged = True
                message["headers"] = [
                    *message["headers"],
                    *((key.lower().encode(), value.encode()) for key, value in extra.items()),
                ]
            await send(message)

        fault = self._faults.take(self._vendor.name, shown)
        try:
            if fault and fault.kind == "down":
                await _hang_up(receive)
                return
            if fault and fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            answer = self._answer(request, fault)
            if answer is None:
                extra = self._vendor.headers(request)
            deliver = _Cut(receive, noting) if fault and fault.kind == "cut_stream" else noting
            scope["sandbox.fault"] = fault.kind if fault else None
            await (answer or self._vendor.app)(scope, receive, deliver)
        finally:
            if not logged:
                self._log.append(Call(self._vendor.name, scope["method"], shown, 0))

    def _answer(self, request: Request, fault: Fault | None) -> Response | None:
        vendor = self._vendor
        if fault and fault.kind == "server_error":
            return HTMLResponse(
                "<html><head><title>502 Bad Gateway</title></head><body><center>"
                "<h1>502 Bad Gateway</h1></center></body></html>",
                502,
            )
        if fault and fault.kind == "unauthorized":
            return vendor.unauthorized(request)
        refused = vendor.refuse(request)
        if refused is not None:
            return refused
        if fault and fault.kind == "rate_limit":
            return vendor.limited(request)
        limited = vendor.over_limit(request)
        if limited is not None:
            return limited
        return vendor.empty(request) if fault and fault.kind == "empty_page" else None


async def _hang_up(receive: Receive) -> None:
    """Close the connection without a word; the server hands its transport out only this way."""
    cycle: Any = getattr(receive, "__self__")  # noqa: B009
    cycle.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


class _Cut:
    """Passes half of the first piece of body on, then closes the connection."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send, self._done = receive, send, False

    async def __call__(self, message: Message) -> None:
        if self._done:
            return
        body = message.get("body", b"")
        if message["type"] == "http.response.body" and body:
            self._done = True
            half = {**message, "body": bytes(body[: len(body) // 2]), "more_body": True}
            await self._send(half)
            await _hang_up(self._receive)
            return
        await self._send(message)
