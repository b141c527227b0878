"""JSON lines of event streams: unpacked into one file, read by DuckDB into typed rows."""

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from ingestion.columnar import CHUNK_BYTES, LONGEST_LINE_BYTES, CutStream
from ingestion.sql import quoted
from ingestion.values import FIRST_YEAR, LAST_YEAR

GZIP = b"\x1f\x8b"
PIECE_BYTES = 8 << 20
NOT_AN_OBJECT = "the line is not a JSON object"


def append_lines(source: IO[bytes], file: IO[bytes]) -> int:
    """Appends the lines of `source` to `file`, unzipped when they are gzip, whatever their name
    says, and returns how many they are.

    Raises CutStream when the packed stream is broken or lacks its end; `file` is then as before.
    """
    begin, lines, last = file.tell(), 0, b"\n"
    try:
        for data in _unpacked(source):
            file.write(data)
            lines += data.count(b"\n")
            last = data[-1:]
    except (EOFError, zlib.error):
        file.seek(begin)
        file.truncate()
        raise CutStream("a packed file is broken or has no end") from None
    if last != b"\n":
        file.write(b"\n")
        lines += 1
    return lines


def _unpacked(source: IO[bytes]) -> Iterator[bytes]:
    """Pieces of bounded size, none of them empty. A gzip may be several, one behind the other."""
    chunk = source.read(CHUNK_BYTES)
    packed = chunk.startswith(GZIP)
    unzip = zlib.decompressobj(wbits=31)
    while chunk:
        if not packed:
            yield chunk
            chunk = source.read(CHUNK_BYTES)
            continue
        data = unzip.decompress(chunk, PIECE_BYTES)
        if data:
            yield data
        if unzip.eof:
            chunk = unzip.unused_data or source.read(CHUNK_BYTES)
            unzip = zlib.decompressobj(wbits=31) if chunk else unzip
        else:
            chunk = unzip.unconsumed_tail or source.read(CHUNK_BYTES)
    if packed and not unzip.eof:
        raise EOFError


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


def is_plain(column: str) -> str:
    """SQL: whether a text column is filled and need not be looked at more closely for `is_text`."""
    return f"{column}[1] not in ('', '{{', '[')"
