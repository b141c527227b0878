"""Logging in to Salesforce: an access token, and a new one when it has run out."""

import threading
import time
from typing import Any, Literal

from dlt.sources.helpers.rest_client import RESTClient
from requests import PreparedRequest, Response
from requests.auth import AuthBase

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Limit, Vendor
from ingestion.settings import where_to_put

SOURCE = "salesforce"
TOKEN = "/services/oauth2/token"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# The vendor takes no assertion that is good for longer.
ASSERTION_SECONDS = 180
# A limit on calls at the same time passes within seconds; the one on calls of a day does not.
LIMIT = Limit(
    lambda answer, attempt: float("inf") if is_daily(answer) else min(2.0**attempt, 30.0),
    give_up_after=300,
)


def errors_of(answer: Response) -> list[dict[str, Any]]:
    """What an error answer says: a list of objects with `errorCode` and `message`."""
    try:
        found = answer.json()
    except ValueError:
        return []
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)]


def is_over_limit(answer: Response) -> bool:
    """Whether a call was one too many; the vendor says so by 403 and not by 429."""
    return any(one.get("errorCode") == "REQUEST_LIMIT_EXCEEDED" for one in errors_of(answer))


def is_daily(answer: Response) -> bool:
    """Whether a refusal for too many calls is the one that lasts."""
    return not any("Concurrent" in str(one.get("message")) for one in errors_of(answer))


class Login(AuthBase):
    """The access token of this pull, shared by its threads.

    `url` is where the organisation's API is, as the login says.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client = _token_client()
        self._token, self.url = self._log_in()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self, refused: PreparedRequest) -> bool:
        """Logs in again, unless another thread has done so since `refused` was made."""
        with self._lock:
            if refused.headers.get("Authorization") == f"Bearer {self._token}":
                self._token, _ = self._log_in()
        return True

    def _log_in(self) -> tuple[str, str]:
        given = self._client.post(TOKEN, data=_grant()).json()
        if not isinstance(given, dict) or not given.get("access_token"):
            raise PullError(SOURCE, "bad_answer", f"{TOKEN} answers without an access_token.")
        return str(given["access_token"]), str(given.get("instance_url") or self._client.base_url)


def _token_client() -> RESTClient:
    return Vendor(
        SOURCE,
        settings.option(SOURCE, "base_url", "https://login.salesforce.com"),
        _Nobody(),
        LIMIT,
        meaning=_refused_login,
    ).client()


class _Nobody(AuthBase):
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


def _grant() -> dict[str, str]:
    client = settings.credential(SOURCE, "client_id")
    if settings.option(SOURCE, "private_key", ""):
        return {"grant_type": ASSERTION, "assertion": _assertion(client)}
    secret = settings.credential(SOURCE, "client_secret")
    return {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}


def _assertion(client: str) -> str:
    """A login signed with the private key, which never leaves this machine."""
    # Only who signs needs it.
    import jwt

    said = {
        "iss": client,
        "sub": settings.credential(SOURCE, "username"),
        "aud": settings.option(SOURCE, "login_url", "https://login.salesforce.com"),
        "exp": int(time.time()) + ASSERTION_SECONDS,
    }
    # In an environment variable the lines of a key are often written with \n.
    key = settings.credential(SOURCE, "private_key").replace("\\n", "\n")
    try:
        return jwt.encode(said, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise PullError(
            SOURCE,
            "credentials",
            f"private_key is no RSA key in PEM. {where_to_put(SOURCE, 'private_key')}",
        ) from None


def _refused_login(answer: Response) -> PullError | Literal["wait"] | None:
    if answer.status_code not in (400, 401, 403):
        return None
    if is_over_limit(answer):
        return "wait"
    codes = [str(one.get("error") or one.get("errorCode")) for one in errors_of(answer)]
    said = f" ({codes[0]})" if codes and codes[0].replace("_", "").isalnum() else ""
    return PullError(
        SOURCE,
        "credentials",
        f"{TOKEN} refuses the login{said}: the credentials are wrong, or the app may not log in "
        f"as its user. {where_to_put(SOURCE)}",
    )
