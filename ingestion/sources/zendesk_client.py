"""Logging in to Zendesk, and how often it may be asked."""

import threading
from collections.abc import Callable

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from requests import PreparedRequest, Response
from requests.auth import AuthBase

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Limit, PerMinute, Vendor

SOURCE = "zendesk"
# Without the High Volume add-on, which allows 30.
EXPORTS_PER_MINUTE = "10"
# Zendesk says in Retry-After how long; where it does not, its windows are a minute.
_LIMIT = Limit(lambda _, attempt: 10.0, give_up_after=300)


def client() -> RESTClient:
    """A client with the credentials that are set. Raises PullError when some are missing."""
    base_url = settings.option(SOURCE, "base_url", "")
    if not base_url:
        said = "base_url is not set: https://<subdomain>.zendesk.com, under [sources.zendesk]."
        raise PullError(SOURCE, "credentials", said)
    auth: AuthBase
    renew: Callable[[PreparedRequest], bool] = lambda _: False  # noqa: E731
    if settings.value(f"sources.{SOURCE}.api_token"):
        email = settings.credential(SOURCE, "email")
        auth = HttpBasicAuth(f"{email}/token", settings.credential(SOURCE, "api_token"))
    else:
        auth = token = _AccessToken(base_url)
        renew = token.renew
    allowed = settings.option(SOURCE, "exports_per_minute", EXPORTS_PER_MINUTE)
    return Vendor(
        SOURCE,
        base_url,
        auth,
        _LIMIT,
        paces={"/api/v2/incremental": PerMinute(int(allowed))},
        renew=renew,
    ).client()


class _Nobody(AuthBase):
    """Who asks for a token has none yet."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class _AccessToken(AuthBase):
    """An OAuth token of the client; asked for when there is none and when one is refused."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._client_id = settings.credential(SOURCE, "client_id")
        self._client_secret = settings.credential(SOURCE, "client_secret")
        self._lock = threading.Lock()
        self._header = ""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        with self._lock:
            if not self._header:
                self._header = f"Bearer {self._ask()}"
            request.headers["Authorization"] = self._header
        return request

    def renew(self, refused: PreparedRequest) -> bool:
        """Forgets the token that `refused` carried, unless another thread has done so already."""
        with self._lock:
            if self._header == refused.headers.get("Authorization"):
                self._header = ""
        return True

    def _ask(self) -> str:
        login = Vendor(SOURCE, self._base_url, _Nobody(), _LIMIT, meaning=_bad_client)
        answer = login.client().post(
            "/oauth/tokens",
            json={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
                "scope": "read",
            },
        )
        return str(answer.json().get("access_token"))


def _bad_client(response: Response) -> PullError | None:
    """What OAuth says of a client that does not exist, by 400 or 401."""
    if response.status_code not in (400, 401):
        return None
    where = settings.where_to_put(SOURCE, "client_id", "client_secret")
    said = f"/oauth/tokens answers {response.status_code}: no such client. {where}"
    return PullError(SOURCE, "credentials", said)
