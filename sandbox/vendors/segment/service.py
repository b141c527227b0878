"""The workspace as the sandbox drives it: a bucket behind an S3 endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Router

from sandbox.s3 import MAX_KEYS, S3, error
from sandbox.vendors.segment.logs import PREFIX, Logs

BUCKET = "sandbox-segment-logs"
ACCESS_KEY, SECRET_KEY = "AKIASANDBOXSEGMENT", "sandbox-segment-secret-key"


class Segment:
    """One Segment workspace over a world."""

    name = "segment"
    resources = ("calls", "files")
    archivable: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def __init__(self, logs: Logs, page: int = MAX_KEYS) -> None:
        self._logs = logs
        self._s3 = S3({BUCKET: logs}, ACCESS_KEY, SECRET_KEY, page)
        self.app = Router([Mount("/s3", self._s3.app)])

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return the bucket, its endpoint, the keys, and the day on which the logs begin."""
        return {
            "SOURCES__SEGMENT__BUCKET_URL": f"s3://{BUCKET}/{PREFIX}",
            "SOURCES__SEGMENT__ENDPOINT_URL": f"{base_url}/segment/s3",
            "SOURCES__SEGMENT__AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "SOURCES__SEGMENT__AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "SOURCES__SEGMENT__START_DATE": self._logs.first_day.isoformat(),
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert calls, as one log file more: an object or a list of them, completed as needed, or
        raw lines; or a whole file `{"name": ..., "body": bytes}` into today's folder."""
        self._logs.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return None: calls cannot be looked up."""
        return None

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the groups that the users of the made-up world were put into."""
        return self._logs.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return S3's 403 unless the call is signed with the keys."""
        return self._s3.refuse(request)

    def unauthorized(self, request: Request) -> Response:
        """Return S3's 403."""
        return error("AccessDenied", request)

    def over_limit(self, request: Request) -> Response | None:
        """Return None: no limit is counted."""
        return None

    def limited(self, request: Request) -> Response:
        """Return S3's way to ask for patience: a 503."""
        return error("SlowDown", request)

    def empty(self, request: Request) -> Response:
        """Return a listing without keys."""
        return self._s3.empty(request)

    def headers(self, request: Request) -> dict[str, str]:
        """Return S3's request id."""
        return {"x-amz-request-id": "4442587FB7D0A2F9"}
