"""Three looks at the same books: in November, in December when some records turn up late, and back.

Months are closed on the sixth day after their end: October and all before it at the first look,
November at the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import pytest

from tests.transform.raw import write_raw
from tests.transform.warehouse import Dbt, connect

from .billing import Billing, price
from .cases import AS_OF
from .owners import SOURCES
from .past import bill, months_between

HUNDRED = price(10000)
LATER = "2026-12-10T12:00:00Z"
MARTS = "+mrr_movements +mrr_daily +kpi_monthly +revenue_restatements"
BOOKS = "int_closed_item_mrr int_closed_account_mrr int_closed_kpis mrr_monthly"

Rows = list[tuple[Any, ...]]


@dataclass
class Look:
    """What one build says; rows as they are in the marts."""

    months: Rows
    movements: Rows
    kpis: Rows
    restatements: Rows
    of: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def column(self, case: str, column: str) -> dict[str, Any]:
        """Month -> the column of mrr_monthly, for an account."""
        return {month: row[column] for month, row in self.of[case].items()}


def _look(con: duckdb.DuckDBPyConnection) -> Look:
    marts = ("mrr_monthly", "mrr_movements", "kpi_monthly", "revenue_restatements")
    # Every row says as of when it was built; that is no figure.
    rows = (
        con.execute(
            f"select columns(lambda c: c <> 'as_of') from marts.{mart} order by all"
        ).fetchall()
        for mart in marts
    )
    found = Look(*rows)
    monthly = con.execute("select * from marts.mrr_monthly order by month_on").df()
    for row in monthly.to_dict("records"):
        months = found.of.setdefault(row["account_id"].removeprefix("stripe:cus_"), {})
        months[f"{row['month_on']:%Y-%m}"] = row
    return found


def _books(quantity: int, with_addon: bool) -> Billing:
    b = Billing()
    b.subscribe("seats", (price(1000), quantity))
    if with_addon:
        b.subscribe("addon", HUNDRED, price(2500))
    else:
        b.subscribe("addon", HUNDRED)
        b.new_id("si")  # ids are never used again
    paid = b.subscribe("billed_late", HUNDRED)
    bill(b, "billed_late", paid, months_between("2026-08-01", "2026-11-01"), 10000)
    for case, company in [("merged", "81"), ("survivor", "82")]:
        b.customer(case, metadata__hubspot_company_id=company)
        theirs = b.subscribe(case, price(7000))
        bill(b, case, theirs, months_between("2026-09-01", "2026-11-01"), 7000)
    return b


def _companies(are_merged: bool) -> list[dict[str, Any]]:
    rows = [
        {"id": number, "archived": False, "created_at": "2025-01-01", "updated_at": "2025-01-01"}
        | {"properties__name": f"Company {number}"}
        for number in ("81", "82")
    ]
    if are_merged:
        rows[1]["properties__hs_merged_object_ids"] = "81"
        return rows[1:]
    return rows


@dataclass
class Looks:
    november: Look
    december: Look
    replayed: Look
    reopened: Look
    history: Rows
    replayed_history: Rows


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory, dbt: Dbt) -> Looks:
    data_dir = tmp_path_factory.mktemp("closed")
    history = "select * from snapshots.snap_subscription_items order by all"
    marts: dict[str, Any] = {"select": MARTS, "data_tests": False, "sources": SOURCES}

    def build(
        as_of: str, b: Billing | None = None, are_merged: bool = False, **options: Any
    ) -> Look:
        if b:
            write_raw(
                data_dir, {"stripe": b.tables, "hubspot": {"companies": _companies(are_merged)}}
            )
        dbt.build(data_dir, as_of=as_of, **(marts | options))
        with connect(data_dir) as con:
            return _look(con)

    def snapshot() -> Rows:
        with connect(data_dir) as con:
            return con.execute(history).fetchall()

    november = build(AS_OF, _books(quantity=10, with_addon=True))
    late = _books(quantity=15, with_addon=False)
    late.subscribe("found_late", HUNDRED, created="2026-11-28", start_date="2026-11-28")
    # A second contract of August to October that nobody had seen in November.
    gone: dict[str, Any] = {"status": "canceled", "ended_at": "2026-11-01"}
    unseen = late.subscribe("billed_late", price(4000), created="2026-08-01", **gone)
    bill(late, "billed_late", unseen, months_between("2026-08-01", "2026-10-01"), 4000)
    december = build(LATER, late, are_merged=True)
    # The invariants hold where books of closed months are joined to what is known.
    dbt.build(data_dir, as_of=LATER, select="path:tests/revenue", sources=SOURCES)
    seen = snapshot()
    replayed = build(AS_OF)
    replayed_history = snapshot()
    since = {"reopen_books_from": "2026-08-01"}
    reopened = build(
        AS_OF, select=BOOKS, variables=since, parsed_as=dict.fromkeys(since), data_tests=False
    )
    return Looks(november, december, replayed, reopened, seen, replayed_history)


def test_changes_after_the_first_load_leave_the_past_alone(looks: Looks) -> None:
    # 10 seats of 10 until the end of November, 15 seen in December.
    assert looks.december.column("seats", "mrr") == {"2026-11": 100, "2026-12": 150}
    assert looks.december.column("seats", "expansion_mrr")["2026-12"] == 50
    assert set(looks.december.column("seats", "origin").values()) == {"snapshot"}
    # An item that was removed ends; it does not stand for ever.
    assert looks.december.column("addon", "mrr") == {"2026-11": 125, "2026-12": 100}
    # Pulled on 10 December, but it had begun in November.
    assert looks.december.column("found_late", "mrr") == {"2026-11": 100, "2026-12": 100}


def test_a_replay_gives_the_books_of_that_day_back_and_writes_no_history(looks: Looks) -> None:
    def told(look: Look) -> list[tuple[Any, ...]]:
        late = ("stripe:cus_billed_late", "hubspot:81", "hubspot:82")
        return [row for row in look.months if row[0] not in late]

    assert told(looks.replayed) == told(looks.november)
    assert looks.replayed_history == looks.history
    assert looks.replayed.restatements == looks.december.restatements


def test_months_are_closed_once_and_keep_every_published_figure(looks: Looks) -> None:
    def closed(rows: Rows, month_at: int) -> Rows:
        return [row for row in rows if f"{row[month_at]:%Y-%m}" < "2026-11"]

    assert closed(looks.november.months, 1), "nothing would be compared"
    assert closed(looks.december.months, 1) == closed(looks.november.months, 1)
    assert closed(looks.december.movements, 1) == closed(looks.november.movements, 1)
    # What nobody knew when the month was closed, for want of costs, is no figure.
    known = [
        [row for row in closed(look.kpis, 1) if row[7] is not None]
        for look in (looks.december, looks.november)
    ]
    assert known[0] == known[1]
    frozen = looks.december.column("billed_late", "frozen_at")
    assert [f"{frozen[m]:%Y-%m-%d}" for m in ("2026-10", "2026-11")] == ["2026-11-15", "2026-12-10"]
    assert str(frozen["2026-12"]) == "NaT"


def test_the_next_month_opens_with_what_was_closed_and_says_what_is_known_by_now(
    looks: Looks,
) -> None:
    # October was closed with 100. By now it is known to be 140, of which 40 ended on 1 November.
    november = looks.december.of["billed_late"]["2026-11"]
    assert november["opening_mrr"] == 100
    assert november["restatement_mrr"] == november["restatement_mrr_reporting"] == 40
    assert (november["contraction_mrr"], november["mrr"]) == (-40, 100)
    # Closed like this itself: December opens without a difference.
    december = looks.december.of["billed_late"]["2026-12"]
    assert (december["opening_mrr"], december["restatement_mrr"]) == (100, 0)


def test_a_merger_of_accounts_moves_what_was_closed_and_rewrites_nothing(looks: Looks) -> None:
    assert looks.december.column("hubspot:81", "mrr") == {
        **dict.fromkeys(("2026-09", "2026-10"), 70),
        **dict.fromkeys(("2026-11", "2026-12"), 0),
    }
    assert looks.december.column("hubspot:82", "mrr") == {
        **dict.fromkeys(("2026-09", "2026-10"), 70),
        **dict.fromkeys(("2026-11", "2026-12"), 140),
    }
    moved = [looks.december.of[case]["2026-11"] for case in ("hubspot:81", "hubspot:82")]
    assert [row["transfer_mrr"] for row in moved] == [-70, 70]
    assert [row["movement"] for row in moved] == ["transfer", "transfer"]
    assert [row["restatement_mrr"] for row in moved] == [0, 0]


def test_restatements_are_logged_with_what_was_closed_and_what_is_known(looks: Looks) -> None:
    logged = [
        (f"{month:%Y-%m}", *map(float, figures), f"{noticed:%Y-%m-%d}")
        for month, account, metric, _, *figures, noticed in looks.december.restatements
        if account == "stripe:cus_billed_late" and metric == "mrr"
    ]
    assert logged == [
        ("2026-08", 100, 140, 40, "2026-12-10"),
        ("2026-09", 100, 140, 40, "2026-12-10"),
        ("2026-10", 100, 140, 40, "2026-12-10"),
    ]
    # Of all accounts: 100 in August, 240 in September and October.
    totals = [
        (f"{month:%Y-%m}", float(frozen), float(known))
        for month, account, metric, _, frozen, known, *_ in looks.december.restatements
        if account is None and metric == "mrr"
    ]
    assert totals == [("2026-08", 100, 140), ("2026-09", 240, 280), ("2026-10", 240, 280)]
    assert looks.november.restatements == []


def test_books_that_are_reopened_are_closed_with_what_is_known(looks: Looks) -> None:
    assert looks.reopened.column("billed_late", "mrr") == {
        **dict.fromkeys(("2026-08", "2026-09", "2026-10"), 140),
        "2026-11": 100,
    }
    assert set(looks.reopened.column("billed_late", "restatement_mrr").values()) == {0}
    assert "hubspot:81" not in looks.reopened.of
