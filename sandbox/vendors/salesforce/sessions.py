"""Logging in: client credentials and signed assertions, and access tokens that end."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.universe.chance import token
from sandbox.vendors.salesforce.ids import ORGANISATION

CLIENT_ID = "3MVG9sandbox.client"
CLIENT_SECRET = "5ECRETsandbox"
USERNAME = "integration@vendor.example"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class BadLogin(ValueError):
    """A login that the vendor refuses with 400; `code` is its error, the text the description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


class Sessions:
    """The access tokens given out. Each answers `calls` calls (None: any number), then is expired.

    `public_key` (PEM) is what assertions have to be signed for; without one none is taken.
    """

    def __init__(self, calls: int | None, public_key: str | None) -> None:
        self._calls, self._public_key = calls, public_key
        self._left: dict[str, int | None] = {}

    def log_in(self, form: Mapping[str, Any], basic: str) -> str:
        """Return a new access token; BadLogin for wrong credentials."""
        grant = form.get("grant_type")
        if grant == "client_credentials":
            self._check_client(form, basic)
        elif grant == ASSERTION:
            self._check_assertion(str(form.get("assertion")))
        else:
            raise BadLogin("unsupported_grant_type", "grant type not supported")
        made = token(f"{ORGANISATION[:15]}!AQ", len(self._left), "session", length=60)
        self._left[made] = self._calls
        return made

    def accept(self, header: str | None) -> bool:
        """Count a call with this Authorization header; false when it is not or no longer good."""
        made = (header or "").removeprefix("Bearer ")
        if made not in self._left or self._left[made] == 0:
            return False
        left = self._left[made]
        if left is not None:
            self._left[made] = left - 1
        return True

    def _check_client(self, form: Mapping[str, Any], basic: str) -> None:
        given = (form.get("client_id"), form.get("client_secret"))
        if basic.startswith("Basic "):
            user, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            given = (user, secret)
        if given[0] != CLIENT_ID:
            raise BadLogin("invalid_client_id", "client identifier invalid")
        if given[1] != CLIENT_SECRET:
            raise BadLogin("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str) -> None:
        # only who signs assertions needs the library
        import jwt

        if self._public_key is None:
            raise BadLogin("invalid_grant", "user hasn't approved this consumer")
        audiences = ["https://login.salesforce.com", "https://test.salesforce.com"]
        try:
            said = jwt.decode(assertion, self._public_key, algorithms=["RS256"], audience=audiences,
                              options={"require": ["exp", "iss", "sub", "aud"]})  # fmt: skip
        except jwt.ExpiredSignatureError:
            raise BadLogin("invalid_grant", "expired authorization code") from None
        except jwt.InvalidTokenError:
            raise BadLogin("invalid_grant", "invalid assertion") from None
        if said["iss"] != CLIENT_ID:
            raise BadLogin("invalid_client_id", "client identifier invalid")
        if said["sub"] != USERNAME:
            raise BadLogin("invalid_grant", "user hasn't approved this consumer")
