"""PostHog's and Heap's rows as entities, and their merged users counted once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse

AS_OF = "2026-11-01T12:00:00Z"
SELECT = "+account_usage_daily +int_product_users +int_product_events +source_freshness"
PHONE, BROWSER, TABLET = (f"0192a000-0000-7000-8000-00000000000{n}" for n in range(3))
DAY = "2026-10-20"


def hog(uuid: str, event: str, who: str, at: str = f"{DAY}T10:00:00Z", **more: Any) -> dict:
    """One event of PostHog as raw has it, of somebody who signed in."""
    return {
        "uuid": uuid,
        "event": event,
        "distinct_id": who,
        "person_id": f"person of {who}",
        "timestamp": at,
        "created_at": at,
        "inserted_at": at,
        "device_id": None,
        "is_identified": True,
        "group_key": "p1",
        "properties": "{}",
    } | more


def nobody(uuid: str, device: str, **more: Any) -> dict:
    """One event from before signing in."""
    unknown = {"device_id": device, "is_identified": False, "group_key": None}
    return hog(uuid, "report_viewed", device, **unknown | more)


def person(distinct_id: str, person_id: str, version: int = 0, **more: Any) -> dict:
    return {
        "team_id": 1,
        "distinct_id": distinct_id,
        "person_id": person_id,
        "version": version,
        "is_deleted": False,
        "created_at": "2026-10-01T00:00:00Z",
        "inserted_at": "2026-10-01T00:00:00Z",
    } | more


def heap(table: str, event: str, user: str, at: str = f"{DAY}T10:00:00Z", **more: Any) -> dict:
    """One event of Heap as raw has it."""
    return {
        "part": f"{table}/1",
        "event_table": table,
        "event_id": event,
        "user_id": user,
        "time": at,
        "account_key": "h1",
        "dump_id": 1,
        "dumped_at": "2026-10-21T00:00:00Z",
        "properties": "{}",
    } | more


def migration(one: str, other: str, at: str = "2026-10-10T00:00:00Z") -> dict:
    return {"from_user_id": one, "to_user_id": other, "time": at, "dump_id": 1}


RAW = {
    "posthog": {
        "events": [
            hog("1", "report_viewed", "u1"),
            hog("2", "report_viewed", "u1-old"),
            nobody("3", PHONE),
            # What the library notes about itself is no use.
            hog("4", "$identify", "u1"),
            hog("5", "$feature_flag_called", "u2"),
            hog("6", "report_viewed", "bot:u3"),
            hog("7", "report_viewed", "u9", _dlt_load_id="1700000009.0"),
            # A device whose owner nobody knows, and one that only its sign-in tells of.
            nobody("8", BROWSER, group_key="p1"),
            nobody("9", TABLET, at="2026-10-21T09:00:00Z", group_key="p1"),
            hog("10", "report_viewed", "u4", "2026-10-21T10:00:00Z", device_id=TABLET),
            # No group was set: the person says which account it is.
            hog("11", "report_viewed", "u5", "2026-10-22T10:00:00Z", group_key=None),
            # Older libraries do not say whether somebody is signed in.
            nobody("12", "0192", at="2026-10-23T10:00:00Z", is_identified=None, group_key="p1"),
            hog("13", "report_viewed", "u6", "2031-01-01T00:00:00Z"),
        ],
        "persons": [
            person("u1", "one", email="One@Acme.example", account_key="p1"),
            person(PHONE, "one", 2, email="One@Acme.example", account_key="p1"),
            person("u1-old", "one", 1, email="One@Acme.example", account_key="p1"),
            person("u5", "five", account_key="p5"),
            person("u7", "seven", is_deleted=True),
            person(BROWSER, "nobody in particular"),
        ],
        "pulls": [{"pull_id": "1", "source": "posthog", "pulled_through": AS_OF}],
    },
    "heap": {
        "events": [
            heap("report_viewed", "1", "100"),
            heap("report_viewed", "2", "200"),
            heap("report_viewed", "3", "300"),
            # One interaction under two labels, and one event that two dumps have.
            heap("workflow_run", "1", "100"),
            heap("report_viewed", "3", "300", part="report_viewed/2", dump_id=2,
                 dumped_at="2026-10-22T00:00:00Z", account_key="h1"),
            # A merge that is not known yet.
            heap("report_viewed", "4", "400", "2026-10-21T10:00:00Z"),
            heap("report_viewed", "5", "100", "2026-10-21T10:00:00Z"),
            # Two that lead in a circle stay two.
            heap("report_viewed", "6", "800", "2026-10-22T10:00:00Z"),
            heap("report_viewed", "7", "900", "2026-10-22T10:00:00Z"),
            # What the app calls a user looks like an id of the vendor's.
            heap("report_viewed", "8", "600", "2026-10-23T10:00:00Z"),
            heap("report_viewed", "9", "100", "2026-10-23T10:00:00Z"),
            heap("report_viewed", "10", "1000", "2026-10-24T10:00:00Z", account_key=None),
            heap("report_viewed", "11", "1", "2026-10-25T10:00:00Z"),
            heap("report_viewed", "12", "41", "2026-10-25T10:00:00Z"),
            heap("report_viewed", "13", "1100", "2026-10-26T10:00:00Z"),
        ],
        "users": [
            {"user_id": "100", "identity": "app-1", "email": "A@Acme.example", "account_key": "h1",
             "joined_at": "2026-10-02T00:00:00Z", "last_modified_at": "2026-10-02T00:00:00Z"},
            {"user_id": "101", "identity": "app-1", "account_key": None,
             "joined_at": "2026-10-01T00:00:00Z", "last_modified_at": "2026-10-05T00:00:00Z"},
            {"user_id": "200"},
            {"user_id": "600", "identity": "100", "account_key": "h1"},
            {"user_id": "1000", "identity": "app-10", "account_key": "h10"},
            {"user_id": "1100", "identity": "staff:me", "account_key": "h1"},
        ],
        "user_migrations": [
            migration("300", "200"),
            migration("200", "100"),
            migration("400", "100", "2026-11-02T00:00:00Z"),
            migration("800", "900"),
            migration("900", "800"),
            # A chain of forty.
            *(migration(str(n), str(n + 1)) for n in range(1, 41)),
        ],
        "pulls": [{"pull_id": "1", "source": "heap", "pulled_through": AS_OF}],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("product")
    with build_warehouse(
        folder, RAW, as_of=AS_OF, select=SELECT, sources=["posthog", "heap"]
    ) as con:
        yield con


@pytest.mark.parametrize(
    ("account", "day", "columns", "expected"),
    [
        pytest.param("posthog:p1", DAY, "dau events", (1, 4), id="two names and a phone are one"),
        pytest.param("posthog:p1", "2026-10-21", "dau events", (1, 2), id="only user of a device"),
        pytest.param("posthog:p1", "2026-10-23", "dau events", (0, 1), id="a nameless device"),
        pytest.param("posthog:p5", "2026-10-22", "dau events", (1, 1), id="account of the person"),
        pytest.param("posthog:p1", DAY, "issued_users", (1,), id="users made"),
        pytest.param("heap:h1", DAY, "dau events", (1, 4), id="a chain of two, two labels"),
        pytest.param("heap:h1", "2026-10-21", "dau", (2,), id="merged after as_of"),
        pytest.param("heap:h1", "2026-10-22", "dau", (2,), id="a circle"),
        pytest.param("heap:h1", "2026-10-23", "dau", (2,), id="a name like an id"),
        pytest.param("heap:h10", "2026-10-24", "dau events", (1, 1), id="account of the user"),
        pytest.param("heap:h1", "2026-10-25", "dau", (1,), id="a chain of forty"),
        pytest.param("heap:h1", "2026-10-26", "dau events", (0, 0), id="our own people"),
    ],
)
def test_a_merged_user_counts_once(
    warehouse: duckdb.DuckDBPyConnection,
    account: str,
    day: str,
    columns: str,
    expected: tuple[int, ...],
) -> None:
    found = warehouse.execute(
        f"select {', '.join(columns.split())} from marts.account_usage_daily"
        " where account_id = ? and day = ?",
        [account, day],
    ).fetchall()
    assert found == [expected]


def test_persons_and_users_are_one_user_each(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select source, user_key, account_key, email from intermediate.int_product_users"
        " where has_profile order by all"
    ).fetchall()
    assert found == [
        ("heap", "600", "h1", None),
        ("heap", "app-1", "h1", "a@acme.example"),
        ("heap", "app-10", "h10", None),
        ("heap", "staff:me", "h1", None),
        ("posthog", "u1", "p1", "one@acme.example"),
        ("posthog", "u5", "p5", None),
    ]


def test_events_of_posthog_keep_their_id_and_say_whose_device_it_was(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select event_id, user_key, device_key, account_key"
        " from staging.stg_posthog__product_events where event_id in ('1', '3', '10', '12')"
        " order by cast(event_id as integer)"
    ).fetchall()
    assert found == [
        ("1", "u1", None, "p1"),
        ("3", None, PHONE, None),
        ("10", "u4", TABLET, "p1"),
        ("12", None, "0192", "p1"),
    ]


def test_of_an_event_that_two_dumps_have_the_newer_counts(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select event_name, received_at::date::varchar from intermediate.int_product_events"
        " where source = 'heap' and user_key = '300'"
    ).fetchall()
    assert found == [("report_viewed", "2026-10-22")]


def test_the_age_of_each_source_is_that_of_its_newest_past_event(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select source, kind, newest_record_at::varchar from marts.source_freshness order by source"
    ).fetchall()
    assert found == [
        ("heap", "product", "2026-10-26 10:00:00"),
        ("posthog", "product", "2026-10-23 10:00:00"),
    ]
