"""The bucket's HTTP surface: an S3 endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.s3 import S3, error
from sandbox.vendors.heap.dumps import BUCKET, Dumps

ACCESS_KEY = "AKIAHEAPSANDBOX"
SECRET_KEY = "sandbox-heap-secret"


class Heap:
    """One Heap environment whose dumps lie in a bucket."""

    name = "heap"
    resources = ("users", "sessions", "user_migrations", "events", "dumps", "files")
    archivable: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def __init__(self, dumps: Dumps) -> None:
        self._dumps = dumps
        self._s3 = S3({BUCKET: dumps}, ACCESS_KEY, SECRET_KEY)
        self.app = self._s3.app

    # ---- what the sandbox asks ----

    def environment(self, base_url: str) -> dict[str, str]:
        """Return where the bucket is, and the keys that may read it."""
        return {
            "SOURCES__HEAP__BUCKET_URL": f"s3://{BUCKET}",
            "SOURCES__HEAP__AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "SOURCES__HEAP__AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "SOURCES__HEAP__ENDPOINT_URL": f"{base_url}/heap",
            "SOURCES__HEAP__REGION_NAME": "us-east-1",
        }

    def put(self, resource: str, record: Any) -> None:
        """Insert rows, which come with the next dump, or change the manifest of one."""
        self._dumps.put(resource, record)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one user; rows of other tables are not looked up."""
        return self._dumps.user(identity) if resource == "users" else None

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return the account keys that a user of the made-up world carries."""
        return self._dumps.accounts()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return S3's 403 unless the request is signed by the right keys."""
        return self._s3.refuse(request)

    def unauthorized(self, request: Request) -> Response:
        """Return S3's 403."""
        return error("AccessDenied", request)

    def over_limit(self, request: Request) -> Response | None:
        """S3 counts no calls of one reader."""
        return None

    def limited(self, request: Request) -> Response:
        """Return S3's 503."""
        return error("SlowDown", request)

    def empty(self, request: Request) -> Response:
        """Return a listing without keys, and of an object nothing."""
        return self._s3.empty(request)

    def headers(self, request: Request) -> dict[str, str]:
        """Return no header of its own."""
        return {}
