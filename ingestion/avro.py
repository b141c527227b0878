"""Avro files -> Parquet files, in batches: no more Python per record than the Avro reader needs."""

import json
import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro
import fastavro.read
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 20_000
_LOGICAL, _SILENCED = b'"logicalType"', b'"ignoredType"'
_ARROW = {
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "string": pa.string(),
    "enum": pa.string(),
}


class BrokenFile(Exception):
    """A file that is no Avro file or ends before its end."""


def to_parquet(avro: Path, parquet: Path) -> int:
    """Writes the records of `avro` and returns how many there are.

    Numbers, texts and flags become columns of their type; times stay the numbers that they are
    stored as, for dates out of range would stop the reader; nested values become JSON text.
    Raises BrokenFile.
    """
    try:
        _silence_logical_types(avro)
        with avro.open("rb") as file:
            reader = fastavro.reader(file, handle_unicode_errors="replace")
            fields = [(str(one["name"]), _type(one["type"])) for one in _fields(reader)]
            schema = pa.schema([(name, kind or pa.string()) for name, kind in fields])
            nested = [name for name, kind in fields if kind is None]
            count = 0
            with pq.ParquetWriter(parquet, schema, compression="snappy") as writer:
                while batch := list(islice(reader, BATCH)):
                    for name in nested:
                        _as_text(batch, name)
                    rows = pa.array(batch, pa.struct(list(schema)))
                    writer.write_batch(pa.RecordBatch.from_struct_array(rows))
                    count += len(batch)
    except (EOFError, ValueError, KeyError, IndexError, TypeError, zlib.error, OSError) as problem:
        raise BrokenFile(type(problem).__name__) from None
    return count


def _fields(reader: Any) -> list[Any]:
    schema = reader.writer_schema
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError
    return list(schema["fields"])


def _type(declared: Any) -> pa.DataType | None:
    """The column type of a field, None for nested values."""
    if isinstance(declared, list):
        kinds = {_type(one) for one in declared if one != "null"}
        return kinds.pop() if len(kinds) == 1 else None
    if isinstance(declared, dict):
        declared = declared["type"]
        return _type(declared) if isinstance(declared, dict | list) else _ARROW.get(declared)
    return _ARROW.get(declared)


def _as_text(batch: list[Any], name: str) -> None:
    for record in batch:
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            record[name] = json.dumps(value, default=str, ensure_ascii=False)


def _silence_logical_types(avro: Path) -> None:
    """Renames the member of the schema that makes the reader turn numbers into dates, in place."""
    with avro.open("r+b") as file:
        fastavro.reader(file)
        end = file.tell()
        file.seek(0)
        header = file.read(end)
        if _LOGICAL in header:
            file.seek(0)
            file.write(header.replace(_LOGICAL, _SILENCED))


def _unpacked(codec: str) -> Callable[[Any], BytesIO]:
    """A reader of packed blocks by Arrow, for codecs whose own packages are not needed here."""
    plain = fastavro.read.BLOCK_READERS["null"]

    def unpack(file: Any) -> BytesIO:
        packed = plain(file).read()
        if codec != "snappy":
            return BytesIO(pa.CompressedInputStream(pa.BufferReader(packed), codec).read())
        # Raw snappy begins with the size of what it holds; a checksum of four bytes follows it.
        size, shift = 0, 0
        for byte in packed:
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return BytesIO(pa.decompress(packed[:-4], size, "snappy"))

    return unpack


fastavro.read.BLOCK_READERS |= {"snappy": _unpacked("snappy"), "zstandard": _unpacked("zstd")}
