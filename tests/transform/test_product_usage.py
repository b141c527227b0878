"""Use of the product per account and day, against counts taken by hand and by brute force."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse
from .raw import write_raw
from .warehouse import Dbt, connect

AS_OF = "2026-11-01T12:00:00Z"
SELECT = "+account_usage_daily +int_product_events"
CORE = {"report_viewed": "reports", "report_created": "reports", "workflow_run": "workflows"}
OTHER = ("app_opened", "page_viewed", "never_heard_of")


def event(
    name: str, when: str, user: str | None, account: str | None, **more: Any
) -> dict[str, Any]:
    """One raw event; its insert id is made of what it is unless `insert_id` is given."""
    return {
        "event": name,
        "time": when,
        "event_date": when[:10],
        "distinct_id": user or "$device:anybody",
        "device_id": None if user else "anybody",
        "user_id": user,
        "insert_id": f"{name}-{when}-{user}",
        "processed_at": when,
        "group_key": account,
        "properties": {},
    } | more


def profile(
    user: str, account: str | None, created: str, email: str | None = None
) -> dict[str, Any]:
    return {"distinct_id": user, "group_key": account, "created_at": created, "email": email}


def random_events() -> list[dict[str, Any]]:
    """Events of three accounts over 90 days; some come twice, some have no insert id."""
    chance = random.Random(11)
    made = []
    for number in range(400):
        when = datetime(2026, 8, 3, tzinfo=UTC) + timedelta(seconds=chance.randrange(90 * 86400))
        account = chance.choice(["r1", "r2", "r3"])
        name = chance.choice([*CORE, *OTHER])
        user = f"{account}-{chance.randrange(6)}"
        record = event(name, when.isoformat(), user, account, insert_id=f"random-{number}")
        if number % 10 == 0:
            record["insert_id"] = None
        made.append(record)
        if number % 7 == 0:
            later = when + timedelta(hours=3)
            made.append(record | {"processed_at": later.isoformat()})
    return made


RANDOM = random_events()
BY_HAND = [
    # a1: one user on 1 September, again on the 8th; a second user on the 8th only.
    event("report_viewed", "2026-09-01T09:00:00Z", "a1-u1", "a1"),
    event("report_viewed", "2026-09-08T09:00:00Z", "a1-u1", "a1"),
    event("report_viewed", "2026-09-08T23:59:59Z", "a1-u2", "a1"),
    event("workflow_run", "2026-09-08T10:00:00Z", "a1-u2", "a1"),
    event("app_opened", "2026-09-20T10:00:00Z", "a1-u1", "a1"),
    event("integration_connected", "2026-09-02T10:00:00Z", "a1-u1", "a1",
          properties={"integration": "slack"}),
    event("integration_synced", "2026-09-05T10:00:00Z", "a1-u1", "a1",
          properties={"integration": "slack"}),
    event("integration_synced", "2026-09-05T11:00:00Z", "a1-u1", "a1",
          properties={"integration": "jira"}),
    # a2: its user's events say nothing of the account; the profile does.
    event("report_viewed", "2026-10-31T10:00:00Z", "a2-u1", None),
    # a3: only a bot, one of our own people and a stranger.
    event("report_viewed", "2026-10-31T10:00:00Z", "bot:a3", "a3"),
    event("report_viewed", "2026-10-31T10:00:00Z", "a3-staff", "a3"),
    event("report_viewed", "2026-10-31T10:00:00Z", None, "a3"),
    # a5: before signing in only the device is known; a shared device is nobody's.
    event("report_viewed", "2026-10-30T10:00:00Z", "a5-u1", "a5", device_id="phone"),
    event("report_viewed", "2026-10-29T10:00:00Z", None, None, device_id="phone"),
    event("report_viewed", "2026-10-30T11:00:00Z", "a5-u1", "a5", device_id="kiosk"),
    event("report_viewed", "2026-10-30T10:00:00Z", "a5-u2", "a5", device_id="kiosk"),
    event("report_viewed", "2026-10-28T10:00:00Z", None, "a5", device_id="kiosk"),
    # a4: the last day counts up to as_of; what is dated later, or long ago, is no use at all.
    event("report_viewed", "2026-11-01T11:59:59Z", "a4-u1", "a4"),
    event("report_viewed", "2026-11-01T12:00:01Z", "a4-u2", "a4"),
    event("report_viewed", "2031-01-01T00:00:00Z", "a4-u3", "a4"),
    event("report_viewed", "1970-01-01T00:00:00Z", "a4-u4", "a4"),
    # A load that never completed.
    event("report_viewed", "2026-10-31T10:00:00Z", "a1-u9", "a1", _dlt_load_id="1700000009.0"),
]  # fmt: skip
RAW = {
    "mixpanel": {
        "events": BY_HAND + RANDOM,
        "profiles": [
            profile("a1-u1", "a1", "2026-09-01T08:00:00Z"),
            profile("a1-u3", "a1", "2026-09-03T08:00:00Z"),
            profile("a2-u1", "a2", "2026-10-01T00:00:00Z"),
            profile("a3-staff", "a3", "2026-10-01T00:00:00Z", "me@staff.invalid"),
        ],
        "pulls": [{"pull_id": "1", "source": "mixpanel", "pulled_through": AS_OF}],
    }
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("usage")


@pytest.fixture(scope="module")
def warehouse(
    data_dir: Path, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = build_warehouse(data_dir, RAW, as_of=AS_OF, select=SELECT)
    yield con
    con.close()


def usage(
    con: duckdb.DuckDBPyConnection, account: str, day: str, *columns: str
) -> tuple[Any, ...] | None:
    return con.execute(
        f"select {', '.join(columns)} from marts.account_usage_daily"
        " where account_id = 'mixpanel:' || ? and day = ?",
        [account, day],
    ).fetchone()


@pytest.mark.parametrize(
    ("account", "day", "columns", "expected"),
    [
        pytest.param("a1", "2026-09-01", "dau wau mau", (1, 1, 1), id="first day"),
        pytest.param("a1", "2026-09-07", "dau wau mau", (0, 1, 1), id="seventh day of the week"),
        pytest.param("a1", "2026-09-08", "dau wau mau", (2, 2, 2), id="second week, two users"),
        pytest.param("a1", "2026-09-14", "dau wau mau", (0, 2, 2), id="last day of that week"),
        pytest.param("a1", "2026-09-15", "dau wau mau", (0, 0, 2), id="a week later"),
        pytest.param("a1", "2026-10-05", "dau wau mau", (0, 0, 2), id="28th day"),
        pytest.param("a1", "2026-10-06", "dau wau mau", (0, 0, 0), id="29th day is a true zero"),
        pytest.param("a1", "2026-09-20", "dau events core_events", (0, 1, 0), id="not core"),
        pytest.param("a1", "2026-09-08", "features_used_28d", (2,), id="two features"),
        pytest.param("a1", "2026-10-06", "features_used_28d", (0,), id="features fall out"),
        pytest.param("a1", "2026-09-01", "integrations_connected", (0,), id="before connecting"),
        pytest.param("a1", "2026-09-04", "integrations_connected", (1,), id="one system"),
        pytest.param("a1", "2026-10-31", "integrations_connected", (2,), id="stays connected"),
        pytest.param("a1", "2026-09-01", "issued_users", (1,), id="one user made"),
        pytest.param("a1", "2026-09-03", "issued_users", (2,), id="one more, who never came"),
        pytest.param("a1", "2026-09-08", "issued_users", (3,), id="one more, without a profile"),
        pytest.param("a1", "2026-09-08", "days_since_core_event", (0,), id="core today"),
        pytest.param("a1", "2026-09-20", "days_since_core_event", (12,), id="12 days since"),
        pytest.param("a1", "2026-10-31", "dau", (0,), id="an incomplete load does not count"),
        pytest.param("a2", "2026-10-31", "dau events", (1, 1), id="account of the profile"),
        pytest.param("a2", "2026-10-30", "dau days_since_core_event", (0, None), id="never yet"),
        pytest.param("a3", "2026-10-31", "dau events issued_users", (0, 1, 0), id="bots and staff"),
        pytest.param("a5", "2026-10-28", "dau events", (0, 1), id="a shared device"),
        pytest.param("a5", "2026-10-29", "dau events", (1, 1), id="a device of one user"),
        pytest.param("a5", "2026-10-30", "dau events", (2, 3), id="signed in"),
        pytest.param("a4", "2026-11-01", "dau events", (1, 1), id="up to as_of"),
        pytest.param("a4", "2026-10-31", "dau", None, id="a clock fault is no first day"),
    ],
)
def test_usage_by_hand(
    warehouse: duckdb.DuckDBPyConnection,
    account: str,
    day: str,
    columns: str,
    expected: tuple[Any, ...] | None,
) -> None:
    assert usage(warehouse, account, day, *columns.split()) == expected


def test_usage_of_random_events_equals_brute_force(warehouse: duckdb.DuckDBPyConnection) -> None:
    unique = {(e["event"], e["time"], e["distinct_id"], e["insert_id"]): e for e in RANDOM}.values()
    assert len(unique) == 400

    def count(account: str, day: date, days: int, what: str) -> int:
        first = day - timedelta(days=days - 1)
        return len(
            {
                CORE[e["event"]] if what == "feature" else e["distinct_id"]
                for e in unique
                if e["group_key"] == account and e["event"] in CORE
                and first <= date.fromisoformat(e["time"][:10]) <= day
            }
        )  # fmt: skip

    rows = warehouse.execute(
        "select account_id[10:], day, events, dau, wau, mau, features_used_28d"
        " from marts.account_usage_daily where account_id like 'mixpanel:r%'"
    ).fetchall()
    assert len(rows) > 3 * 85
    for account, day, events, *counts in rows:
        on_day = [e for e in unique if e["group_key"] == account and e["time"][:10] == str(day)]
        assert events == len(on_day)
        assert counts == [
            count(account, day, 1, "user"),
            count(account, day, 7, "user"),
            count(account, day, 28, "user"),
            count(account, day, 28, "feature"),
        ]


def test_one_event_is_one_event_however_often_it_was_sent(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    kept = warehouse.execute(
        "select count(*), count(distinct event_id),"
        " max(datediff('minute', occurred_at, received_at))"
        " from intermediate.int_product_events where account_key like 'r_'"
    ).fetchone()
    assert kept == (400, 400, 180)


def test_a_silent_product_is_unknown_and_not_a_zero(
    build_warehouse: BuildWarehouse, tmp_path: Path
) -> None:
    raw = {
        "mixpanel": {
            "events": [event("report_viewed", "2026-10-20T10:00:00Z", "u", "a")],
            "pulls": [{"pull_id": "1", "source": "mixpanel", "pulled_through": AS_OF}],
        }
    }
    with build_warehouse(tmp_path, raw, as_of=AS_OF, select=SELECT) as con:
        assert usage(con, "a", "2026-10-20", "is_known", "dau") == (True, 1)
        assert usage(con, "a", "2026-10-22", "is_known", "dau", "mau") == (True, 0, 1)
        assert usage(con, "a", "2026-10-23", "is_known", "dau", "mau") == (False, None, None)
        assert usage(con, "a", "2026-11-01", "events", "issued_users") == (None, None)


def test_days_are_cut_in_the_reporting_time_zone(
    build_warehouse: BuildWarehouse, tmp_path: Path
) -> None:
    raw = {
        "mixpanel": {
            "events": [
                event("report_viewed", "2026-10-30T14:59:59Z", "u", "a"),
                event("report_viewed", "2026-10-30T15:00:00Z", "v", "a"),
                event("report_viewed", "2026-10-31T15:30:00Z", "w", "a"),
            ]
        }
    }
    with build_warehouse(
        tmp_path,
        raw,
        as_of="2026-10-31T16:00:00Z",
        select=SELECT,
        variables={"reporting_time_zone": "Asia/Tokyo"},
    ) as con:
        assert con.execute(
            "select day::varchar, dau from marts.account_usage_daily order by day"
        ).fetchall() == [("2026-10-30", 1), ("2026-10-31", 1), ("2026-11-01", 1)]


def test_an_incremental_run_over_late_and_vanished_days_equals_a_full_refresh(
    dbt: Dbt, tmp_path: Path
) -> None:
    select = "+int_product_event_daily"
    write_raw(tmp_path, RAW)
    dbt.build(tmp_path, as_of=AS_OF, select=select)

    def daily() -> list[tuple[Any, ...]]:
        with connect(tmp_path) as con:
            return con.execute(
                "select * from intermediate.int_product_event_daily order by all"
            ).fetchall()

    # The 8th loses a user and gains a late one, the 1st vanishes, the 2nd comes again unchanged.
    pull_again(
        tmp_path,
        "1700000100.5",
        ["2026-09-01", "2026-09-02", "2026-09-08"],
        [
            BY_HAND[5],
            event("report_viewed", "2026-09-08T09:00:00Z", "a1-u1", "a1"),
            event("report_created", "2026-09-08T07:00:00Z", "a1-late", "a1"),
        ],
    )
    dbt.build(tmp_path, as_of=AS_OF, select=select)
    incremental = daily()
    with connect(tmp_path) as con:
        assert con.execute(
            "select distinct utc_date::varchar from intermediate.int_product_event_daily"
            " where day_version like '%22:15:00.5%' order by 1"
        ).fetchall() == [("2026-09-02",), ("2026-09-08",)]
        assert con.execute(
            "select user_key, event_name, events from intermediate.int_product_event_daily"
            " where account_key = 'a1' and utc_date in ('2026-09-01', '2026-09-08') order by all"
        ).fetchall() == [("a1-late", "report_created", 1), ("a1-u1", "report_viewed", 1)]

    dbt.build(tmp_path, as_of=AS_OF, select=select, empty=True)
    assert daily() == []
    dbt.build(tmp_path, as_of=AS_OF, select=select)
    assert daily() == incremental
    dbt.build(tmp_path, as_of=AS_OF, select=select, full_refresh=True)
    assert daily() == incremental


def pull_again(data_dir: Path, load_id: str, days: list[str], events: list[dict[str, Any]]) -> None:
    """What a pull does to the events: each of the days is replaced as a whole, in one load."""
    with duckdb.connect(str(data_dir / "raw" / "raw_mixpanel.duckdb")) as raw:
        raw.execute(
            "delete from raw_mixpanel.raw_mixpanel.events"
            " where event_date in (select unnest(?::date[]))",
            [days],
        )
    write_raw(
        data_dir,
        {"mixpanel": {"events": events}},
        sources=["mixpanel"],
        load_id=load_id,
        replace=False,
    )
