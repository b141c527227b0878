"""Event streams: newline-delimited JSON over HTTP -> a file -> typed columns, never a Python loop
per event."""

import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
from requests import Response
from requests.exceptions import ChunkedEncodingError, ConnectionError
from urllib3.exceptions import HTTPError as StreamError

from ingestion.reading import Reject
from ingestion.sql import quoted
from ingestion.stored import day_prints
from ingestion.values import FIRST_YEAR, LAST_YEAR, MILLISECONDS_FROM, clean_text

CHUNK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 32 << 20
MEMORY_LIMIT = "1GB"


class CutStream(Exception):
    """A stream that ended before its end."""


def save_stream(response: Response, path: Path) -> int:
    """Writes the body, decompressed, to `path` and returns how many lines it has.

    Raises CutStream when the connection broke, the compressed stream lacks its end, or the last
    line is not JSON: a vendor that gives up in the middle can only say so in the body.
    """
    zipped = response.headers.get("Content-Encoding", "") == "gzip"
    unzip = zlib.decompressobj(wbits=31) if zipped else None
    lines = 0
    with path.open("wb") as file:
        try:
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                data = unzip.decompress(chunk) if unzip else chunk
                file.write(data)
                lines += data.count(b"\n")
        except (StreamError, ChunkedEncodingError, ConnectionError, zlib.error, OSError):
            raise CutStream("the connection broke") from None
    last = _last_line(path)
    if unzip and not unzip.eof and last:
        raise CutStream("the compressed stream has no end")
    if last.strip():
        _check_json(last)
    return lines + (0 if last.endswith(b"\n") or not last else 1)


def _last_line(path: Path) -> bytes:
    """The last line of a file, with its end when it has one."""
    size, length = path.stat().st_size, 1 << 16
    with path.open("rb") as file:
        while True:
            file.seek(max(0, size - length))
            tail = file.read()
            start = tail.rfind(b"\n", 0, -1) + 1
            if start or length >= size:
                return tail[start:]
            length *= 16


def _check_json(line: bytes) -> None:
    try:
        json.loads(line)
    except ValueError:
        raise CutStream("the last line is not JSON") from None


@dataclass(frozen=True)
class Days:
    """What an export was asked for: days from `first` to `last`, both included, as the project
    counts them in `zone`; events after `until` have not happened yet."""

    first: date
    last: date
    zone: str
    until: datetime
    group_property: str


class EventFile:
    """The lines of one export as a relation of typed events.

    `readable_to` writes the good ones as Parquet; `reasons` and `rejects` tell of the others, and
    are worth calling only when there are fewer good ones than lines.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, days: Days) -> None:
        self._connection = connection
        self._path = path
        self._days = days

    def readable_to(self, parquet: Path, load_id: str, only: Iterable[date] | None = None) -> int:
        """Writes the events, of all days or of some, and returns how many there are.

        The name of the file becomes a part of each `_dlt_id`, so it must be a new one.
        """
        where = "reason is null"
        if only is not None:
            listed = ", ".join(f"date '{day}'" for day in only)
            where += f" and event_date in ({listed or 'null'})"
        self._connection.execute("create or replace sequence row_number")
        written = self._connection.execute(
            f"""copy (
                select event_date, event, "time", distinct_id, insert_id, user_id, device_id,
                    processed_at, group_key, properties, '{load_id}' as _dlt_load_id,
                    '{parquet.stem}-' || nextval('row_number') as _dlt_id
                from ({self._typed(self._parsed())}) where {where}
            ) to {quoted(parquet)}
            (format parquet, compression snappy, dictionary_size_limit 5000)"""
        ).fetchone()
        return int(written[0]) if written else 0

    def reasons(self) -> dict[str, int]:
        """How many lines were turned away, by reason."""
        return dict(
            self._connection.execute(
                f"""select reason, count(*) from ({self._typed(self._lines())})
                where reason is not null group by reason"""
            ).fetchall()
        )

    def prints(self, parquet: Path) -> dict[date, tuple[int, int]]:
        """Count and content hash of each day in a file that `readable_to` wrote."""
        source = f"read_parquet({quoted(parquet)})"
        found = self._connection.execute(day_prints(source)).fetchall()
        return {row[0]: (row[1], row[2]) for row in found}

    def rejects(self, resource: str) -> Iterator[list[Reject]]:
        """The lines that are no event of the days asked for, each with its reason, in batches."""
        result = self._connection.execute(
            f"""select coalesce(insert_id, ''), reason, line
            from ({self._typed(self._lines())}) where reason is not null"""
        )
        while rows := result.fetchmany(1000):
            yield [Reject(resource, key, reason, clean_text(line)) for key, reason, line in rows]

    def _parsed(self) -> str:
        """Event name and properties, parsed once; both null where a line is not JSON."""
        return f"""select event, properties, '' as line from read_json({quoted(self._path)},
            format = 'newline_delimited', columns = {{event: 'VARCHAR', properties: 'JSON'}},
            ignore_errors = true, maximum_object_size = {LONGEST_LINE_BYTES})"""

    def _lines(self) -> str:
        """The same with the text of the line, for the few that are turned away."""
        return f"""select
                case when json_valid(line) then line ->> '$.event' end as event,
                case when json_valid(line) then line -> '$.properties' end as properties,
                line
            from read_csv({quoted(self._path)}, columns = {{line: 'VARCHAR'}}, header = false,
                auto_detect = false, delim = '', quote = '', escape = '',
                max_line_size = {LONGEST_LINE_BYTES})
            where line is not null and trim(line) <> ''"""

    def _typed(self, source: str) -> str:
        days = self._days
        members = ("time", "distinct_id", "$insert_id", "$user_id", "$device_id")
        paths = ", ".join(
            "'$." + json.dumps(name).replace("'", "''") + "'"
            for name in (*members, "mp_processing_time_ms", days.group_property)
        )
        # A user in several groups has a list of them; the first one counts.
        paths += f", {paths.rsplit(', ', 1)[1][:-1]}[0]'"
        local = f"make_timestamp({_micros('occurred')})"
        utc = (
            f"make_timestamptz({_micros('occurred')})"
            if days.zone == "UTC"
            # Older projects send the wall clock of their own zone as if it were UTC.
            else f"timezone('{days.zone}', {local})"
        )
        return f"""
            select *, case
                when "time" <= timestamptz '{days.until.isoformat()}' and event <> ''
                    and event_date between date '{days.first}' and date '{days.last}'
                    and not (event[1] in ('{{', '[') and json_valid(event)) then null
                when properties is null then 'the line is not a JSON object with properties'
                when coalesce(event, '') = '' then 'event is missing'
                when event[1] in ('{{', '[') and json_valid(event) then 'event is not a text'
                when raw_time is null then 'time is missing'
                when "time" is null then 'time is not an epoch'
                when "time" > timestamptz '{days.until.isoformat()}' then 'time is in the future'
                else 'time is not on a day that was asked for'
            end as reason
            from (
                select event, p[1] as raw_time, cast({local} as date) as event_date,
                    {utc} as "time", p[2] as distinct_id, p[3] as insert_id, p[4] as user_id,
                    p[5] as device_id, make_timestamptz({_micros("processed")}) as processed_at,
                    coalesce(p[8], p[7]) as group_key,
                    cast(properties as varchar) as properties, line
                from (
                    select *, try_cast(p[1] as double) as occurred,
                        try_cast(p[6] as double) as processed
                    from (
                        select *, json_extract_string(properties, [{paths}]) as p from ({source})
                    )
                )
            )"""


def _micros(number: str) -> str:
    """Microseconds since 1970 of an epoch in seconds or milliseconds, null when it is neither."""
    earliest = (date(FIRST_YEAR, 1, 1) - date(1970, 1, 1)).days * 86400
    latest = (date(LAST_YEAR + 1, 1, 1) - date(1970, 1, 1)).days * 86400
    return (
        f"case when {number} between {earliest} and {latest} "
        f"then cast({number} * 1000000 as bigint) "
        f"when {number} between {MILLISECONDS_FROM} and {latest}000 "
        f"then cast({number} * 1000 as bigint) end"
    )


@contextmanager
def workbench(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own whose memory is bounded and spills into `folder`."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = {quoted(folder)}")
        yield connection
