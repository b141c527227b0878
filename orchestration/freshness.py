"""How fresh every asset is: when it was made, how old the data in it are, and when that is too old.

Two clocks, as in `policies`. When an asset was made is Dagster's own record. How old its data are
is what its sources have sent: a model is as old as the one of its sources that is too old first,
judged by that source's own window. Both are told as moments at which the asset turns late and
stale, so that whoever reads them later needs no window, and no publication, to see what has aged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import duckdb

from ingestion import pipeline, settings
from orchestration import environment, policies
from orchestration.translators import raw_key
from publish import reader

State = Literal["pass", "warn", "fail", "unknown"]

TABLE = "asset_freshness"
COMMENTS = {
    "": "One row per asset: raw table, seed, snapshot, model and mart. When it was made, how old"
    " its data are, and from when on either is too old. Times in UTC.",
    "asset_key": "Schema and table, as the graph names it.",
    "layer": "raw, seeds, staging, intermediate, snapshots or marts.",
    "owner": "Who answers for it.",
    "made_at": "When it was last made, by the clock of the machine; NULL when never.",
    "make_late_at": "From then on it is late (warn) unless it is made again.",
    "make_stale_at": "From then on it is stale (fail) unless it is made again.",
    "data_as_of": "Newest record of data_source; NULL when it rests on no source that delivered.",
    "data_source": "Of the sources that it rests on, the one whose data are too old first.",
    "data_late_at": "From then on the data are late (warn) unless newer ones come.",
    "data_stale_at": "From then on the data are stale (fail) unless newer ones come.",
    "state": "pass, warn or fail when this was published, unknown when never made. A reader"
    " compares the four moments with its own clock.",
}


@dataclass(frozen=True)
class Freshness:
    """The freshness of one asset. Moments are aware, UTC; None where there is nothing to count
    from. `state` is that of the moment at which this was made.
    """

    asset_key: str
    layer: str
    owner: str
    made_at: datetime | None
    make_late_at: datetime | None
    make_stale_at: datetime | None
    data_as_of: datetime | None
    data_source: str | None
    data_late_at: datetime | None
    data_stale_at: datetime | None
    state: State = "unknown"

    def made_state(self, now: datetime) -> State:
        """Whether it was made lately, seen from `now` on the clock of the machine."""
        return _state(now, self.make_late_at, self.make_stale_at)

    def data_state(self, as_of: datetime) -> State:
        """Whether its data are young, seen from what the run calls now."""
        return _state(as_of, self.data_late_at, self.data_stale_at)


def _state(now: datetime, late_at: datetime | None, stale_at: datetime | None) -> State:
    if late_at is None or stale_at is None:
        return "unknown"
    if now >= stale_at:
        return "fail"
    return "warn" if now >= late_at else "pass"


def sources_of(manifest: Mapping[str, Any]) -> dict[dg.AssetKey, frozenset[str]]:
    """The sources that each table of the graph rests on: raw tables, and what dbt makes of them."""
    parents: Mapping[str, list[str]] = manifest["parent_map"]

    @cache
    def above(unique_id: str) -> frozenset[str]:
        if unique_id.startswith("source."):
            return frozenset((manifest["sources"][unique_id]["source_name"].removeprefix("raw_"),))
        return frozenset().union(*map(above, parents[unique_id]))

    raw = {
        raw_key(source, table): frozenset((source,))
        for source in settings.enabled_sources()
        for table in pipeline.table_names(source)
    }
    made = {
        dg.AssetKey([node["schema"], node["name"]]): above(unique_id)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    }
    return raw | made


def judge(
    rests_on: Mapping[dg.AssetKey, Collection[str]],
    made_at: Mapping[dg.AssetKey, datetime],
    newest: Mapping[str, datetime],
    *,
    now: datetime,
    as_of: datetime,
) -> list[Freshness]:
    """One row per asset, in the order of their names.

    `newest` is the newest record of each source that has delivered one. `now` is the clock of the
    machine, which Dagster stamps its record with; `as_of` what the run calls now, which data are
    counted to.
    """
    rows = []
    for key in sorted(rests_on):
        policy = policies.policy_for(key)
        made = made_at.get(key)
        within = policy.made_within
        data = _first_too_old({one: newest[one] for one in rests_on[key] if one in newest})
        row = Freshness(
            asset_key=key.to_user_string(),
            layer="raw" if key.path[0].startswith("raw_") else key.path[0],
            owner=policy.owner.removeprefix("team:"),
            made_at=made,
            make_late_at=made and made + timedelta(hours=within.warn),
            make_stale_at=made and made + timedelta(hours=within.fail),
            **data,
        )
        rows.append(_with_state(row, now, as_of))
    return rows


def _first_too_old(newest: Mapping[str, datetime]) -> dict[str, Any]:
    """Of these sources the one that is stale first, and when; all None when there is none."""
    if not newest:
        return dict.fromkeys(("data_as_of", "data_source", "data_late_at", "data_stale_at"))
    windows = {one: policies.policy_for(raw_key(one, "pulls")).data_within for one in newest}
    late = {one: at + timedelta(hours=windows[one].warn) for one, at in newest.items()}
    stale = {one: at + timedelta(hours=windows[one].fail) for one, at in newest.items()}
    first = min(sorted(newest), key=lambda one: (stale[one], late[one]))
    return {
        "data_as_of": newest[first],
        "data_source": first,
        "data_late_at": min(late.values()),
        "data_stale_at": stale[first],
    }


def _with_state(row: Freshness, now: datetime, as_of: datetime) -> Freshness:
    made = row.made_state(now)
    states = {made, row.data_state(as_of)}
    worst: State = next((state for state in _WORST_FIRST if state in states), made)
    return replace(row, state="unknown" if made == "unknown" else worst)


_WORST_FIRST: tuple[State, ...] = ("fail", "warn", "pass")


def record(instance: dg.DagsterInstance, warehouse: Path, as_of: datetime) -> None:
    """Write the table into the marts of `warehouse`, from Dagster's record and what the sources
    have sent by `as_of`."""
    rests_on = sources_of(json.loads(environment.manifest().read_text()))
    with duckdb.connect(str(warehouse)) as connection:
        found = connection.execute(
            "select source, newest_record_at from marts.source_freshness"
            " where newest_record_at is not null"
        ).fetchall()
        newest = {source: at.replace(tzinfo=UTC) for source, at in found}
        rows = judge(
            rests_on, last_made(instance, rests_on), newest, now=datetime.now(UTC), as_of=as_of
        )
        _write(connection, rows)


def last_made(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey]
) -> dict[dg.AssetKey, datetime]:
    """When each of these assets was last made; without those that never were."""
    found = {}
    for one in instance.get_asset_records(list(keys)):
        event = one.asset_entry.last_materialization_record
        if event:
            found[one.asset_entry.asset_key] = datetime.fromtimestamp(event.timestamp, UTC)
    return found


def _write(connection: duckdb.DuckDBPyConnection, rows: list[Freshness]) -> None:
    names = [field.name for field in fields(Freshness)]
    columns = ", ".join(f"{name} {_sql_type(name)}" for name in names)
    connection.execute(f"create or replace table marts.{TABLE} ({columns})")
    if rows:
        connection.executemany(
            f"insert into marts.{TABLE} values ({', '.join('?' * len(names))})",
            [[_naive(value) for value in astuple(row)] for row in rows],
        )
    for column, said in COMMENTS.items():
        what = f"column marts.{TABLE}.{column}" if column else f"table marts.{TABLE}"
        connection.execute(f"comment on {what} is '{said.replace(chr(39), chr(39) * 2)}'")


def _sql_type(name: str) -> str:
    return "timestamp" if name.endswith(("_at", "_as_of")) else "varchar"


def _naive(value: Any) -> Any:
    """Marts hold UTC without saying so."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def published(folder: Path) -> dict[dg.AssetKey, Freshness]:
    """What the publication in `folder` says of every asset. Raises publish.reader.NoPublication
    when there is none, duckdb.CatalogException when it does not say."""
    names = [field.name for field in fields(Freshness)]
    with reader.connect(folder) as connection:
        rows = connection.execute(f"select {', '.join(names)} from marts.{TABLE}").fetchall()
    told = [Freshness(**dict(zip(names, map(_aware, row), strict=True))) for row in rows]
    return {dg.AssetKey.from_user_string(row.asset_key): row for row in told}


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
