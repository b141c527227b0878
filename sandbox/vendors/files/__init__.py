"""The drop folder of customer success, in a bucket: what they keep in files of their own.

One resource, `files`. `put("files", "files", {"id": "csm_sentiment/x.csv", "text": "..."})` drops a
file, with `content` instead of `text` the bytes of one; `remove` takes one away. Option `timezone`:
the zone that the project reads moments without one in.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox import s3
from sandbox.overlay import Put
from sandbox.s3 import S3, Stat
from sandbox.service import Place
from sandbox.universe.calendar import DAY
from sandbox.vendors.files.content import Line, lines_of
from sandbox.vendors.files.writing import content

VENDOR = "files"
BUCKET = "customer-success"
ACCESS_KEY = "AKIAFILES0SANDBOX001"
SECRET_KEY = "files/sandbox+secret/key0000000000000001"
# People type during the day; what lies there is older than the moment of looking.
TYPED_AT = 9 * 3600


def serve(place: Place) -> Files:
    """The bucket over `place`."""
    return Files(place)


class Drop:
    """The files at the clock, those of the world and those that a test dropped."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._kept: tuple[tuple[int, int], dict[str, list[Line]], list[str]] | None = None
        self._bodies: dict[tuple[str, int, int], bytes] = {}

    @cached_property
    def _lines(self) -> list[Line]:
        return lines_of(self._place.world)

    def keys(self) -> Sequence[str]:
        """Return every file name, sorted."""
        return self._visible()[1]

    def stat(self, key: str) -> Stat:
        """Return size, hash of the content, and when the last row was typed."""
        body = self.body(key) or b""
        return Stat(len(body), hashlib.md5(body).hexdigest(), self._modified_at(key))

    def body(self, key: str) -> bytes | None:
        """Return a file, None when there is none."""
        put = self._put(key)
        if put:
            return _dropped(put.record)
        lines = self._visible()[0].get(key)
        if not lines:
            return None
        state = (key, len(lines), max(line.day for line in lines))
        if state not in self._bodies:
            self._bodies[state] = content(key, [line.cells for line in lines])
        return self._bodies[state]

    def headers(self, key: str) -> Mapping[str, str]:
        """Return no headers of its own."""
        return {}

    def _put(self, key: str) -> Put | None:
        return self._place.overlay.layer(VENDOR, VENDOR).put.get(key)

    def _visible(self) -> tuple[dict[str, list[Line]], list[str]]:
        clock, layer = self._place.clock, self._place.overlay.layer(VENDOR, VENDOR)
        today = (clock.seconds - TYPED_AT - self._place.world.frame.start) // DAY
        state = (today, self._place.overlay.version)
        if self._kept is None or self._kept[0] != state:
            found: dict[str, list[Line]] = {}
            for line in self._lines:
                if line.day <= today and (line.until is None or today < line.until):
                    found.setdefault(line.file, []).append(line)
            for key in layer.removed:
                found.pop(key, None)
            self._kept = (state, found, sorted({*found, *layer.put}))
        return self._kept[1], self._kept[2]

    def _modified_at(self, key: str) -> int:
        put = self._put(key)
        if put:
            return put.at
        day = max(line.day for line in self._visible()[0][key])
        return self._place.world.frame.start + max(day, 0) * DAY + TYPED_AT


class Files:
    """A bucket with the drop folder in it."""

    name = VENDOR
    resources = (VENDOR,)
    archivable: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def __init__(self, place: Place) -> None:
        self._place = place
        self._drop = Drop(place)
        self._s3 = S3({BUCKET: self._drop}, ACCESS_KEY, SECRET_KEY)
        self.app = self._s3.app

    def environment(self, base_url: str) -> dict[str, str]:
        """Return the bucket, its endpoint, and keys that may read it."""
        return {
            "SOURCES__FILES__BUCKET_URL": f"s3://{BUCKET}",
            "SOURCES__FILES__ENDPOINT_URL": f"{base_url}/{VENDOR}",
            "SOURCES__FILES__AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "SOURCES__FILES__AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "SOURCES__FILES__TIMEZONE": self._place.options.get("timezone", "UTC"),
        }

    def put(self, resource: str, record: Any) -> None:
        """Drop a file: its name as `id`, and `text` or `content`."""
        keys = self._drop.keys()
        place = bisect_left(keys, record["id"])
        known = place < len(keys) and keys[place] == record["id"]
        seconds = self._place.clock.seconds
        self._place.overlay.put(VENDOR, resource, record, seconds, known)

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a file as `{id, content}`, None when there is none."""
        body = self._drop.body(identity)
        return None if body is None else {"id": identity, "content": body}

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return nothing: files name the accounts of other systems."""
        return ()

    # ---- what the gate asks ----

    def refuse(self, request: Request) -> Response | None:
        """Return 403 unless the request is signed."""
        return self._s3.refuse(request)

    def unauthorized(self, request: Request) -> Response:
        """Return 403 for keys that nobody knows."""
        return s3.error("InvalidAccessKeyId", request)

    def over_limit(self, request: Request) -> Response | None:
        """Count nothing: a bucket bears thousands of requests a second."""
        return None

    def limited(self, request: Request) -> Response:
        """Return 503 SlowDown."""
        return s3.error("SlowDown", request)

    def empty(self, request: Request) -> Response:
        """Return a bucket without files."""
        return self._s3.empty(request)

    def headers(self, request: Request) -> dict[str, str]:
        """Return no headers of its own."""
        return {}


def _dropped(record: Any) -> bytes:
    found = record.get("content")
    return found if isinstance(found, bytes) else str(record.get("text", "")).encode()
