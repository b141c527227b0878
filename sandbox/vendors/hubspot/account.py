"""Who may ask what, and how often: tokens that expire, scopes that lack, calls of a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import Clock
from sandbox.universe.calendar import DAY
from sandbox.vendors.hubspot.errors import error, too_many

ACCESS_TOKEN = "pat-na1-sandbox"
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-client-secret"
REFRESH_TOKEN = "na1-sandbox-refresh"
TOKEN_PATHS = ("/oauth/v1/token", "/oauth/2026-03/token")
_SECONDS = 1800


class Account:
    """One account's token, scopes and daily quota."""

    def __init__(self, clock: Clock, options: Mapping[str, Any]) -> None:
        self._clock = clock
        self._oauth = bool(options.get("oauth"))
        self._calls_per_token = options.get("calls_per_token")
        self._without = tuple(options.get("without", ()))
        self._daily = options.get("calls_per_day")
        self._today, self._calls = 0, 0
        self._left: dict[str, int | None] = {} if self._oauth else {ACCESS_TOKEN: None}

    def environment(self) -> dict[str, str]:
        """Return the credentials that the account gives out."""
        if not self._oauth:
            return {"ACCESS_TOKEN": ACCESS_TOKEN}
        return {
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "REFRESH_TOKEN": REFRESH_TOKEN,
        }

    def refuse(self, request: Request) -> Response | None:
        """Return the 401 or 403 of a call, None when it may pass."""
        if request.url.path.endswith(TOKEN_PATHS):
            return None
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._left:
            return self.unauthorized()
        left = self._left[token]
        if left == 0:
            message = "The OAuth token used to make this call expired."
            return error(401, "EXPIRED_AUTHENTICATION", message)
        if left is not None:
            self._left[token] = left - 1
        lacking = [kind for kind in self._without if f"/{kind}" in request.url.path]
        return _missing_scope(lacking[0]) if lacking else None

    def unauthorized(self) -> Response:
        """Return the vendor's 401."""
        message = (
            "Authentication credentials not found. This API supports OAuth 2.0 authentication "
            "and you can find more details at https://developers.hubspot.com/docs/methods/auth"
        )
        return error(401, "INVALID_AUTHENTICATION", message)

    def over_day(self) -> Response | None:
        """Count a call of today; return the 429 that lasts until midnight when it is too many."""
        today = self._clock.seconds // DAY
        if today != self._today:
            self._today, self._calls = today, 0
        if self._daily is not None and self._calls >= self._daily:
            return too_many("daily", "DAILY")
        self._calls += 1
        return None

    def headers(self) -> dict[str, str]:
        """Return what is left of the day."""
        most = 650_000 if self._daily is None else self._daily
        return {
            "X-HubSpot-RateLimit-Daily": str(most),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, most - self._calls)),
        }

    async def token(self, request: Request) -> Response:
        """Exchange the refresh token for an access token."""
        form = dict(parse_qsl((await request.body()).decode()))
        given = tuple(form.get(name) for name in ("client_id", "client_secret", "refresh_token"))
        if form.get("grant_type") != "refresh_token":
            return error(400, "BAD_GRANT_TYPE", "missing or unknown grant type")
        if not self._oauth or given != (CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN):
            return error(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        token = f"sandbox-oauth-{len(self._left) + 1}"
        self._left[token] = self._calls_per_token
        return JSONResponse(
            {
                "access_token": token,
                "refresh_token": REFRESH_TOKEN,
                "expires_in": _SECONDS,
                "token_type": "bearer",
                "hub_id": 8_675_309,
                "scopes": ["oauth", "crm.objects.companies.read", "crm.objects.contacts.read"],
            }
        )


def _missing_scope(kind: str) -> Response:
    return error(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredScopes": [f"crm.objects.{kind}.read"]},
            }
        ],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )
