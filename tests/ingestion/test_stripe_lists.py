"""Stripe's lists: compared from time to time, gone on with after a break, emptied of children."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import pipeline, settings
from ingestion.errors import PullError
from ingestion.sources import stripe
from sandbox import Sandbox
from tests.ingestion.acceptance.stripe import a_customer, all_of
from tests.ingestion.support import query, rows, small_world

Point = Callable[[Sandbox], None]


def listed(box: Sandbox, name: str, since: int = 0) -> list[str]:
    return [one.path for one in box.requests[since:] if one.path.startswith(f"/v1/{name}?")]


def behind_its_back(*statements: str) -> None:
    with duckdb.connect(str(settings.raw_database("stripe"))) as connection:
        connection.execute("use raw_stripe.raw_stripe")
        for statement in statements:
            connection.execute(statement)


def an_invoice(lines: int) -> dict[str, Any]:
    data = [{"id": f"il_{number}", "amount": 100} for number in range(lines)]
    return {
        "id": "in_1",
        "object": "invoice",
        "customer": "cus_1",
        "lines": {"object": "list", "has_more": False, "data": data},
    }


def test_what_changed_without_an_event_is_found_within_a_week(later: Sandbox, at: Point) -> None:
    before = rows("stripe", "subscriptions")[0]
    behind_its_back(
        f"update subscriptions set status = 'missed' where id = '{before['id']}'",
        "insert into customers by name select 'cus_ghost' id, 'x' _dlt_id, "
        "max(_dlt_load_id) _dlt_load_id from customers",
    )
    later.advance(days=6)
    at(later)
    pipeline.pull("stripe")
    assert listed(later, "customers") == []
    ghost = "id = 'cus_ghost' and deleted"
    assert not rows("stripe", "customers", ghost)
    later.advance(days=1)
    at(later)
    pipeline.pull("stripe")
    assert rows("stripe", "customers", ghost)
    (now,) = rows("stripe", "subscriptions", f"id = '{before['id']}'")
    record = later.record("stripe", "subscriptions", before["id"])
    assert record
    assert now["status"] == record["status"] != "missed"
    asked = len(later.requests)
    assert pipeline.pull("stripe").rows == {}
    assert listed(later, "customers", asked) == []


def test_how_often_all_is_compared_is_a_setting(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__STRIPE__RECONCILE_DAYS", "0")
    assert pipeline.pull("stripe").rows == {}
    assert listed(later, "customers")


def test_a_parent_whose_children_all_vanish_loses_their_rows(later: Sandbox, at: Point) -> None:
    later.put("stripe", "invoices", an_invoice(lines=2))
    pipeline.pull("stripe")
    assert len(rows("stripe", "invoice_lines", "invoice = 'in_1'")) == 2
    others = query("stripe", "select count(*) from invoice_lines where invoice <> 'in_1'")
    later.put("stripe", "invoices", an_invoice(lines=0))
    later.advance(hours=1)
    at(later)
    assert pipeline.pull("stripe").rows["invoice_lines"] >= 2
    assert rows("stripe", "invoice_lines", "invoice = 'in_1'") == []
    assert query("stripe", "select count(*) from invoice_lines where removed") == [(0,)]
    assert query("stripe", "select count(*) from invoice_lines")[0] >= others[0]
    assert pipeline.pull("stripe").rows == {}


@pytest.mark.parametrize("days", [0, 40])
def test_an_export_that_breaks_off_goes_on_where_it_was_unless_events_no_longer_reach_back(
    days: int, box: Sandbox, at: Point, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "PAGE", 5)
    ids = [one["id"] for one in all_of(box, "invoices")]
    assert len(ids) > 12
    box.fault(
        "stripe", "server_error", times=None, path=f"invoices?limit=5&starting_after={ids[9]}"
    )
    with pytest.raises(PullError, match="did not answer"):
        pipeline.pull("stripe")
    assert rows("stripe", "invoices") == []
    kept = data_dir / "exports" / "stripe"
    assert list(kept.glob("invoices*"))

    box.clear_faults()
    customer = next(all_of(box, "customers"))["id"]
    box.remove("stripe", "customers", customer)
    changed = box.record("stripe", "invoices", ids[0])
    box.put("stripe", "invoices", (changed or {}) | {"status": "void"})
    box.put("stripe", "customers", a_customer("cus_new", box.now))
    box.advance(days=days, hours=1)
    at(box)
    asked = len(box.requests)
    pipeline.pull("stripe")
    first = listed(box, "invoices", asked)[0]
    assert (f"starting_after={ids[9]}" in first) is (days == 0)
    assert rows("stripe", "invoices", f"id = '{ids[0]}'")[0]["status"] == "void"
    assert {row["id"] for row in rows("stripe", "invoices")} >= set(ids)
    assert rows("stripe", "customers", "id = 'cus_new'")
    assert not rows("stripe", "customers", f"id = '{customer}'")
    assert not kept.exists()
    assert pipeline.pull("stripe").rows == {}


def test_pages_kept_for_another_account_or_half_written_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_world(vendors=["stripe"]) as box:
        for name, value in box.environment().items():
            monkeypatch.setenv(name, value)
        folder = settings.data_dir() / "exports" / "stripe"
        folder.mkdir(parents=True)
        note = f'{{"began": "{box.now.isoformat()}", "asked_of": "somebody else"}}'
        (folder / "export.json").write_text(note)
        (folder / "customers.ndjson").write_text('[{"id": "cus_theirs", "object": "customer"}]\n')
        pipeline.pull("stripe")
        assert rows("stripe", "customers")
        assert not rows("stripe", "customers", "id = 'cus_theirs'")
