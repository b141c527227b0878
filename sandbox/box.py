"""The sandbox as an object: a made-up world, the vendors' APIs over it, a clock and faults."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.routing import Mount, Router

from sandbox import service
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.gate import Call, Gate
from sandbox.limits import Limits
from sandbox.overlay import Overlay
from sandbox.service import Place, Service
from sandbox.state import Seed, first_day, remember, remembered
from sandbox.truth import Truth
from sandbox.universe.world import World


class Sandbox:
    """Every vendor's API on a loopback port, over one made-up world.

    Equal `companies`, `months`, `seed` and start give equal answers at equal clocks. The world
    starts `months` before `now` (default: the real now), or where `state` says that it started.
    `options` are each vendor's own, by its name; its folder says what it takes. `vendors` are those
    that there are (default: all).
    Use it as a context manager: it serves between `__enter__` and `__exit__`.
    """

    def __init__(
        self,
        companies: int = 500,
        months: int = 24,
        seed: int = 7,
        now: datetime | None = None,
        port: int = 0,
        state: Path | str | None = None,
        *,
        limits: Limits | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        vendors: Iterable[str] | None = None,
    ) -> None:
        moment = now or datetime.now(UTC)
        path = Path(state) if state else None
        self.seed = remembered(path) or Seed(
            seed, companies, months, first_day(moment, months).isoformat()
        )
        if path:
            remember(path, self.seed)
        self.world = World(
            self.seed.seed, self.seed.companies, self.seed.months, self.seed.first_day
        )
        self._clock = Clock(moment, datetime.fromtimestamp(self.world.frame.horizon, UTC))
        self._overlay = Overlay()
        self.requests: list[Call] = []
        limits, own = limits or Limits(), options or {}
        self._services: dict[str, Service] = {
            name: service.start(
                name,
                Place(
                    self.world, self._overlay, self._clock, limits or Limits(), own.get(name, {})
                ),
            )
            for name in (service.names() if vendors is None else vendors)
        }
        self._faults = Faults({name: one.faults for name, one in self._services.items()})
        gates = [
            Mount(f"/{name}", Gate(one, self._faults, self.requests))
            for name, one in self._services.items()
        ]
        self._app = Router(gates, redirect_slashes=False)
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # ---- serving ----

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen and return once calls are answered; OSError when the port is taken."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError(f"the sandbox could not listen on port {self._port}")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop listening; does nothing when it does not."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(10)
            self._server = self._thread = None

    @property
    def base_url(self) -> str:
        """Where the vendors are; each under its name."""
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that point the product at this sandbox and its clock."""
        found = {"C360_AS_OF": self.now.isoformat().replace("+00:00", "Z")}
        for one in self._services.values():
            found |= one.environment(self.base_url)
        return found

    # ---- clock ----

    @property
    def now(self) -> datetime:
        """What the vendors take for the present moment."""
        return self._clock.now

    def advance(self, days: float = 0, hours: float = 0) -> None:
        """Move the clock on; ValueError beyond the end of the world."""
        self._clock.advance(timedelta(days=days, hours=hours))

    # ---- misbehaviour ----

    def fault(
        self, vendor: str, kind: str, times: int | None = 1, path: str = "", seconds: float = 1.0
    ) -> None:
        """Let the next `times` calls (None: all until cleared) to a path with `path` in it fail.

        Kinds: rate_limit, server_error, down, cut_stream, unauthorized, empty_page, slow (waits
        `seconds`), and those that the vendor's folder adds. ValueError for any other.
        """
        self._faults.add(vendor, kind, times, path, seconds)

    def clear_faults(self) -> None:
        """Let every vendor behave again."""
        self._faults.clear()

    # ---- records ----

    def put(self, vendor: str, resource: str, record: Any) -> None:
        """Insert one raw API record, or override the one with its id; it may be malformed.

        It counts as changed now, and whatever the vendor tells of changes tells of this one. What
        a record looks like that is no object with an id is said by the vendor's `put`.
        """
        self._service(vendor, resource).put(resource, record)

    def remove(self, vendor: str, resource: str, identity: str) -> None:
        """Delete one record for good (of events: every line that holds `identity`)."""
        self._service(vendor, resource)
        self._overlay.remove(vendor, resource, str(identity), self._clock.seconds)

    def archive(self, vendor: str, resource: str, identity: str) -> None:
        """Delete one record as the vendor does it softly; ValueError where it does not."""
        if resource not in self._service(vendor, resource).archivable:
            raise ValueError(f"{vendor} cannot archive {resource}")
        self._overlay.archive(vendor, resource, str(identity), self._clock.seconds)

    def record(self, vendor: str, resource: str, identity: str) -> Any | None:
        """Return a copy of one record as the API would show it in full, None when there is none."""
        return self._service(vendor, resource).record(resource, identity)

    def _service(self, vendor: str, resource: str) -> Service:
        found = self._services.get(vendor)
        if found is None:
            raise ValueError(f"no vendor {vendor!r}; there are {', '.join(self._services)}")
        if resource not in found.resources:
            raise ValueError(
                f"no {resource!r} in {vendor!r}; there are {', '.join(found.resources)}"
            )
        return found

    # ---- truth ----

    @property
    def truth(self) -> Truth:
        """What is really so at the clock; for tests and benchmarks, never for the product."""
        accounts = [
            (company, name, identity, state)
            for name, one in self._services.items()
            for company, identity, state in one.accounts()
        ]
        return Truth(self.world, self._clock.seconds, accounts)
