"""Query jobs of Salesforce's bulk API: CSV in parts, typed column by column.

Python sees only the rows that cannot be typed, to say why.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from pyarrow import csv
from requests import Response
from requests.exceptions import ChunkedEncodingError, ConnectionError
from urllib3.exceptions import HTTPError as StreamError

from ingestion import settings
from ingestion.columnar import CHUNK_BYTES, CutStream
from ingestion.errors import PullError
from ingestion.http import once_more_after
from ingestion.reading import ARROW, Batch, Reader, with_row_ids
from ingestion.sources.salesforce_api import Api
from ingestion.sources.salesforce_login import SOURCE
from ingestion.sources.salesforce_tables import Object
from ingestion.tables import Column
from ingestion.values import FIRST_YEAR, LAST_YEAR

ROWS_PER_PART = 50_000
# Rows of one CSV block; a text may be 131,072 letters long, and none may be longer than a block.
BLOCK_BYTES = 16 << 20
LONGEST_WAIT = 30.0
GIVE_UP_SECONDS = 3600.0
# The header that leads to the next part says this where there is none.
NO_LOCATOR = ("", "null")


def bulk_pages(api: Api, name: str, query: str) -> Iterator[pa.Table]:
    """The rows of a query over all records, as tables of texts under the vendor's names."""
    jobs = f"{api.data}/jobs/query"
    asked = {"operation": "queryAll", "query": query, "contentType": "CSV"}
    form = {"columnDelimiter": "COMMA", "lineEnding": "LF"}
    job = f"{jobs}/{api.client.post(jobs, json={**asked, **form}).json()['id']}"
    _wait_for(api, name, job)
    locator = ""
    been: set[str] = set()
    folder = settings.data_dir() / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{SOURCE}-") as place:
        while True:
            path = Path(place) / "part.csv"
            locator = _download(api, name, job, locator, path)
            yield from _tables(path)
            if locator in NO_LOCATOR:
                break
            if locator in been:
                raise PullError(SOURCE, "bad_answer", f"the parts of {name} lead in a circle.")
            been.add(locator)
    # The vendor keeps results for a week, and an organisation's room for them is limited.
    api.client.request(job, method="DELETE", stream=True).close()


def typed(rows: pa.Table, kind: Object, reader: Reader) -> Batch:
    """`rows` as the columns of `reader`; what cannot be typed goes through it one by one."""
    columns = [one for one in reader.table.columns if one.path[0] in rows.column_names]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("sent", rows)
        bad = " or ".join([*(_is_bad(one) for one in columns), *_odd_ids(kind, columns)])
        listed = ", ".join(f'{_cast(one)} as "{one.name}"' for one in columns)
        good = connection.sql(
            f"""select * exclude (is_bad)
            from (select {listed}, ({bad}) is true as is_bad from sent)
            where not is_bad"""
        ).to_arrow_table()
        others = []
        if good.num_rows < rows.num_rows:
            query = f"select * from sent where ({bad}) is true"
            others = connection.sql(query).to_arrow_table().to_pylist()
    slow = reader.read(kind.shape(row) for row in others)
    reader.saw(good)
    names = [column.name for column in reader.table.columns]
    arrays = [
        good[one.name].cast(ARROW[one.kind])
        if one.name in good.column_names
        else pa.nulls(good.num_rows, ARROW[one.kind])
        for one in reader.table.columns
    ]
    found = with_row_ids(pa.table(arrays, names=names))
    return Batch(pa.concat_tables([found, slow.rows], promote_options="default"), slow.rejects)


def _wait_for(api: Api, name: str, job: str) -> None:
    scale = resolve_configuration(RuntimeConfiguration()).request_backoff_factor
    seconds, waited = 1.0, 0.0
    while waited < GIVE_UP_SECONDS:
        state = api.client.get(job).json().get("state")
        if state == "JobComplete":
            return
        if state in ("Failed", "Aborted"):
            raise PullError(
                SOURCE, "bad_answer", f"the bulk job for {name} ended as {state}. Pull again."
            )
        time.sleep(seconds * scale)
        waited += seconds
        seconds = min(seconds * 1.5, LONGEST_WAIT)
    raise PullError(
        SOURCE, "unreachable", f"the bulk job for {name} was not done within an hour. Pull again."
    )


def _download(api: Api, name: str, job: str, locator: str, path: Path) -> str:
    """Saves one part and returns the locator of the next one."""
    asked: dict[str, Any] = {"maxRecords": ROWS_PER_PART}
    if locator:
        asked["locator"] = locator
    try:
        for attempt in once_more_after(CutStream):
            with (
                attempt,
                api.client.get(
                    f"{job}/results", params=asked, headers={"Accept": "text/csv"}, stream=True
                ) as answer,
            ):
                _save(answer, path)
                following = answer.headers.get("Sforce-Locator", "")
    except CutStream as problem:
        raise PullError(
            SOURCE, "bad_answer", f"the bulk result of {name} kept breaking off ({problem})."
        ) from None
    return following


def _save(answer: Response, path: Path) -> None:
    """Writes the body to `path`; CutStream when it has not the rows that its header promises."""
    try:
        with path.open("wb") as file:
            for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=True):
                # No column takes NUL, and a reader may take it for the end.
                file.write(chunk.replace(b"\0", b""))
        found = sum(rows.num_rows for rows in _tables(path))
    except (StreamError, ChunkedEncodingError, ConnectionError, OSError):
        raise CutStream("the connection broke") from None
    except pa.ArrowInvalid:
        raise CutStream("a row has not as many values as there are columns") from None
    promised = answer.headers.get("Sforce-NumberOfRecords", "")
    if promised.isdigit() and int(promised) != found:
        raise CutStream("rows are missing")


def _tables(path: Path) -> Iterator[pa.Table]:
    """The rows of a CSV file as texts, block by block; an empty text is NULL."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file:
        header = file.readline(BLOCK_BYTES).decode().rstrip("\r\n")
    names = [name.strip('"') for name in header.split(",")]
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    with reader:
        for block in reader:
            if block.num_rows:
                yield pa.Table.from_batches([block])


def _cast(column: Column) -> str:
    raw = f'"{column.path[0]}"'
    if column.kind == "bool":
        return f"case lower({raw}) when 'true' then true when 'false' then false end"
    if column.kind == "double":
        return f"try_cast({raw} as double)"
    if column.kind == "timestamp":
        return f"try_cast({raw} as timestamptz)"
    return raw


def _is_bad(column: Column) -> str:
    raw = f'"{column.path[0]}"'
    cast = _cast(column)
    if column.name == "id":
        return f"{raw} is null"
    if column.kind == "double":
        return f"({raw} is not null and not coalesce(isfinite({cast}), false))"
    if column.kind == "timestamp" or column.means == "moment":
        moment = f"try_cast({raw} as timestamptz)"
        return (
            f"({raw} is not null and not coalesce(isfinite({moment}) and "
            f"year({moment}) between {FIRST_YEAR} and {LAST_YEAR}, false))"
        )
    return f"({raw} is not null and {cast} is null)"


def _odd_ids(kind: Object, columns: list[Column]) -> list[str]:
    names = {column.path[0] for column in columns}
    return [f'length("{name}") <> 18' for name in kind.ids if name in names]
