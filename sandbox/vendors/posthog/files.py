"""The files of an export: tables as Parquet or as packed lines of JSON."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MOMENT = pa.timestamp("us", "UTC")
FORMATS = ("JSONLines", "Parquet")
COMPRESSIONS = {
    "JSONLines": (None, "gzip", "brotli"),
    "Parquet": (None, "zstd", "lz4", "snappy", "gzip", "brotli"),
}


def file_of(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows that a test put: typed as `schema` where they fit, else as text; new members are new
    columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [_shown(row.get(name)) for row in rows]
        try:
            kind = schema.field(name).type if name in schema.names else None
            given = [_moment(one) for one in values] if kind == MOMENT else values
            columns[name] = pa.array(given, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, OverflowError):
            columns[name] = pa.array(
                [one if one is None else one if isinstance(one, str) else str(one)
                 for one in values], pa.string()
            )  # fmt: skip
    return pa.table(columns)


def packed(table: pa.Table, form: str, compression: str | None) -> bytes:
    """The bytes of one file."""
    sink = pa.BufferOutputStream()
    if form == "Parquet":
        pq.write_table(table, sink, compression=compression or "none")
        return sink.getvalue().to_pybytes()
    lines = b"".join(
        json.dumps(_as_json(row)).encode("utf-8", "surrogatepass") + b"\n"
        for row in table.to_pylist()
    )
    if compression is None:
        return lines
    return pa.compress(lines, codec=compression, asbytes=True)


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a JSON line has it: objects nested, times as text."""
    shown = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            value = value.isoformat(timespec="microseconds")
        elif name in ("properties", "person_properties") and isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = json.loads(value)
        shown[name] = value
    return shown


def _shown(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
