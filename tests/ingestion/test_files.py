"""Dropped files: what arrives, what replaces what, and what is told of the rest."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import pipeline, settings
from ingestion.errors import PullError
from ingestion.object_store import ObjectStore
from ingestion.sources import files
from ingestion.sources.files_tables import SCHEMAS
from tests.ingestion.support import NOW, query, rows, small_world

TEMPLATES = settings.ROOT / "docs" / "templates"
HEADER = "account,sentiment,author,given_on"
GOOD = "acme.example,red,kim,2026-11-01"

Drop = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty drop folder that the source looks at."""
    found = tmp_path / "drops"
    found.mkdir()
    monkeypatch.setenv("SOURCES__FILES__BUCKET_URL", str(found))
    monkeypatch.setenv("C360_AS_OF", NOW.isoformat())
    return found


@pytest.fixture
def drop(folder: Path) -> Drop:
    """Writes a file of lines, or of bytes, into the drop folder."""

    def write(name: str, *lines: str, data: bytes | None = None, at: int = 0) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if data is not None else ("\n".join(lines) + "\n").encode())
        if at:
            os.utime(path, (at, at))
        return path

    return write


def reasons(where: str = "true") -> dict[str, str]:
    """Why what was turned away, by file and row."""
    sql = f"select record_key, string_agg(reason, ' | ') from quarantine where {where} group by 1"
    return dict(query("files", sql))  # type: ignore[arg-type]


def table(*records: list[Any]) -> openpyxl.Workbook:
    """A workbook with one sheet."""
    book = openpyxl.Workbook()
    for record in records:
        book.active.append(record)  # type: ignore[union-attr]
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    """The bytes of a workbook."""
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_a_folder_that_is_not_there_is_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__FILES__BUCKET_URL", str(tmp_path / "nowhere"))
    result = pipeline.pull("files")
    assert (result.rows, result.rejected) == ({}, {})
    assert query("files", "select count(*) from pulls") == [(1,)]


def test_every_template_loads_clean_into_its_table(drop: Drop) -> None:
    templates = sorted(TEMPLATES.iterdir())
    assert [path.stem for path in templates] == sorted(schema.name for schema in SCHEMAS)
    for path in templates:
        drop(path.name, data=path.read_bytes())
    result = pipeline.pull("files")
    assert result.rejected == {}
    assert query("files", "select reason from quarantine") == []
    for schema in SCHEMAS:
        header, line = csv.reader((TEMPLATES / f"{schema.name}.csv").open(encoding="utf-8"))
        assert header == [column.name for column in schema.columns]
        (row,) = rows("files", schema.name)
        assert row["file_name"] == f"{schema.name}.csv"
        assert row["row_number"] == 2
        assert [name for name in header if row[name] is not None] == [
            name for name, cell in zip(header, line, strict=True) if cell
        ]
    assert rows("files", "costs")[0]["amount"] == "1250000"
    assert rows("files", "kpi_targets")[0]["target"] == "1.05"
    assert rows("files", "account_notes")[0]["noted_on"] == date(2026, 11, 5)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder after one pull of a drop in which much is wrong."""
    home = tmp_path_factory.mktemp("wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(home / "data"))
        patch.setenv("SOURCES__FILES__BUCKET_URL", str(home / "drops"))
        patch.setenv("SOURCES__FILES__TIMEZONE", "Asia/Tokyo")
        patch.setattr(files, "MOST_BYTES", 20_000)
        for name, data in _wrong_files().items():
            path = home / "drops" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        patch.setattr(ObjectStore, "read", _unless_private(ObjectStore.read))
        pipeline.pull("files")
        yield home / "data"


def _unless_private(read: Callable[..., bytes | None]) -> Callable[..., bytes | None]:
    """As a store that lists a file and does not hand it out; who runs tests may be root."""

    def refuse(store: ObjectStore, key: str) -> bytes | None:
        if "private" in key:
            raise PullError("files", "credentials", "refused")
        return read(store, key)

    return refuse


def _wrong_files() -> dict[str, bytes]:
    def lines(*given: str) -> bytes:
        return ("\n".join(given) + "\n").encode()

    merged = table(HEADER.split(","), *[["m", "red", "kim", date(2026, 11, 1)]] * 3)
    merged.active.merge_cells("A3:A4")  # type: ignore[union-attr]
    formulas = table(
        ["CSM sentiment, November"],
        [],
        HEADER.split(","),
        ["f", "red", '=CONCATENATE("k","im")', date(2026, 11, 1)],
        ["g", "green", "kim", datetime(2026, 11, 2)],  # noqa: DTZ001
        [],
        ["h", "#N/A", "kim", 46327],
    )
    sheets = table(HEADER.split(","), ["first", "red", "kim", "2026-11-01"])
    named = sheets.create_sheet("CSM_Sentiment")
    named.append(HEADER.split(","))
    named.append(["named", "red", "kim", "2026-11-01"])
    by_name = saved(sheets)
    spread = table(HEADER.split(","), GOOD.split(","))
    spread.active.cell(100_000, 20).value = " "  # type: ignore[union-attr]
    named.sheet_state = "hidden"
    return {
        "csm_sentiment/rows.csv": lines(
            HEADER + ",reason",
            GOOD + ",",
            "",
            "b,blue,kim,01/02/2026,",
            "c,red,,2026-02-30,",
            ',red,kim,2026-11-01,"two',
            'lines"',
            "d,red,kim,2026-11-01,this, that",
            "Z,green,kim,2026年11月3日,=HYPERLINK(1)",
        ),
        "csm_sentiment/merged.xlsx": saved(merged),
        "csm_sentiment/formulas.xlsx": saved(formulas),
        "csm_sentiment/sheet_named.xlsx": by_name,
        "csm_sentiment/sheet_hidden.xlsx": saved(sheets),
        "csm_sentiment/spread.xlsx": saved(spread),
        "csm_sentiment/large.csv": lines(HEADER, *[GOOD] * 1000),
        "csm_sentiment/header.csv": lines("account,colour,author,given_on", "a,red,kim,2026-11-01"),
        "csm_sentiment/twice.csv": lines(HEADER + ",Author", GOOD + ",lee"),
        "csm_sentiment/extra.csv": lines("\ufeff" + HEADER + ",mood", GOOD + ",good"),
        "csm_sentiment/tokyo.csv": lines(HEADER, "会社,red,kim,2026-11-01")
        .decode()
        .encode("cp932"),
        "csm_sentiment/semicolon.csv": lines(
            "sep=;", HEADER.replace(",", ";"), "s;red;kim;2026-11-01"
        ),
        "csm_sentiment/tabs.txt": lines(HEADER),
        "csm_sentiment/tabs.tsv": lines(HEADER.replace(",", "\t"), "t\tred\tkim\t2026-11-01")
        .decode()
        .encode("utf-16"),
        "csm_sentiment/western.csv": f"{HEADER}\nGénérale,red,kim,2026-11-01\n".encode("cp1252"),
        "csm_sentiment/quote.csv": lines(HEADER, 'a,red,"kim,2026-11-01', GOOD),
        "csm_sentiment/empty.csv": b"",
        "csm_sentiment/private.csv": lines(HEADER, GOOD),
        "csm_sentiment/locked.xlsx": b"\xd0\xcf\x11\xe0 not a zip",
        "csm_sentiment/~$rows.xlsx": b"whoever has it open",
        "csm_sentiment/README.md": b"how we fill these in",
        "touches.jsonl": lines(
            json.dumps({"account": "a", "type": "webinar", "occurred_at": "2026-11-01 09:00"}),
            '{"account": "a", "account": "b", "type": "event", "occurred_at": "2026-11-01"}',
            '["a", "webinar"]',
            '{"account": "a"',
            json.dumps({"account": {"id": 1}, "type": "event", "occurred_at": "2026-11-01"}),
            json.dumps({"type": "event", "occurred_at": "2026-11-01"}),
        ),
        "feature_requests.parquet": _parquet(),
        "community_activity.parquet": b"PAR1 cut off",
        "score_overrides.csv": lines(
            "account,kind,value,author,reason,from_on,expires_on",
            "a,cap,４９,kim,why,2026-11-01,2027-01-30",
            "a,cap,49,kim,why,2026-11-01,2027-01-31",
            "a,cap,101,kim,why,2026-11-01,2026-11-02",
            "a,band,blue,kim,why,2026-11-01,2026-11-02",
            "a,band,Red,kim,why,2026-11-01,2026-11-01",
        ),
        "identity_overrides.csv": lines(
            "record_source,record_id,account,action,author,reason,valid_from",
            "stripe,cus_1,,link,kim,why,2026-11-01",
            "stripe,cus_1,,unlink,kim,why,2026-11-01",
        ),
        "costs.csv": lines(
            "month,kind,amount,currency", "2026-11,sales,-5,USD", "2026-11,rent,5,USD"
        ),
        "kpis.csv": lines("metric,month,target"),
    }


def _parquet() -> bytes:
    made = io.BytesIO()
    columns = {
        "request_id": ["1", "2"],
        "title": ["Login", "Login"],
        "account": ["a", "b"],
        "status": ["open", "someday"],
        "votes": [2.0, float("nan")],
        "requested_on": [date(2026, 1, 1)] * 2,
    }
    pq.write_table(pa.table(columns), made)
    return made.getvalue()


@pytest.fixture
def wrong(pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks into that folder."""
    monkeypatch.setenv("C360_DATA_DIR", str(pulled))


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("csm_sentiment/rows.csv:4", "sentiment is none of red, yellow, green; given_on could be"),
        ("csm_sentiment/rows.csv:5", "author is empty; given_on is a day that does not exist"),
        ("csm_sentiment/rows.csv:6", "account is empty"),
        ("csm_sentiment/rows.csv:7", "has 6 cells under 5 columns"),
        ("csm_sentiment/merged.xlsx:3", "account is one of the merged cells A3:A4"),
        ("csm_sentiment/merged.xlsx:4", "account is one of the merged cells A3:A4"),
        ("csm_sentiment/formulas.xlsx:4", "author holds a formula without its result"),
        ("csm_sentiment/formulas.xlsx:7", "sentiment holds an error"),
        (
            "csm_sentiment/header.csv",
            "row 1: no column sentiment; the header names account, colour",
        ),
        ("csm_sentiment/twice.csv", "row 1: column author stands there more than once"),
        ("csm_sentiment/extra.csv", "columns that nobody knows were left out: mood"),
        ("csm_sentiment/tabs.txt", ".txt is none of .xlsx, .csv"),
        ("csm_sentiment/western.csv", "row 2: neither UTF-8"),
        ("csm_sentiment/quote.csv", "row 2: a quote is opened and never closed"),
        ("csm_sentiment/empty.csv", "it has no header; the first row must name account"),
        ("csm_sentiment/locked.xlsx", "protected by a password"),
        ("csm_sentiment/large.csv", "cut it up"),
        ("csm_sentiment/spread.xlsx", "spreads over 100000 rows and 20 columns"),
        ("csm_sentiment/private.csv", "nobody but its owner may read it"),
        ("touches.jsonl:2", "names a column more than once"),
        ("touches.jsonl:3", "is not a JSON object"),
        ("touches.jsonl:4", "is not a JSON object"),
        ("touches.jsonl:5", "account is not a text"),
        ("touches.jsonl:6", "account and contact_email are both empty"),
        ("feature_requests.parquet:2", "status is none of open"),
        ("community_activity.parquet", "it is not a Parquet file"),
        ("score_overrides.csv:3", "expires_on is more than 90 days after from_on"),
        ("score_overrides.csv:4", "value of a cap is not a number from 0 to 100"),
        ("score_overrides.csv:5", "value of a band is none of green, yellow, red"),
        ("score_overrides.csv:6", "expires_on is not after from_on"),
        ("identity_overrides.csv:2", "account is empty where a record is to be linked"),
        ("costs.csv:2", "amount is negative"),
        ("costs.csv:3", "kind is none of sales, marketing, cs, cogs"),
        ("kpis.csv", "neither its folder nor the beginning of its name"),
    ],
)
@pytest.mark.usefixtures("wrong")
def test_what_is_wrong_is_told_with_file_row_and_column(key: str, why: str) -> None:
    reason = reasons()[key]
    name, _, number = key.partition(":")
    assert reason.startswith(f"{name} row {number}: " if number else name)
    assert why in reason


@pytest.mark.usefixtures("wrong")
def test_nothing_else_is_turned_away() -> None:
    assert len(reasons()) == 34
    assert not [key for key in reasons() if "~$" in key or "README" in key]


@pytest.mark.usefixtures("wrong")
def test_the_rest_of_such_files_arrives() -> None:
    stored = query(
        "files",
        "select file_name, row_number, account, given_on::varchar from csm_sentiment order by all",
    )
    assert stored == [
        ("csm_sentiment/extra.csv", 2, "acme.example", "2026-11-01"),
        ("csm_sentiment/formulas.xlsx", 5, "g", "2026-11-02"),
        ("csm_sentiment/merged.xlsx", 2, "m", "2026-11-01"),
        ("csm_sentiment/rows.csv", 2, "acme.example", "2026-11-01"),
        ("csm_sentiment/rows.csv", 8, "Z", "2026-11-03"),
        ("csm_sentiment/semicolon.csv", 3, "s", "2026-11-01"),
        ("csm_sentiment/sheet_hidden.xlsx", 2, "first", "2026-11-01"),
        ("csm_sentiment/sheet_named.xlsx", 2, "named", "2026-11-01"),
        ("csm_sentiment/tabs.tsv", 2, "t", "2026-11-01"),
        ("csm_sentiment/tokyo.csv", 2, "会社", "2026-11-01"),
    ]
    assert query("files", "select value from score_overrides") == [("49",)]
    assert query("files", "select occurred_at from touches") == [
        (datetime(2026, 11, 1, 0, 0, tzinfo=UTC),)  # nine o'clock in Tokyo
    ]
    assert query("files", "select votes from feature_requests") == [(2,)]
    assert query("files", "select reason from csm_sentiment where account = 'Z'") == [
        ("=HYPERLINK(1)",)
    ]


@pytest.mark.usefixtures("wrong")
def test_what_became_of_each_file_is_listed() -> None:
    found = {row["file_name"]: row for row in rows("files", "dropped_files")}
    assert len(found) == len(_wrong_files()) - 2
    assert found["csm_sentiment/rows.csv"]["rows_loaded"] == 2
    assert found["csm_sentiment/rows.csv"]["rows_rejected"] == 4
    assert found["csm_sentiment/rows.csv"]["problem"] is None
    assert found["csm_sentiment/header.csv"]["rows_loaded"] == 0
    assert "no column sentiment" in found["csm_sentiment/header.csv"]["problem"]
    assert found["kpis.csv"]["schema_name"] is None


def test_a_corrected_file_replaces_its_rows_and_a_broken_one_leaves_them(drop: Drop) -> None:
    drop("csm_sentiment-a.csv", HEADER, GOOD, "b,red,kim,2026-11-02")
    drop("csm_sentiment-b.csv", HEADER, *(f"c{n},red,kim,2026-11-02" for n in range(9)))
    drop("csm_sentiment-c.csv", HEADER, GOOD)
    assert pipeline.pull("files").rows == {"csm_sentiment": 12, "dropped_files": 3}
    assert pipeline.pull("files").rows == {}
    # Columns in another order, a row less, another colour; a header and a date gone wrong.
    drop("csm_sentiment-a.csv", "given_on,author,sentiment,account", "2026-11-01,kim,green,b")
    drop("csm_sentiment-b.csv", HEADER.replace("author", "autor"), GOOD)
    drop("csm_sentiment-c.csv", HEADER, GOOD.replace("2026-11-01", "01/02/2026"))
    assert pipeline.pull("files").rejected == {"csm_sentiment": 2}
    stored = query("files", "select file_name, sentiment, count(*) from csm_sentiment group by all")
    assert sorted(stored) == [
        ("csm_sentiment-a.csv", "green", 1),
        ("csm_sentiment-b.csv", "red", 9),
        ("csm_sentiment-c.csv", "red", 1),
    ]


def test_a_file_that_goes_takes_its_rows_along_unless_they_are_too_many(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = drop("csm_sentiment/small.csv", HEADER, GOOD)
    large = drop(
        "csm_sentiment/large.csv", HEADER, *(f"c{n},red,kim,2026-11-02" for n in range(19))
    )
    pipeline.pull("files")
    small.unlink()
    assert pipeline.pull("files").rows["csm_sentiment"] == 1
    removed = query(
        "files", "select removed_at, rows_loaded from dropped_files where removed_at > '0001-01-01'"
    )
    assert removed == [(NOW, 0)]
    large.unlink()
    with pytest.raises(PullError, match="csm_sentiment would shrink from 19 to 0") as stopped:
        pipeline.pull("files")
    assert stopped.value.kind == "shrunk"
    assert query("files", "select count(*) from csm_sentiment") == [(19,)]
    monkeypatch.setenv("SOURCES__FILES__ALLOW_SHRINK", "csm_sentiment")
    pipeline.pull("files")
    assert query("files", "select count(*) from csm_sentiment") == [(0,)]


def test_a_bucket_that_refuses_says_where_the_keys_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    with small_world(companies=5, vendors=["files"]) as box:
        for name, value in box.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SOURCES__FILES__AWS_SECRET_ACCESS_KEY", "s3cret-but-wrong")
        with pytest.raises(PullError, match="SOURCES__FILES__AWS_SECRET_ACCESS_KEY") as stopped:
            pipeline.pull("files")
    assert stopped.value.kind == "credentials"
    assert "s3cret" not in str(stopped.value)
