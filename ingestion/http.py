"""Asking a vendor: pacing, retries by that vendor's rules, and what an error answer means."""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from dlt.common import jsonpath
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests.session import Session
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from requests import HTTPError, PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import ChunkedEncodingError, ConnectionError, ContentDecodingError, Timeout
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from ingestion.errors import PullError
from ingestion.settings import where_to_put

LONGEST_RETRY_AFTER = 300.0
# An answer that means "come back": locked, migrating, and everything that is the server's fault.
COME_BACK = frozenset((423, 477, *range(500, 600)))
# A whole number that may not fit into 64 bits, an id perhaps: the fast parser would round it.
LONG_NUMBER = re.compile(rb"[:,\[]\s*-?\d{19,}")


@dataclass(frozen=True)
class Limit:
    """How long to wait after a 429, and for how long in all before giving up (seconds)."""

    wait: Callable[[Response, int], float]
    give_up_after: float


class Pace:
    """At most `per_second` calls pass in a second, whichever threads they come from."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when it is this call's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        time.sleep(turn - now)


class PerMinute(Pace):
    """At most `calls` pass in any minute; a few at once pass at once."""

    def __init__(self, calls: int) -> None:
        super().__init__(calls / 60)
        self._passed: deque[float] = deque(maxlen=calls)

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            full = len(self._passed) == self._passed.maxlen
            turn = max(now, self._passed[0] + 60) if full else now
            self._passed.append(turn)
        time.sleep(turn - now)


class _ComeBack(Exception):
    """The vendor could not answer this time."""


class _Limited(Exception):
    """The vendor asks to wait, mostly by a 429."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status_code))
        self.response = response


class StartOver(Exception):
    """A call that must not be repeated had no whole answer: what it went on with is lost."""


class _Cut(Exception):
    """The answer is not JSON, or only the first part of it."""


@dataclass
class Vendor:
    """One API of one vendor. `paces` maps the beginning of a path to what calls to it wait for;
    paths begin behind `base_url`.

    Where the status alone does not tell what an error answer means, `meaning` reads it: a PullError
    is raised, "wait" makes it a limit, None leaves it to its status. `renew` is called on a 401
    with the request that was refused; when it returns true, `auth` has a new token, and the
    request is made once more. A call to a path that begins with one of `once` moves something on at
    the vendor, so it is not repeated after a broken answer: it raises StartOver.
    """

    source: str
    base_url: str
    auth: AuthBase
    limit: Limit
    headers: dict[str, str] = field(default_factory=dict)
    paces: Mapping[str, Pace] = field(default_factory=dict)
    meaning: Callable[[Response], PullError | Literal["wait"] | None] = lambda _: None
    renew: Callable[[PreparedRequest], bool] = lambda _: False
    once: tuple[str, ...] = ()

    def client(self) -> RESTClient:
        """A dlt REST client whose session keeps this vendor's rules. May be shared by threads."""
        return RESTClient(
            self.base_url.rstrip("/"),
            headers=self.headers,
            auth=self.auth,
            session=_VendorSession(self),
        )


class _VendorSession(Session):
    def __init__(self, vendor: Vendor) -> None:
        runtime = resolve_configuration(RuntimeConfiguration())
        super().__init__(timeout=runtime.request_timeout, raise_for_status=False)
        self._vendor = vendor
        self._base = urlsplit(vendor.base_url).path.rstrip("/")
        self._attempts = runtime.request_max_attempts
        self._scale = runtime.request_backoff_factor
        adapter = HTTPAdapter(pool_maxsize=32)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        source, path = self._vendor.source, self._path(request)
        again = (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError)
        broken = (*again, _ComeBack, _Cut)
        once = self._is_once(path)
        retrying = Retrying(
            # A call that was over the limit has done nothing, so it may always be made again.
            retry=retry_if_exception_type(_Limited if once else (*broken, _Limited)),
            wait=self._seconds_to_wait,
            stop=self._is_enough,
            reraise=True,
        )
        try:
            return retrying(self._send_once, request, path, **kwargs)
        except _Limited as limited:
            raise PullError(
                source,
                "rate_limited",
                f"{path} still answers {limited} after waiting as the vendor asks. "
                "Pull again later, or ask what else uses this account's quota.",
            ) from None
        except broken as problem:
            if once:
                raise StartOver(type(problem).__name__) from None
            if isinstance(problem, _Cut):
                said = f"{path} keeps sending answers that are not whole JSON."
                raise PullError(source, "bad_answer", said) from None
            said = str(problem) if isinstance(problem, _ComeBack) else type(problem).__name__
            raise PullError(
                source,
                "unreachable",
                f"{path} did not answer in {self._attempts} attempts (last: {said}). "
                f"Check base_url under [sources.{source}] and the vendor's status page.",
            ) from None

    def _path(self, request: PreparedRequest) -> str:
        return str(request.path_url).partition("?")[0].removeprefix(self._base)

    def _is_once(self, path: str) -> bool:
        return bool(self._vendor.once) and path.startswith(self._vendor.once)

    def _send_once(self, request: PreparedRequest, path: str, **kwargs: Any) -> Response:
        for beginning, pace in self._vendor.paces.items():
            if path.startswith(beginning):
                pace.wait()
        response = self._answer(request, **kwargs)
        if response.status_code == 401 and self._vendor.renew(request):
            response = self._answer(self._vendor.auth(request), **kwargs)
        self._judge(response, path, streamed=bool(kwargs.get("stream")))
        return response

    def _answer(self, request: PreparedRequest, **kwargs: Any) -> Response:
        try:
            return super().send(request, **kwargs)
        except HTTPError as error:
            if error.response is None:
                raise
            return error.response

    def _judge(self, response: Response, path: str, streamed: bool) -> None:
        source, status = self._vendor.source, response.status_code
        meaning = self._vendor.meaning(response) if status >= 400 else None
        if isinstance(meaning, PullError):
            raise meaning
        if meaning == "wait":
            raise _Limited(response)
        if status in (401, 402, 403):
            raise PullError(
                source, "credentials", f"{path} answers {status}: {_refusal(source, status)}"
            )
        if status == 429:
            raise _Limited(response)
        if status in COME_BACK or (status >= 400 and self._is_once(path)):
            raise _ComeBack(f"status {status}")
        # That it is gone is an answer to whoever asks for one object, and a mistake in a list.
        if status >= 400 and (status not in (404, 410) or response.request.hooks["response"]):
            raise PullError(source, "bad_answer", f"{path} answers {status} to a valid request.")
        if not streamed and status < 400:
            parsed = _parsed(response)
            # The paginator and the reader both ask for it, and large pages are slow to parse.
            response.json = lambda **_: parsed  # type: ignore[method-assign]

    def _seconds_to_wait(self, state: RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        seconds = float(2 ** (state.attempt_number - 1))
        if isinstance(problem, _Limited):
            seconds = self._vendor.limit.wait(problem.response, state.attempt_number)
            header = problem.response.headers.get("Retry-After", "")
            if header.strip().isdigit():
                seconds = min(float(header), LONGEST_RETRY_AFTER)
        return seconds * self._scale

    def _is_enough(self, state: RetryCallState) -> bool:
        problem = state.outcome.exception() if state.outcome else None
        if isinstance(problem, _Limited):
            wait = self._vendor.limit.wait(problem.response, state.attempt_number)
            waited = state.idle_for + wait * self._scale
            return waited > self._vendor.limit.give_up_after * self._scale
        return state.attempt_number >= self._attempts


def _refusal(source: str, status: int) -> str:
    if status == 402:
        return "the plan of this account does not include API calls."
    if status == 403:
        return f"the credentials lack a permission for it. {where_to_put(source)}"
    return f"the credentials are wrong or expired. {where_to_put(source)}"


def once_more_after(problem: type[Exception]) -> Retrying:
    """Retries a call that raised `problem` as often and as patiently as a broken answer."""
    runtime = resolve_configuration(RuntimeConfiguration())
    return Retrying(
        retry=retry_if_exception_type(problem),
        wait=wait_exponential(multiplier=runtime.request_backoff_factor),
        stop=stop_after_attempt(runtime.request_max_attempts),
        reraise=True,
    )


class Cursor(JSONResponseCursorPaginator):
    """dlt's cursor paginator, which here refuses to go in circles or to stop half-way."""

    def __init__(self, source: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._source = source
        self._been: set[str] = set()

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        super().update_state(response, data)
        path = self.has_more_path
        promised = path is not None and True in jsonpath.find_values(path, response.json())
        if promised and not self._has_next_page:
            raise PullError(
                self._source, "bad_answer", "a page says that more follow, but is empty."
            )
        if not self._has_next_page:
            return
        reference = str(self._next_reference)
        if reference in self._been:
            raise PullError(self._source, "bad_answer", "the pages of a list lead in a circle.")
        self._been.add(reference)


def _parsed(response: Response) -> Any:
    try:
        if not LONG_NUMBER.search(response.content):
            return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        pass
    try:
        # Takes what the fast one refuses though it can be read: half surrogates, NaN.
        return json.loads(response.content)
    except ValueError:
        raise _Cut from None
