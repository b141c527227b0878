"""Query jobs of the bulk API: made, looked at until they are done, then read as CSV in parts."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass
from typing import Any

from sandbox.vendors.salesforce.history import moment
from sandbox.vendors.salesforce.ids import long_id

SEPARATORS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^",
              "BACKQUOTE": "`"}  # fmt: skip
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass(slots=True)
class Job:
    """One query job; `polls` is how often it is looked at before it is done."""

    id: str
    version: str
    operation: str
    query: str
    kind: str
    fields: list[str]
    rows: list[Any]
    made: int
    separator: str
    ending: str
    polls: int
    state: str = "UploadComplete"

    def look(self) -> None:
        """Let the job go on as it does between two looks at it."""
        if self.state in ("UploadComplete", "InProgress"):
            self.state = "InProgress" if self.polls > 0 else "JobComplete"
            self.polls -= 1

    def info(self, created_by: str) -> dict[str, Any]:
        """Return what the API says of the job."""
        stamp = moment(self.made)
        found = {
            "id": self.id, "operation": self.operation, "object": self.kind,
            "createdById": created_by, "createdDate": stamp, "systemModstamp": stamp,
            "state": self.state, "concurrencyMode": "Parallel", "contentType": "CSV",
            "apiVersion": float(self.version), "jobType": "V2Query", "lineEnding": self.ending,
            "columnDelimiter": self.separator,
        }  # fmt: skip
        if self.state == "JobComplete":
            done = {"numberRecordsProcessed": len(self.rows), "retries": 0}
            found |= {**done, "totalProcessingTime": 12, "isPkChunkingSupported": True}
        if self.state == "Failed":
            found["errorMessage"] = "InternalServerError : Query execution failed"
        return found

    def part(self, start: int, count: int) -> tuple[str, int, str]:
        """Return rows from `start` on as CSV, how many they are, and the locator behind them."""
        rows = self.rows[start : start + count]
        text = io.StringIO()
        writer = csv.writer(
            text,
            delimiter=SEPARATORS[self.separator],
            lineterminator=ENDINGS[self.ending],
            quoting=csv.QUOTE_ALL,
        )
        writer.writerow(self.fields)
        for row in rows:
            record = row.record if isinstance(row.record, dict) else {}
            writer.writerow([_written(record.get(name)) for name in self.fields])
        more = start + count < len(self.rows)
        # where there is no next part the header holds this word, not nothing
        return text.getvalue(), len(rows), locator(start + count) if more else "null"


def job_id(number: int) -> str:
    """Return the id of the nth job."""
    return long_id(f"7505f0000000{number:03d}")


def locator(position: int) -> str:
    """Return the locator of the part that begins at a row."""
    return base64.b64encode(str(position).encode()).decode().rstrip("=")


def position(given: str | None) -> int | None:
    """Return the row that a locator stands for, None for one that was never given out."""
    if not given:
        return 0
    try:
        return int(base64.b64decode(given + "=" * (-len(given) % 4)))
    except ValueError:
        return None


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"{text[:-5]}Z" if text.endswith("+0000") and text[10:11] == "T" else text
