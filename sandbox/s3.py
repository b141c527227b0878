"""A read-only S3 endpoint over generated objects, for vendors that deliver files in a bucket.

ListObjectsV2 with prefix, delimiter and pages; GetObject with Range and If-Match; HeadObject and
HeadBucket; Signature Version 4 is checked in full. Errors are S3's own XML.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_KEYS = 1000
_SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_STATUS = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "MethodNotAllowed": 405,
    "PreconditionFailed": 412,
    "InvalidRange": 416,
    "SlowDown": 503,
}
_MESSAGES = {
    "AccessDenied": "Access Denied",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature "
    "you provided. Check your key and signing method.",
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
    "PreconditionFailed": "At least one of the pre-conditions you specified did not hold",
    "InvalidRange": "The requested range is not satisfiable",
    "SlowDown": "Please reduce your request rate.",
}


@dataclass(frozen=True, slots=True)
class Stat:
    """What a listing says of one object: bytes, ETag without quotes, epoch seconds."""

    size: int
    etag: str
    modified_at: int


class Bucket(Protocol):
    """Objects as a vendor generates them. `stat` is asked only of keys that a page shows, so
    `keys` should cost little."""

    def keys(self) -> Sequence[str]:
        """Return every key at the clock, sorted."""

    def stat(self, key: str) -> Stat:
        """Return what a listing says of one of the keys."""

    def body(self, key: str) -> bytes | None:
        """Return the content of an object, None when there is none with this key."""

    def headers(self, key: str) -> Mapping[str, str]:
        """Return headers of the object's own, such as Content-Encoding."""


class S3:
    """The endpoint, path style: `<mount>/<bucket>/<key>`. `page` is the most keys of a page."""

    def __init__(
        self, buckets: Mapping[str, Bucket], access_key: str, secret_key: str, page: int = MAX_KEYS
    ) -> None:
        self._buckets, self._access_key, self._secret_key = buckets, access_key, secret_key
        self._page = page

    @property
    def app(self) -> ASGIApp:
        """The endpoint as an application to be mounted."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await run_in_threadpool(self._answer, Request(scope))
            await answer(scope, receive, send)

        return application

    def refuse(self, request: Request) -> Response | None:
        """Return 403 unless the request is signed with the keys of this endpoint."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind != "AWS4-HMAC-SHA256":
            return error("AccessDenied", request)
        parts = dict(part.strip().partition("=")[::2] for part in value.split(","))
        access_key, _, scope = parts.get("Credential", "").partition("/")
        if access_key != self._access_key:
            return error("InvalidAccessKeyId", request)
        made = self._signature(request, scope, parts.get("SignedHeaders", ""))
        if not hmac.compare_digest(made, parts.get("Signature", "")):
            return error("SignatureDoesNotMatch", request)
        return None

    def _signature(self, request: Request, scope: str, signed: str) -> str:
        query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        pairs = sorted((quote(name, safe="-_.~"), quote(text, safe="-_.~")) for name, text in query)
        headers = "".join(
            f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
            for name in signed.split(";")
        )
        canonical = "\n".join((
            request.method,
            request.scope["raw_path"].decode("latin-1").partition("?")[0],
            "&".join(f"{name}={text}" for name, text in pairs),
            headers,
            signed,
            request.headers.get("x-amz-content-sha256", ""),
        ))  # fmt: skip
        to_sign = "\n".join((
            "AWS4-HMAC-SHA256",
            request.headers.get("x-amz-date", ""),
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ))  # fmt: skip
        key = b"AWS4" + self._secret_key.encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, to_sign.encode(), "sha256").hex()

    def empty(self, request: Request) -> Response:
        """Return a listing without keys, and of an object nothing."""
        bucket, _, key = self._path(request).partition("/")
        if key:
            return Response(b"")
        return _xml(
            f"<ListBucketResult {_SPACE}><Name>{escape(bucket)}</Name><KeyCount>0</KeyCount>"
            f"<MaxKeys>{self._page}</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
        )

    def _path(self, request: Request) -> str:
        raw = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        root = request.scope.get("root_path", "")
        return unquote(raw.removeprefix(quote(root))).lstrip("/")

    def _answer(self, request: Request) -> Response:
        name, _, key = self._path(request).partition("/")
        bucket = self._buckets.get(name)
        if bucket is None:
            return error("NoSuchBucket", request)
        if request.method not in ("GET", "HEAD"):
            return error("MethodNotAllowed", request)
        if key:
            return self._object(bucket, key, request)
        return Response() if request.method == "HEAD" else self._list(name, bucket, request)

    def _object(self, bucket: Bucket, key: str, request: Request) -> Response:
        keys = bucket.keys()
        place = bisect_left(keys, key)
        there = place < len(keys) and keys[place] == key
        body = bucket.body(key) if there else None
        if body is None:
            return error("NoSuchKey", request)
        stat = bucket.stat(key)
        wanted = request.headers.get("if-match")
        if wanted is not None and wanted.strip('"') != stat.etag:
            return error("PreconditionFailed", request)
        modified = format_datetime(datetime.fromtimestamp(stat.modified_at, UTC), usegmt=True)
        headers = {
            "ETag": f'"{stat.etag}"',
            "Last-Modified": modified,
            "Accept-Ranges": "bytes",
            "Content-Type": "binary/octet-stream",
            **bucket.headers(key),
        }
        status, size = 200, len(body)
        asked = _range(request.headers.get("range", ""), size)
        if asked is not None:
            first, last = asked
            if first >= size or first > last:
                return error("InvalidRange", request)
            status, body = 206, body[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        headers["Content-Length"] = str(len(body))
        return Response(b"" if request.method == "HEAD" else body, status, headers)

    def _list(self, name: str, bucket: Bucket, request: Request) -> Response:
        asked = request.query_params
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        token = asked.get("continuation-token", "")
        after = _decoded(token) if token else asked.get("start-after", "")
        limit = min(int(asked.get("max-keys") or MAX_KEYS), self._page)
        keys = bucket.keys()
        found: list[str] = []
        folders: list[str] = []
        last, more = "", False
        at = max(bisect_left(keys, prefix), _behind(keys, after))
        while at < len(keys) and keys[at].startswith(prefix):
            key = keys[at]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if len(found) + len(folders) == limit:
                more = True
                break
            if cut < 0:
                found.append(key)
                last, at = key, at + 1
            else:
                last = key[: cut + len(delimiter)]
                folders.append(last)
                at = _behind(keys, last)
        encode = quote if asked.get("encoding-type") == "url" else escape
        contents = "".join(_content(encode(key), bucket.stat(key)) for key in found)
        commons = "".join(
            f"<CommonPrefixes><Prefix>{encode(one)}</Prefix></CommonPrefixes>" for one in folders
        )
        following = (
            f"<NextContinuationToken>{_encoded(last)}</NextContinuationToken>" if more else ""
        )
        return _xml(
            f"<ListBucketResult {_SPACE}><Name>{escape(name)}</Name>"
            f"<Prefix>{encode(prefix)}</Prefix><KeyCount>{len(found) + len(folders)}</KeyCount>"
            f"<MaxKeys>{limit}</MaxKeys>"
            + (f"<Delimiter>{encode(delimiter)}</Delimiter>" if delimiter else "")
            + ("<EncodingType>url</EncodingType>" if encode is quote else "")
            + f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
            f"{following}{contents}{commons}</ListBucketResult>"
        )


def error(code: str, request: Request) -> Response:
    """Return one of S3's errors; a HEAD gets its status alone."""
    if request.method == "HEAD":
        return Response(status_code=_STATUS[code])
    return _xml(
        f"<Error><Code>{code}</Code><Message>{_MESSAGES[code]}</Message>"
        f"<Resource>{escape(request.url.path)}</Resource><RequestId>4442587FB7D0A2F9</RequestId>"
        "</Error>",
        _STATUS[code],
    )


def _xml(body: str, status: int = 200) -> Response:
    return Response(_HEAD + body, status, media_type="application/xml")


def _content(key: str, stat: Stat) -> str:
    at = datetime.fromtimestamp(stat.modified_at, UTC)
    return (
        f"<Contents><Key>{key}</Key><LastModified>{at:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"<ETag>&quot;{stat.etag}&quot;</ETag><Size>{stat.size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _behind(keys: Sequence[str], after: str) -> int:
    """Return where the keys behind `after` begin; behind a folder, those of no key in it."""
    if not after:
        return 0
    if after.endswith("/"):
        return bisect_left(keys, after[:-1] + chr(ord("/") + 1))
    return bisect_right(keys, after)


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        return ""


def _range(header: str, size: int) -> tuple[int, int] | None:
    first, dash, last = header.removeprefix("bytes=").partition("-")
    if not header.startswith("bytes=") or not dash or not (first or last).isdigit():
        return None
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
