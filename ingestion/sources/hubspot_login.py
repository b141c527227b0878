"""Logging in to HubSpot, how long to wait when it asks to, and what it says when it refuses."""

import threading
from collections.abc import Callable
from typing import Any

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from requests import PreparedRequest, Response
from requests.auth import AuthBase

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Limit, Vendor

SOURCE = "hubspot"
BASE_URL = "https://api.hubapi.com"


class NotGranted(PullError):
    """The account lacks the scope or the plan for one kind of record; `scopes` says which."""

    def __init__(self, path: str, scopes: str) -> None:
        where = settings.where_to_put(SOURCE)
        said = f"{path} answers 403: the token lacks {scopes}, or the plan has none. {where}"
        super().__init__(SOURCE, "credentials", said)
        self.scopes = scopes


def client() -> RESTClient:
    """A client with the credentials that are set: a static token, or an app's refresh token."""
    base_url = settings.option(SOURCE, "base_url", BASE_URL)
    auth: AuthBase
    renew: Callable[[PreparedRequest], bool] = lambda _: False  # noqa: E731
    if settings.value(f"sources.{SOURCE}.access_token"):
        auth = BearerTokenAuth(settings.credential(SOURCE, "access_token"))
    else:
        auth = token = _AppToken(base_url)
        renew = token.renew
    limit = Limit(wait, give_up_after=120)
    return Vendor(SOURCE, base_url, auth, limit, meaning=_not_granted, renew=renew).client()


class _AppToken(AuthBase):
    """The access token of an app, good for half an hour; asked for when there is none and when
    one is refused."""

    def __init__(self, base_url: str) -> None:
        keys = ("client_id", "client_secret", "refresh_token")
        self._form = {key: settings.credential(SOURCE, key) for key in keys}
        limit = Limit(wait, give_up_after=120)
        self._login = Vendor(SOURCE, base_url, _Nobody(), limit, meaning=_bad_app).client()
        version = settings.option(SOURCE, "oauth_version", "v1")
        self._path = f"/oauth/{version}/token"
        self._lock = threading.Lock()
        self._header = ""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        with self._lock:
            if not self._header:
                form = {"grant_type": "refresh_token", **self._form}
                given = self._login.post(self._path, data=form).json()
                self._header = f"Bearer {given.get('access_token')}"
            request.headers["Authorization"] = self._header
        return request

    def renew(self, refused: PreparedRequest) -> bool:
        """Forgets the token that `refused` carried, unless another thread has done so already."""
        with self._lock:
            if self._header == refused.headers.get("Authorization"):
                self._header = ""
        return True


class _Nobody(AuthBase):
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


def wait(response: Response, attempt: int) -> float:
    """HubSpot says which of its limits was hit, not for how long."""
    policy = _said(response).get("policyName", "")
    if policy == "DAILY":
        return float("inf")
    return 1.0 if policy == "SECONDLY" else 10.0


def _bad_app(response: Response) -> PullError | None:
    """What OAuth says of an app or a refresh token that does not exist, by 400 or 401."""
    if response.status_code not in (400, 401, 403):
        return None
    where = settings.where_to_put(SOURCE, "client_id", "client_secret", "refresh_token")
    said = f"the login answers {response.status_code}: no such app or refresh token. {where}"
    return PullError(SOURCE, "credentials", said)


def _not_granted(response: Response) -> PullError | None:
    if response.status_code != 403:
        return None
    told = [one for one in _said(response).get("errors") or [] if isinstance(one, dict)]
    scopes = [
        str(scope) for one in told for scope in (one.get("context") or {}).get("requiredScopes", [])
    ]
    path = str(response.request.path_url).partition("?")[0]
    return NotGranted(path, ", ".join(scopes) or "a scope")


def _said(response: Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
