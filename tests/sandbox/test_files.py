"""The drop folder of customer success: what lies there at which moment, and what it says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import openpyxl
import pandas as pd
import pytest
import s3fs

from sandbox import Sandbox
from sandbox.universe.crm import company_id
from sandbox.vendors.files import BUCKET
from sandbox.vendors.files.content import lines_of
from sandbox.vendors.files.people import relations
from sandbox.vendors.files.writing import content
from tests.sandbox.conftest import NOW, small


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with small(companies=80, months=12, vendors=["files"]) as made:
        yield made


def bucket(box: Sandbox) -> s3fs.S3FileSystem:
    """Amazon's own way of looking into a bucket."""
    given = box.environment()
    return s3fs.S3FileSystem(
        key=given["SOURCES__FILES__AWS_ACCESS_KEY_ID"],
        secret=given["SOURCES__FILES__AWS_SECRET_ACCESS_KEY"],
        endpoint_url=given["SOURCES__FILES__ENDPOINT_URL"],
        skip_instance_cache=True,
        use_listings_cache=False,
    )


def test_a_client_of_s3_lists_and_reads_every_file(box: Sandbox) -> None:
    store = bucket(box)
    found = store.find(BUCKET, detail=True)
    assert len(found) > 30
    for name, listed in found.items():
        body = store.cat_file(name)
        assert len(body) == listed["size"]
        key = name.removeprefix(f"{BUCKET}/")
        assert box.record("files", "files", key) == {"id": key, "content": body}
        assert listed["LastModified"] <= NOW


def test_files_are_of_many_kinds_and_can_be_read(box: Sandbox) -> None:
    store = bucket(box)
    sheet = openpyxl.load_workbook(
        io.BytesIO(store.cat_file(f"{BUCKET}/success_plan_objectives.xlsx"))
    ).active
    assert [cell.value for cell in sheet[1]][:3] == ["account", "objective", "status"]
    tokyo = store.cat_file(f"{BUCKET}/account_notes/tokyo.csv").decode("cp932")
    assert "年" in tokyo
    posts = pd.read_parquet(io.BytesIO(store.cat_file(f"{BUCKET}/community_activity.parquet")))
    assert len(posts)
    touches = [name for name in store.find(f"{BUCKET}/touches") if name.endswith(".jsonl")]
    frame = pd.concat(
        pd.read_json(io.BytesIO(store.cat_file(name)), lines=True) for name in touches
    )
    assert frame["occurred_at"].max() <= pd.Timestamp(NOW)


def test_equal_rows_give_equal_bytes() -> None:
    rows = [{"account": "a", "given_on": date(2026, 1, 1)}]
    for name in ("x.xlsx", "x.csv", "x.jsonl", "x.parquet"):
        plain = [{key: str(cell) for key, cell in row.items()} for row in rows]
        assert content(name, plain) == content(name, plain)


def test_the_clock_adds_lines_and_takes_back_only_what_was_closed() -> None:
    with small(companies=80, months=12, vendors=["files"]) as box:
        drop = box._services["files"]._drop  # type: ignore[attr-defined]
        before = {key: drop.body(key) for key in drop.keys()}  # noqa: SIM118
        box.advance(days=1)
        after = {key: drop.body(key) for key in drop.keys()}  # noqa: SIM118
    changed = {key for key in before if after[key] != before[key]}
    assert changed | (set(after) - set(before))
    for key in changed - {"success_plan_objectives.xlsx", "feature_requests.csv"}:
        if key.endswith((".csv", ".jsonl")):
            assert after[key].startswith(before[key]), key


def test_a_dropped_file_is_there_and_a_removed_one_is_not() -> None:
    with small(companies=10, months=3, vendors=["files"]) as box:
        box.put("files", "files", {"id": "touches-late.csv", "text": "account\nx\n"})
        box.put("files", "files", {"id": "costs.csv", "content": b"\xff\xfe"})
        box.remove("files", "files", "kpi_targets.csv")
        store = bucket(box)
        assert store.cat_file(f"{BUCKET}/touches-late.csv") == b"account\nx\n"
        assert store.cat_file(f"{BUCKET}/costs.csv") == b"\xff\xfe"
        assert not store.exists(f"{BUCKET}/kpi_targets.csv")


def test_the_people_of_customer_success_foresee_most_departures_but_not_all() -> None:
    world = small(companies=500, months=24, vendors=[]).world
    whose = {}
    for one in relations(world):
        whose[f"hubspot:{company_id(one.company)}"] = whose[f"stripe:{one.customer}"] = one
    said = [
        (whose[line.cells["account"]], line.day, line.cells["sentiment"])
        for line in lines_of(world)
        if line.file.startswith("csm_sentiment") and line.cells["account"] in whose
    ]
    reds: dict[int, bool] = {}
    elsewhere = []
    for one, day, colour in said:
        leaves = one.notice is not None and one.company.leaves_by == "voluntary"
        if leaves and one.notice - 75 <= day < one.notice:
            reds[one.company.index] = reds.get(one.company.index, False) or colour == "red"
        elif one.notice is None or day < one.notice - 75:
            elsewhere.append(colour == "red")
    assert len(reds) > 30
    assert 0.5 < sum(reds.values()) / len(reds) < 0.9
    assert 0.01 < sum(elsewhere) / len(elsewhere) < 0.1
