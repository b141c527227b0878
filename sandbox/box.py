"""The sandbox as an object: a made-up world, three vendors' APIs over it, a clock and faults."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.routing import Mount, Router

from sandbox.clock import Clock
from sandbox.faults import VENDORS, Faults
from sandbox.limits import Limits
from sandbox.overlay import Overlay
from sandbox.state import Seed, first_day, remember, remembered
from sandbox.truth import Truth
from sandbox.universe.world import World
from sandbox.vendors.gate import Call, Gate, Vendor
from sandbox.vendors.hubspot.properties import PROPERTIES
from sandbox.vendors.hubspot.records import Records
from sandbox.vendors.hubspot.routes import ACCESS_TOKEN, HubSpot
from sandbox.vendors.mixpanel.routes import PROJECT_ID, SERVICE_ACCOUNT, SERVICE_SECRET, Mixpanel
from sandbox.vendors.mixpanel.store import Store as ProductStore
from sandbox.vendors.stripe.routes import API_KEY, API_VERSION, Stripe
from sandbox.vendors.stripe.shapes import Shape
from sandbox.vendors.stripe.store import RESOURCES
from sandbox.vendors.stripe.store import Store as BillingStore

KNOWN = {
    "hubspot": (*PROPERTIES, "owners", "pipelines", "associations"),
    "stripe": RESOURCES,
    "mixpanel": ("events", "profiles"),
}


class Sandbox:
    """HubSpot, Stripe and Mixpanel on a loopback port, over one made-up world.

    Equal `companies`, `months`, `seed` and start give equal answers at equal clocks. The world
    starts `months` before `now` (default: the real now), or where `state` says that it started.
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
        project_timezone: str = "UTC",
        stripe_account_version: str = "2024-06-20",
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
        self._faults = Faults()
        self._zone = project_timezone
        self.requests: list[Call] = []
        limits = limits or Limits()
        self._crm = Records(self.world, self._overlay, self._clock)
        self._billing = BillingStore(self.world, self._overlay, self._clock, stripe_account_version)
        self._product = ProductStore(self.world, self._overlay, self._clock, project_timezone)
        vendors: tuple[Vendor, ...] = (
            HubSpot(self._crm, limits),
            Stripe(self._billing, limits),
            Mixpanel(self._product, limits),
        )
        gates = [Mount(f"/{v.name}", Gate(v, self._faults, self.requests)) for v in vendors]
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
        base = self.base_url
        return {
            "SOURCES__HUBSPOT__BASE_URL": f"{base}/hubspot",
            "SOURCES__HUBSPOT__ACCESS_TOKEN": ACCESS_TOKEN,
            "SOURCES__STRIPE__BASE_URL": f"{base}/stripe",
            "SOURCES__STRIPE__API_KEY": API_KEY,
            "SOURCES__STRIPE__API_VERSION": API_VERSION,
            "SOURCES__MIXPANEL__EXPORT_BASE_URL": f"{base}/mixpanel/data",
            "SOURCES__MIXPANEL__QUERY_BASE_URL": f"{base}/mixpanel",
            "SOURCES__MIXPANEL__SERVICE_ACCOUNT": SERVICE_ACCOUNT,
            "SOURCES__MIXPANEL__SERVICE_SECRET": SERVICE_SECRET,
            "SOURCES__MIXPANEL__PROJECT_ID": PROJECT_ID,
            "SOURCES__MIXPANEL__PROJECT_TIMEZONE": self._zone,
            "SOURCES__MIXPANEL__START_DATE": self.seed.start,
            "C360_AS_OF": self.now.isoformat().replace("+00:00", "Z"),
        }

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

        Kinds: rate_limit, server_error, down, cut_stream, terminated_early (mixpanel),
        unauthorized, empty_page, slow (waits `seconds`). ValueError for any other.
        """
        self._faults.add(vendor, kind, times, path, seconds)

    def clear_faults(self) -> None:
        """Let every vendor behave again."""
        self._faults.clear()

    # ---- records ----

    def put(self, vendor: str, resource: str, record: Any) -> None:
        """Insert one raw API record, or override the one with its id; it may be malformed.

        It counts as changed now: HubSpot's search finds it, Stripe reports an event. Mixpanel
        events are given as a list of property dicts, whole events, or raw text lines. HubSpot
        associations are `{from_type, from_id, to_type, to_id, typeId, label, category}`.
        """
        self._check(vendor, resource)
        if vendor == "mixpanel" and resource == "events":
            for event in record if isinstance(record, list) else [record]:
                # events have no ids of their own, and the same one may arrive twice
                self._overlay.put(vendor, resource, {"event": event}, self._clock.seconds, False)
            return
        if vendor == "mixpanel":
            keyed = {"id": record.get("$distinct_id"), "profile": record}
            self._overlay.put(vendor, resource, keyed, self._clock.seconds, True)
            return
        identity = record.get("id") if isinstance(record, dict) else None
        known = identity is not None and self.record(vendor, resource, str(identity)) is not None
        self._overlay.put(vendor, resource, record, self._clock.seconds, known)

    def remove(self, vendor: str, resource: str, identity: str) -> None:
        """Delete one record for good (mixpanel events: every line that holds `identity`)."""
        self._check(vendor, resource)
        self._overlay.remove(vendor, resource, str(identity), self._clock.seconds)

    def archive(self, vendor: str, resource: str, identity: str) -> None:
        """Delete one record softly: HubSpot's archive, Stripe's inactive product or price."""
        self._check(vendor, resource)
        if vendor == "mixpanel" or (vendor == "stripe" and resource not in ("products", "prices")):
            raise ValueError(f"{vendor} cannot archive {resource}")
        self._overlay.archive(vendor, resource, str(identity), self._clock.seconds)

    def record(self, vendor: str, resource: str, identity: str) -> Any | None:
        """Return a copy of one record as the API would show it in full, None when there is none."""
        self._check(vendor, resource)
        if vendor == "hubspot":
            return self._crm.copy_of(resource, identity)
        if vendor == "stripe":
            return self._billing.find(resource, identity, Shape(API_VERSION))
        rows = self._product.profiles()
        return next((dict(one) for one in rows if one.get("$distinct_id") == identity), None)

    def _check(self, vendor: str, resource: str) -> None:
        if vendor not in VENDORS or resource not in KNOWN[vendor]:
            raise ValueError(
                f"no {resource!r} in {vendor!r}; there are {KNOWN.get(vendor, VENDORS)}"
            )

    # ---- truth ----

    @property
    def truth(self) -> Truth:
        """What is really so at the clock; for tests and benchmarks, never for the product."""
        return Truth(self.world, self._clock.seconds)
