"""Avro files by column: records are put together from encoded columns, not one by one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BLOCK = 20_000
MOMENT = {"type": "long", "logicalType": "timestamp-millis"}
_SYNC = bytes(range(16))
_VALUE, _NULL = b"\x02", b"\x00"


def longs(values: NDArray[np.int64]) -> pa.Array:
    """Whole numbers, none of them null, as fields of type ["null", "long"]."""
    zigzag = ((values << 1) ^ (values >> 63)).astype(np.uint64)
    encoded = np.zeros((len(values), 11), np.uint8)
    encoded[:, 0] = _VALUE[0]
    lengths = np.ones(len(values), np.int64)
    for place in range(10):
        rest = zigzag >> np.uint64(7 * place)
        there = (rest > 0) | (place == 0)
        more = (zigzag >> np.uint64(min(7 * place + 7, 63))) > 0 if place < 9 else np.False_
        encoded[:, place + 1] = (rest & np.uint64(0x7F)) | np.where(more, np.uint64(0x80), 0)
        lengths += there
    kept = np.arange(11) < lengths[:, None]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(encoded[kept].tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)


def text(value: str | None) -> bytes:
    """A field of type ["null", "string"]."""
    if value is None:
        return _NULL
    data = value.encode()
    return _VALUE + _long(len(data)) + data


def number(value: int | None) -> bytes:
    """A field of type ["null", "long"]."""
    return _NULL if value is None else _VALUE + _long(value)


def records(*columns: Any) -> pa.Array:
    """Records from their columns in the order of the schema; a column may be one constant."""
    return pc.binary_join_element_wise(*columns, b"")


def file(fields: Sequence[tuple[str, Any]], made: Any, codec: str) -> bytes:
    """The bytes of a file with `made` records (binary values) of nullable `fields`."""
    schema = {
        "type": "record",
        "name": "topLevelRecord",
        "fields": [{"name": name, "type": [kind, "null"][::-1]} for name, kind in fields],
    }
    meta = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    head = b"Obj\x01" + _long(len(meta))
    for name, value in meta.items():
        head += _bytes(name.encode()) + _bytes(value)
    pieces = [head + _long(0) + _SYNC]
    for start in range(0, len(made), BLOCK):
        block = made[start : start + BLOCK]
        data = _packed(b"".join(block.to_pylist() if hasattr(block, "to_pylist") else block), codec)
        pieces += [_long(len(block)), _long(len(data)), data, _SYNC]
    return b"".join(pieces)


def _packed(data: bytes, codec: str) -> bytes:
    if codec == "deflate":
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush()
    if codec == "snappy":
        packed = pa.compress(data, codec="snappy", asbytes=True)
        return packed + zlib.crc32(data).to_bytes(4, "big")
    return data


def _bytes(data: bytes) -> bytes:
    return _long(len(data)) + data


def _long(value: int) -> bytes:
    rest = (value << 1) ^ (value >> 63)
    made = bytearray()
    while True:
        byte, rest = rest & 0x7F, rest >> 7
        if not rest:
            return bytes([*made, byte])
        made.append(byte | 0x80)
