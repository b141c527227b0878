"""A bucket in memory behind the sandbox's S3 endpoint, for tests of it and of who reads it."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import s3fs
import uvicorn
from starlette.requests import Request
from starlette.routing import Mount, Router
from starlette.types import Receive, Scope, Send

from sandbox.s3 import S3, Stat, error

AT = 1_795_000_000


@dataclass
class Memory:
    """A bucket that a test fills; it counts what it is asked."""

    objects: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def keys(self) -> list[str]:
        return sorted(self.objects)

    def stat(self, key: str) -> Stat:
        self.asked.append(key)
        body = self.objects[key]
        return Stat(len(body), hashlib.md5(body).hexdigest(), AT)

    def body(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Content-Encoding": "gzip"} if key.endswith(".gz") else {}


@dataclass
class Served:
    """Where the bucket `box` is; the next `slow` calls are told to slow down, the next `cut` break
    off in the middle."""

    bucket: Memory
    url: str = ""
    slow: int = 0
    cut: int = 0

    def files(self, **options: Any) -> s3fs.S3FileSystem:
        given = {"key": "AK", "secret": "SK", "endpoint_url": self.url, **options}
        found = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False, **given)
        found.retries = 1
        return found


@contextmanager
def served(objects: dict[str, bytes]) -> Iterator[Served]:
    """Serves `objects` as bucket `box`, five keys to a page, to the keys AK and SK."""
    place = Served(Memory(objects))
    endpoint = S3({"box": place.bucket}, "AK", "SK", page=5)
    inner = endpoint.app

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        answer: Any = endpoint.refuse(request)
        if answer is None and place.slow:
            place.slow -= 1
            answer = error("SlowDown", request)

        async def half(message: Any) -> None:
            if message["type"] == "http.response.body" and message.get("body"):
                place.cut -= 1
                body = message["body"]
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                raise ConnectionAbortedError
            await send(message)

        await (answer or inner)(scope, receive, half if place.cut else send)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = Router([Mount("/vendor/s3", guarded)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    place.url = f"http://127.0.0.1:{listener.getsockname()[1]}/vendor/s3"
    try:
        yield place
    finally:
        server.should_exit = True
        thread.join(5)
