"""How old every asset is: told at publication, judged by the clock whatever the last run did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import environment, freshness
from orchestration.assets.ages import DATA_AGE, mart_ages
from orchestration.assets.publication import mart_keys
from orchestration.translators import raw_key

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HUBSPOT, STRIPE = raw_key("hubspot", "companies"), raw_key("stripe", "invoices")
MART, SEED = dg.AssetKey(["marts", "customer_360"]), dg.AssetKey(["seeds", "tiers"])
RESTS_ON = {HUBSPOT: {"hubspot"}, STRIPE: {"stripe"}, MART: {"hubspot", "stripe"}, SEED: set()}


def after(hours: float) -> dict[dg.AssetKey, freshness.Freshness]:
    """Everything was made at noon from records of that moment; the rows so many hours later."""
    now = NOON + timedelta(hours=hours)
    rows = freshness.judge(
        RESTS_ON,
        dict.fromkeys(RESTS_ON, NOON),
        {"hubspot": NOON, "stripe": NOON},
        now=now,
        as_of=now,
    )
    return {dg.AssetKey.from_user_string(row.asset_key): row for row in rows}


def test_freshness_turns_from_pass_to_warn_to_fail_as_the_clock_moves() -> None:
    # Made daily: late after 26 hours, stale after 50.
    states = {hours: after(hours)[MART].state for hours in (0, 25.9, 26, 49.9, 50)}
    assert states == {0: "pass", 25.9: "pass", 26: "warn", 49.9: "warn", 50: "fail"}


def test_data_age_by_themselves_when_everything_is_made_again_and_nothing_new_came() -> None:
    # Stripe's records may be 50 and 98 hours old; all tables are made anew every hour.
    def states(hours: float) -> tuple[str, str]:
        now = NOON + timedelta(hours=hours)
        rows = freshness.judge(
            RESTS_ON,
            dict.fromkeys(RESTS_ON, now),
            {"hubspot": now, "stripe": NOON},
            now=now,
            as_of=now,
        )
        by_key = {row.asset_key: row for row in rows}
        return by_key["raw_stripe/invoices"].state, by_key["marts/customer_360"].state

    assert states(49) == ("pass", "pass")
    assert states(51) == ("warn", "warn")
    assert states(99) == ("fail", "fail")


def test_a_mart_is_as_old_as_its_source_that_is_stale_first_not_the_one_that_is_oldest() -> None:
    # HubSpot may rest for 74 and 122 hours: a day older than Stripe it is stale an hour later.
    newest = {"hubspot": NOON - timedelta(hours=23), "stripe": NOON}
    rows = freshness.judge({MART: {"hubspot", "stripe"}}, {}, newest, now=NOON, as_of=NOON)
    (row,) = rows
    assert (row.data_source, row.data_as_of) == ("stripe", NOON)
    assert row.data_stale_at == NOON + timedelta(hours=98)
    assert row.data_late_at == NOON + timedelta(hours=50)
    assert row.state == "unknown", "it was never made"


def test_what_rests_on_no_source_has_no_data_age() -> None:
    seed = after(30)[SEED]
    assert (seed.data_as_of, seed.data_source, seed.state) == (None, None, "warn")


def test_a_mart_rests_on_the_sources_behind_every_model_it_is_made_from() -> None:
    manifest = json.loads(environment.manifest().read_text())
    found = freshness.sources_of(manifest)
    assert found[raw_key("stripe", "invoices")] == {"stripe"}
    assert {"hubspot", "salesforce", "stripe"} <= found[MART]
    assert found[dg.AssetKey(["staging", "stg_stripe__invoices"])] == {"stripe"}
    # The macro's own parents, walked by hand from the mart.
    parents, seen = manifest["parent_map"], set()
    todo = [key for key in parents if key.endswith(".account_usage_daily")]
    while todo:
        seen.add(one := todo.pop())
        todo += [parent for parent in parents.get(one, []) if parent not in seen]
    by_hand = {one.split(".")[2].removeprefix("raw_") for one in seen if one.startswith("source.")}
    assert found[dg.AssetKey(["marts", "account_usage_daily"])] == by_hand


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.source_freshness as select * from (values"
            " ('hubspot', timestamp '2026-03-04 11:00'), ('files', null))"
            " as t(source, newest_record_at)"
        )
    return path


def test_the_table_says_of_every_asset_when_it_was_made_and_how_old_its_data_are(
    warehouse: Path,
) -> None:
    with dg.DagsterInstance.local_temp() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(MART))
        freshness.record(instance, warehouse, as_of=NOON)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        keys, distinct = connection.execute(
            "select count(*), count(distinct asset_key) from marts.asset_freshness"
        ).fetchall()[0]
        layers = {
            row[0]
            for row in connection.execute(
                "select distinct layer from marts.asset_freshness"
            ).fetchall()
        }
        mart = connection.execute(
            "select owner, data_source, data_as_of, state, made_at is not null"
            " from marts.asset_freshness where asset_key = 'marts/customer_360'"
        ).fetchall()
        without_comment = connection.execute(
            "select column_name from duckdb_columns()"
            " where table_name = 'asset_freshness' and comment is null"
        ).fetchall()
    assert keys == distinct > 100
    assert layers == {"raw", "seeds", "staging", "intermediate", "snapshots", "marts"}
    assert mart == [
        ("customer-success", "hubspot", datetime(2026, 3, 4, 11), "pass", True)  # noqa: DTZ001
    ]
    assert without_comment == []


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A publication of which nobody has made a newer one, from records of noon."""
    folder = tmp_path / "published"
    folder.mkdir()
    monkeypatch.setenv("C360_PUBLISH_DIR", str(folder))
    rows = freshness.judge(
        {key: {"hubspot", "stripe"} for key in mart_keys()},
        {},
        {"hubspot": NOON, "stripe": NOON},
        now=NOON,
        as_of=NOON,
    )
    with duckdb.connect(str(folder / "c360.duckdb")) as connection:
        connection.execute("create schema marts")
        freshness._write(connection, rows)
    return folder


def judged(as_of: datetime, monkeypatch: pytest.MonkeyPatch) -> dg.AssetCheckEvaluation:
    """How the age of the first mart's data is judged at that moment."""
    monkeypatch.setenv("C360_AS_OF", as_of.isoformat())
    step = mart_ages()
    result = dg.materialize(
        [dg.AssetsDefinition(specs=[dg.AssetSpec(mart_keys()[0])]), step],
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(mart_keys()[0], DATA_AGE)),
        raise_on_error=False,
    )
    (found,) = result.get_asset_check_evaluations()
    return found


def test_the_age_of_a_mart_is_judged_although_no_run_has_built_it_since(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = judged(NOON + timedelta(hours=49), monkeypatch)
    assert young.passed
    assert young.metadata["data_age_hours"].value == 49
    late = judged(NOON + timedelta(hours=51), monkeypatch)
    assert (late.passed, late.severity) == (False, dg.AssetCheckSeverity.WARN)
    stale = judged(NOON + timedelta(hours=99), monkeypatch)
    assert (stale.passed, stale.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert stale.description == "stripe has sent nothing for 99.0 h."


def test_a_mart_that_was_never_published_is_not_young(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_PUBLISH_DIR", str(tmp_path))
    found = judged(NOON, monkeypatch)
    assert not found.passed
    assert "nothing has been published" in (found.description or "")
