"""Who may ask: OAuth access tokens that run out, and the API token of old."""

from __future__ import annotations

import base64
import time
from typing import Any

from sandbox.universe.chance import token

CLIENT_ID, CLIENT_SECRET = "c360_sandbox", "zd-sandbox-secret"
EMAIL, API_TOKEN = "admin@vendor.example", "zd-sandbox-api-token"


class Login:
    """Hands out access tokens and says whether a call carries a good one."""

    def __init__(self, seconds: int | None, calls: int | None) -> None:
        self._seconds, self._calls = seconds, calls
        self._tokens: dict[str, tuple[float, int]] = {}
        self._given = 0

    def grant(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a good request for a token, None to any other."""
        if (
            asked.get("grant_type") != "client_credentials"
            or asked.get("client_id") != CLIENT_ID
            or asked.get("client_secret") != CLIENT_SECRET
        ):
            return None
        self._given += 1
        made = token("", 1, "zendesk token", self._given, length=40)
        self._tokens[made] = (time.monotonic(), 0)
        answer = {"access_token": made, "token_type": "bearer", "scope": asked.get("scope", "read")}
        return answer if self._seconds is None else answer | {"expires_in": self._seconds}

    def accepts(self, authorization: str) -> bool:
        """Return whether the header is good, and count the call on its token."""
        kind, _, secret = authorization.partition(" ")
        if kind.lower() == "basic":
            return secret == base64.b64encode(f"{EMAIL}/token:{API_TOKEN}".encode()).decode()
        if kind.lower() != "bearer" or secret not in self._tokens:
            return False
        since, calls = self._tokens[secret]
        self._tokens[secret] = (since, calls + 1)
        too_old = self._seconds is not None and time.monotonic() - since >= self._seconds
        return not too_old and (self._calls is None or calls < self._calls)

    def revoke(self, authorization: str) -> None:
        """Let the token of a header be good no more."""
        self._tokens.pop(authorization.partition(" ")[2], None)
