"""The raw tables that identity reads, written straight from a made-up world of any size, and the
truth about them. A pull of fifty thousand companies would take hours, and most of it is events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from bench.measure import command
from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.crm import account_key, company_of
from sandbox.universe.world import World
from sandbox.vendors.hubspot.records import Records
from sandbox.vendors.mixpanel.store import Store

SOURCES = ("hubspot", "stripe", "mixpanel")
TABLES = {
    "hubspot": ("companies", "contacts"),
    "stripe": ("customers", "subscriptions"),
    "mixpanel": ("profiles",),
}
Row = dict[str, Any]


def write(world: World, now: datetime, data: Path, log: Path) -> dict[str, str]:
    """Write the raw files of a world at `now` into `data`; return company by 'source:id'."""
    names = ", ".join(repr(source) for source in SOURCES)
    code = f"from ingestion.pipeline import ensure_tables\nfor s in ({names},): ensure_tables(s)"
    command(["-c", code], {"C360_DATA_DIR": str(data)}, log=log)
    clock = Clock(now, datetime.fromtimestamp(world.frame.horizon, UTC))
    made = {
        "companies": _hubspot(world, clock, "companies"),
        "contacts": _hubspot(world, clock, "contacts"),
        "customers": _customers(world, clock.seconds),
        "subscriptions": _subscriptions(world, clock.seconds),
        "profiles": _profiles(world, clock),
    }
    for source, tables in TABLES.items():
        with duckdb.connect(str(data / "raw" / f"raw_{source}.duckdb")) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for table in tables:
                _insert(connection, f"raw_{source}.raw_{source}.{table}", made[table])
    return dict(_truth(world, clock))


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterator[Row]) -> None:
    for number, batch in enumerate(_batches(rows, 50_000)):
        for place, row in enumerate(batch):
            row |= {"_dlt_load_id": "1700000000.0", "_dlt_id": f"{number}-{place}"}
        arrow = pa.Table.from_pylist(batch)
        connection.register("batch", arrow)
        connection.execute(f"insert into {table} by name select * from batch")
        connection.unregister("batch")


def _batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _hubspot(world: World, clock: Clock, kind: str) -> Iterator[Row]:
    columns = {
        "companies": (
            *("name", "domain", "website", "country", "industry", "numberofemployees"),
            *("hs_parent_company_id", "hs_merged_object_ids", "product_account_id"),
            *("billing_customer_id", "createdate"),
        ),
        "contacts": ("email", "associatedcompanyid", "hs_calculated_merged_vids", "createdate"),
    }[kind]
    for record in Records(world, Overlay(), clock).all(kind):
        properties: Mapping[str, Any] = record["properties"]
        yield {
            "id": record["id"],
            "archived": record["archived"],
            **{f"properties__{name}": properties.get(name) for name in columns},
        }


def _customers(world: World, now: int) -> Iterator[Row]:
    for customer in world.customers:
        if customer.created <= now and not (customer.deleted and customer.deleted <= now):
            yield {
                "id": customer.id,
                "name": customer.name_at(now),
                "email": customer.email,
                "created": customer.created,
                "address__country": customer.company.country,
                "metadata__hubspot_company_id": customer.metadata.get("hubspot_company_id"),
                "metadata__product_account_id": customer.metadata.get("product_account_id"),
            }


def _subscriptions(world: World, now: int) -> Iterator[Row]:
    for customer in world.customers:
        for sub in customer.subscriptions:
            if sub.created <= now:
                yield {
                    "id": sub.id,
                    "customer": customer.id,
                    "status": sub.status(now),
                    "created": sub.created,
                    "start_date": sub.created,
                }


def _profiles(world: World, clock: Clock) -> Iterator[Row]:
    for profile in Store(world, Overlay(), clock, "UTC").profiles():
        properties = profile["$properties"]
        yield {
            "distinct_id": profile["$distinct_id"],
            "email": properties.get("$email"),
            "created_at": properties["$created"] + "Z",
            "group_key": properties["company_id"],
        }


def _truth(world: World, clock: Clock) -> Iterator[tuple[str, str]]:
    for record in world.crm.objects["companies"]:
        if record.created <= clock.seconds * 1000:
            yield f"hubspot:{record.id}", world.companies[company_of(record.id)].key
    for customer in world.customers:
        if customer.created <= clock.seconds:
            yield f"stripe:{customer.id}", customer.company.key
    for company in world.companies:
        key = account_key(company)
        if key:
            yield f"mixpanel:{key}", company.key
