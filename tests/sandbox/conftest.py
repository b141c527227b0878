"""A small sandbox that tests of this folder may read, and a client with its credentials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sandbox import Limits, Sandbox

NOW = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
UNLIMITED = Limits(None, None, None, None, None, None, None)


class Client:
    """Calls the vendors of one sandbox with its credentials."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.env = box.environment()
        self.session = requests.Session()

    def hubspot(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the CRM."""
        headers = {"Authorization": f"Bearer {self.env['SOURCES__HUBSPOT__ACCESS_TOKEN']}"}
        url = path if path.startswith("http") else self.env["SOURCES__HUBSPOT__BASE_URL"] + path
        return self.session.request(method, url, headers=headers, timeout=30, **options)

    def hubspot_all(self, path: str) -> list[Any]:
        """Follow a list to its end."""
        rows: list[Any] = []
        url: str | None = path
        while url:
            answer = self.hubspot("GET", url)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            rows += body["results"]
            url = body.get("paging", {}).get("next", {}).get("link")
        return rows

    def stripe(self, path: str, version: str | None = None) -> requests.Response:
        """Call the billing system in a version (default: the configured one)."""
        headers = {
            "Authorization": f"Bearer {self.env['SOURCES__STRIPE__API_KEY']}",
            "Stripe-Version": version or self.env["SOURCES__STRIPE__API_VERSION"],
        }
        url = self.env["SOURCES__STRIPE__BASE_URL"] + path
        return self.session.get(url, headers=headers, timeout=30)

    def stripe_all(self, path: str, version: str | None = None) -> list[Any]:
        """Follow a list to its end; `path` already has a query."""
        rows: list[Any] = []
        after = ""
        while True:
            answer = self.stripe(f"{path}&limit=100{after}", version)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            rows += body["data"]
            if not body["has_more"]:
                return rows
            after = f"&starting_after={body['data'][-1]['id']}"

    def export(self, first: str, last: str, **params: str) -> requests.Response:
        """Export events of a range of days."""
        auth = (
            self.env["SOURCES__MIXPANEL__SERVICE_ACCOUNT"],
            self.env["SOURCES__MIXPANEL__SERVICE_SECRET"],
        )
        asked = {
            "from_date": first,
            "to_date": last,
            "project_id": self.env["SOURCES__MIXPANEL__PROJECT_ID"],
            **params,
        }
        url = self.env["SOURCES__MIXPANEL__EXPORT_BASE_URL"] + "/api/2.0/export"
        return self.session.get(url, params=asked, auth=auth, timeout=30)

    def engage(self, **form: str) -> requests.Response:
        """Ask for a page of profiles."""
        auth = (
            self.env["SOURCES__MIXPANEL__SERVICE_ACCOUNT"],
            self.env["SOURCES__MIXPANEL__SERVICE_SECRET"],
        )
        project = {"project_id": self.env["SOURCES__MIXPANEL__PROJECT_ID"]}
        url = self.env["SOURCES__MIXPANEL__QUERY_BASE_URL"] + "/api/query/engage"
        return self.session.post(url, params=project, data=form, auth=auth, timeout=30)


def small(**options: Any) -> Sandbox:
    """Return a small sandbox without limits; options override."""
    given: dict[str, Any] = {
        "companies": 60,
        "months": 12,
        "seed": 3,
        "now": NOW,
        "limits": UNLIMITED,
    }
    return Sandbox(**{**given, **options})


@pytest.fixture(scope="session")
def shared() -> Iterator[Client]:
    """A client of a sandbox that nobody changes."""
    with small() as box:
        yield Client(box)


@pytest.fixture
def own() -> Iterator[Client]:
    """A client of a sandbox that the test may change."""
    with small(companies=25, months=6) as box:
        yield Client(box)
