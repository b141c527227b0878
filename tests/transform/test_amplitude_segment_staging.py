"""What the rows of Amplitude and Segment become: who did something, where, and who they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse
from .raw import FIRST_LOAD

AS_OF = "2026-11-01T00:00:00Z"
SELECT = "path:models/staging/amplitude path:models/staging/segment"
UNDONE = "1700009999.0"


def event(number: str, **more: Any) -> dict[str, Any]:
    return {
        "uuid": number, "event_type": "report_viewed", "event_time": "2026-10-01T08:00:00Z",
        "server_upload_time": "2026-10-01T08:00:05Z", "user_id": "u1", "device_id": "d1",
        "session_id": 1790841600000, "group_key": "acme", "event_properties": {"format": "csv"},
    } | more  # fmt: skip


def call(number: str, kind: str = "track", **more: Any) -> dict[str, Any]:
    return {
        "message_id": number, "type": kind, "event": "report_viewed" if kind == "track" else None,
        "occurred_at": "2026-10-01T08:00:00Z", "received_at": "2026-10-01T08:00:05Z",
        "user_id": "u1", "anonymous_id": "d1",
    } | more  # fmt: skip


RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "amplitude": {
        "_dlt_loads": [{"load_id": FIRST_LOAD, "status": 0}],
        "events": [
            event("plain", email="OLD@acme.test"),
            event("server side", session_id=-1),
            event("no session said", session_id=None, user_id=None),
            event("ad cost", event_type="Daily Ad Metrics", user_id=None, device_id=None,
                  session_id=-1, group_key=None),
            event("learning", event_type="$identify", email=" New@Acme.test ",
                  server_upload_time="2026-10-05T00:00:00Z", event_time="2026-10-05T00:00:00Z"),
            event("anonymous", user_id=" ", device_id="d9", group_key=" "),
            event("automatic", event_type="[Amplitude] Page Viewed", user_id="u2",
                  group_key=" beta ", event_time="1970-01-02T00:00:00Z"),
            event("unloaded", user_id="u3", _dlt_load_id=UNDONE),
            event("ahead", user_id="u2", group_key="gamma", event_time="2027-01-01T00:00:00Z",
                  server_upload_time="2026-10-31T23:00:00Z"),
        ],
        "pulls": [{"pull_id": "p", "pulled_through": "2026-10-31T20:00:00Z"}],
    },
    "segment": {
        "_dlt_loads": [{"load_id": FIRST_LOAD, "status": 0}],
        "calls": [
            call("tracked", group_id=" acme ", properties={"integration": "slack"}),
            call("paged", "page", name="Home", user_id=None),
            call("screened", "screen", name="Main", user_id="u2", anonymous_id="d2"),
            call("known", "identify", email="U1@Acme.TEST", occurred_at="2026-09-30T00:00:00Z"),
            call("known before", "identify", email="u0@old.test",
                 occurred_at="2026-09-01T00:00:00Z"),
            call("on a shared one", "identify", user_id="u2", anonymous_id="d3"),
            call("shared", user_id="u3", anonymous_id="d3"),
            call("grouped", "group", user_id="u2", anonymous_id=None, group_id="beta",
                 traits={"name": " Beta Ltd ", "employees": "120",
                         "website": "https://www.beta.test/x"}),
            call("grouped before", "group", user_id="u2", anonymous_id=None, group_id="beta",
                 occurred_at="2026-09-01T00:00:00Z",
                 traits={"name": "Older", "employees": "about 100"}),
            call("aliased", "alias", previous_id="trial-1", anonymous_id=None),
            call("aliased later", "alias", previous_id="trial-1", anonymous_id=None,
                 user_id="u2", occurred_at="2026-10-02T00:00:00Z"),
            call("aliased to itself", "alias", previous_id="u1", anonymous_id=None),
            call("aliased after", "alias", previous_id="trial-2",
                 occurred_at="2026-11-02T00:00:00Z"),
            call("unloaded", user_id="u9", _dlt_load_id=UNDONE),
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def staging(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = build_warehouse(
        tmp_path_factory.mktemp("amplitude_segment"), RAW, as_of=AS_OF, select=SELECT,
        sources=["amplitude", "segment"], data_tests=False,
    )  # fmt: skip
    yield connection
    connection.close()


def read(connection: duckdb.DuckDBPyConnection, model: str, columns: str) -> set[tuple[Any, ...]]:
    return set(connection.execute(f"select {columns} from staging.stg_{model}").fetchall())


def test_an_event_of_amplitude_is_what_somebody_or_a_device_did(
    staging: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        staging, "amplitude__product_events", "event_id, user_key, device_key, account_key"
    ) == {
        ("plain", "u1", "d1", "acme"),
        ("server side", "u1", "d1", "acme"),
        ("anonymous", None, "d9", None),
        ("automatic", "u2", "d1", "beta"),
        ("ahead", "u2", "d1", "gamma"),
    }
    assert read(
        staging,
        "amplitude__product_events where event_id = 'plain'",
        "event_name, occurred_at::varchar, received_at::varchar, properties ->> '$.format',"
        " loaded_at::varchar",
    ) == {("report_viewed", "2026-10-01 08:00:00", "2026-10-01 08:00:05", "csv",
           "2023-11-14 22:13:20")}  # fmt: skip


def test_a_user_of_amplitude_has_what_the_newest_event_says(
    staging: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        staging,
        "amplitude__product_users",
        "user_key, account_key, email, created_at::varchar, last_seen_at::varchar",
    ) == {
        ("u1", "acme", "new@acme.test", "2026-10-01 08:00:00", "2026-10-05 00:00:00"),
        # What was received last counts, also when its own clock is wrong.
        ("u2", "gamma", None, "2027-01-01 00:00:00", "1970-01-02 00:00:00"),
    }


def test_accounts_are_the_groups_that_were_seen(staging: duckdb.DuckDBPyConnection) -> None:
    assert read(
        staging, "amplitude__accounts", "source_id, kind, product_id, created_at::varchar"
    ) == {
        ("acme", "product", "acme", "2026-10-01 08:00:00"),
        ("beta", "product", "beta", None),
        ("gamma", "product", "gamma", "2027-01-01 00:00:00"),
    }
    assert read(
        staging, "segment__accounts", "source_id, name, domain, employee_count, created_at::varchar"
    ) == {
        ("acme", None, None, None, "2026-10-01 08:00:00"),
        ("beta", "Beta Ltd", "beta.test", 120, "2026-09-01 00:00:00"),
    }


def test_only_track_page_and_screen_calls_are_events(staging: duckdb.DuckDBPyConnection) -> None:
    assert read(
        staging,
        "segment__product_events",
        "event_id, event_name, user_key, device_key, account_key, properties ->> '$.integration'",
    ) == {
        ("tracked", "report_viewed", "u1", "d1", "acme", "slack"),
        ("paged", "page_viewed", None, "d1", None, None),
        ("screened", "screen_viewed", "u2", "d2", None, None),
        ("shared", "report_viewed", "u3", "d3", None, None),
    }


def test_identify_and_group_calls_tell_address_and_account(
    staging: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        staging,
        "segment__product_users",
        "user_key, account_key, email, created_at::varchar, last_seen_at::varchar",
    ) == {
        ("u1", "acme", "u1@acme.test", "2026-09-01 00:00:00", "2026-10-01 08:00:00"),
        ("u2", "beta", None, "2026-09-01 00:00:00", "2026-10-02 00:00:00"),
        ("u3", None, None, "2026-10-01 08:00:00", "2026-10-01 08:00:00"),
    }


def test_an_alias_holds_from_the_last_call_and_a_shared_device_is_nobodys(
    staging: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        staging, "segment__product_user_aliases", "merged_user_key, user_key, merged_at::varchar"
    ) == {
        ("trial-1", "u2", "2026-10-02 00:00:00"),
        ("d1", "u1", "2026-09-01 00:00:00"),
    }


def test_the_age_is_that_of_the_newest_record_before_now(
    staging: duckdb.DuckDBPyConnection,
) -> None:
    columns = "source, kind, newest_record_at::varchar, pulled_at::varchar"
    assert read(staging, "amplitude__freshness", columns) == {
        ("amplitude", "product", "2026-10-05 00:00:00", "2026-10-31 20:00:00")
    }
    assert read(staging, "segment__freshness", columns) == {
        ("segment", "product", "2026-10-02 00:00:00", None)
    }
