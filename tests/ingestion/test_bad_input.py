"""Every line of the bad-input catalogue ends as a clean row or in quarantine with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingestion import pipeline
from tests.ingestion.bad_input import CASES, Case
from tests.ingestion.stub import stub
from tests.ingestion.support import NOW, SOURCES, query, rows

HOME = {
    **dict.fromkeys(("companies", "contacts", "deals", "meetings"), "hubspot"),
    **dict.fromkeys(("events", "profiles"), "mixpanel"),
}
KEY = {"events": "insert_id", "profiles": "distinct_id"}
TOLD = [case for case in CASES if case.row or case.reason]

Landed = dict[tuple[str, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """All rows of all tables, after one pull of everything in the catalogue."""
    records: dict[str, list[str]] = {}
    for case in CASES:
        name = "events" if case.table == "events_of_stripe" else case.table
        if case.table != "events":
            records.setdefault(name, []).append(case.text)
    lines = [case.text.encode() for case in CASES if case.table == "events"]
    found: Landed = {}
    with pytest.MonkeyPatch.context() as patch, stub(records, lines) as variables:
        patch.setenv("C360_DATA_DIR", str(tmp_path_factory.mktemp("bad") / "data"))
        patch.setenv("C360_AS_OF", NOW.isoformat())
        # One range of days: the stub answers every request with all it has.
        patch.setenv("SOURCES__MIXPANEL__START_DATE", "2026-10-21")
        for name, value in variables.items():
            patch.setenv(name, value)
        for source in SOURCES:
            pipeline.pull(source)
            for table in pipeline.table_names(source):
                found[source, table] = rows(source, table)
            columns = query(source, "select column_name from duckdb_columns()")
            assert not [name for (name,) in columns if "__v_" in name]
    return found


def place(case: Case) -> tuple[str, str]:
    if case.table == "events_of_stripe":
        return "stripe", "events"
    return HOME.get(case.table, "stripe"), case.table


@pytest.mark.parametrize(
    "case", TOLD, ids=[f"{case.table}: {case.name} #{n}" for n, case in enumerate(TOLD)]
)
def test_each_case_ends_as_a_row_or_with_a_reason(case: Case, landed: Landed) -> None:
    source, table = place(case)
    key = "id" if case.table == "events_of_stripe" else KEY.get(table, "id")
    stored = [row for row in landed[source, table] if row[key] == case.name]
    rejects = [
        row
        for row in landed[source, "quarantine"]
        if row["resource"] == table and same(row["payload"], case.text)
    ]
    if case.reason:
        assert [reject["reason"] for reject in rejects if case.reason in reject["reason"]]
        assert not stored
        return
    assert not rejects
    assert len(stored) == 1
    for column, value in case.row.items():
        if column.startswith("field_"):
            # A name that cannot be one ends in a digest that keeps it apart from others.
            values = [v for name, v in stored[0].items() if name.startswith(column)]
            assert value in values
        else:
            assert stored[0][column] == value


def same(payload: str, text: str) -> bool:
    try:
        mine, sent = json.loads(payload), json.loads(text)
    except ValueError:
        return payload == text
    if isinstance(sent, dict) and "$distinct_id" in sent:
        return bool(mine.get("distinct_id", mine.get("$distinct_id")) == sent["$distinct_id"])
    return bool(mine == sent)


def test_nothing_is_lost_on_the_way(landed: Landed) -> None:
    for table in ("companies", "charges", "events"):
        source = HOME.get(table, "stripe")
        sent = [case for case in CASES if case.table == table]
        again = {"G1", "G2", "C recycled id"}
        twice = sum(case.name in again for case in sent) // 2
        kept = len(landed[source, table])
        away = sum(row["resource"] == table for row in landed[source, "quarantine"])
        assert kept + away == len(sent) - twice, table


def test_children_of_odd_parents_arrive(landed: Landed) -> None:
    items = {row["id"]: row for row in landed["stripe", "subscription_items"]}
    assert items["si 0"]["quantity"] == 0
    assert items["si None"]["quantity"] is None
    assert items["si 0"]["price"] == "p"
    (line,) = landed["stripe", "invoice_lines"]
    assert (line["invoice"], line["proration"], line["amount"]) == ("B proration", True, -5)


def test_a_reject_names_no_value_in_its_reason(landed: Landed) -> None:
    reasons = {row["reason"] for source in SOURCES for row in landed[source, "quarantine"]}
    assert len(reasons) > 15
    for leak in ("N/A", "50-100", "perhaps", "soon", "nine"):
        assert not [reason for reason in reasons if leak in reason]


def test_the_catalogue_is_covered(tmp_path: Path) -> None:
    named = {case.name.split(" ")[0].split("x")[0] for case in TOLD}
    wanted = {f"G{number}" for number in range(1, 34)} - {"G7", "G8"}
    assert wanted <= {name.upper() for name in named}
    assert {f"T{number}" for number in range(1, 10)} <= named
