"""JSON lines of event streams: unpacked into one file, read by DuckDB into typed rows."""

import gzip
import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from ingestion.columnar import CHUNK_BYTES, LONGEST_LINE_BYTES, CutStream
from ingestion.sql import quoted
from ingestion.values import FIRST_YEAR, LAST_YEAR

NOT_AN_OBJECT = "the line is not a JSON object"


def append_lines(source: IO[bytes], file: IO[bytes]) -> int:
    """Appends the lines of `source` to `file`, unzipped when they are gzip, whatever their name
    says, and returns how many they are.

    Raises CutStream when the packed stream is broken or lacks its end; `file` is then as before.
    """
    begin = file.tell()
    start = source.read(2)
    rest = _Joined(start, source)
    stream: Any = gzip.GzipFile(fileobj=rest) if start == b"\x1f\x8b" else rest  # type: ignore[call-overload]
    lines, last = 0, b"\n"
    try:
        while chunk := stream.read(CHUNK_BYTES):
            file.write(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    except (EOFError, zlib.error, gzip.BadGzipFile):
        file.seek(begin)
        file.truncate()
        raise CutStream("a packed file is broken or has no end") from None
    if last != b"\n":
        file.write(b"\n")
        lines += 1
    return lines


class _Joined:
    """A stream whose first bytes have been read already."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int = -1) -> bytes:
        start, self._start = self._start, b""
        return start + self._rest.read(size) if size < 0 or size > len(start) else start


class Lines:
    """A file of JSON lines as SQL. `texts` are the members that become text columns, `objects`
    those that become JSON; both are null where a line is no JSON object."""

    def __init__(self, path: Path, texts: Sequence[str], objects: Sequence[str]) -> None:
        self._path, self._texts, self._objects = path, texts, objects

    def parsed(self) -> str:
        """Every line, parsed as fast as can be."""
        columns = ", ".join(
            [f"\"{name}\": 'VARCHAR'" for name in self._texts]
            + [f"\"{name}\": 'JSON'" for name in self._objects]
        )
        return f"""select *, '' as line from read_json({quoted(self._path)},
            format = 'newline_delimited', columns = {{{columns}}},
            ignore_errors = true, maximum_object_size = {LONGEST_LINE_BYTES})"""

    def with_line(self) -> str:
        """The same with the text of each line that is not empty, for the few that are turned
        away."""
        columns = ", ".join(
            [f'object ->> {path_of(name)} as "{name}"' for name in self._texts]
            + [f'object -> {path_of(name)} as "{name}"' for name in self._objects]
        )
        # Only CASE keeps a function away from what it cannot read; of what is no object it is null.
        return f"""select {columns}, line from (
            select line, case when json_valid(line) then line end as object
            from read_csv({quoted(self._path)}, columns = {{line: 'VARCHAR'}}, header = false,
                auto_detect = false, delim = '', quote = '', escape = '',
                max_line_size = {LONGEST_LINE_BYTES})
            where line is not null and trim(line) <> '')"""


def path_of(*names: str | int) -> str:
    """SQL text of the JSON path to a member, whatever its name is made of."""
    parts = (f"[{name}]" if isinstance(name, int) else f".{json.dumps(name)}" for name in names)
    return "'$" + "".join(parts).replace("'", "''") + "'"


def member(column: str, name: str) -> str:
    """SQL for a member of a JSON column as text; of a list its first element."""
    return (
        f'coalesce(json_extract_string("{column}", {path_of(name, 0)}), '
        f'json_extract_string("{column}", {path_of(name)}))'
    )


def moment(text: str) -> str:
    """SQL for a text as a timestamp: ISO 8601 with T or a space; without a zone it is UTC. Null
    when it is none, or outside the years that can be."""
    return (
        f"case when try_cast({text} as timestamptz) between timestamptz '{FIRST_YEAR}-01-01' "
        f"and timestamptz '{LAST_YEAR}-12-31 23:59:59.999999' "
        f"then try_cast({text} as timestamptz) end"
    )


def literal(at: datetime) -> str:
    """SQL of a moment."""
    return f"timestamptz '{at.isoformat()}'"


def is_text(column: str) -> str:
    """SQL: whether a text column held a text (or number) in the line and no object or list."""
    return f"not ({column}[1] in ('{{', '[') and json_valid({column}))"
