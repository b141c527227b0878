"""The one way in which anything that shows data opens it.

`read_only` alone lets a box that takes SQL read the machine's files through `read_csv`; so nothing
outside the file can be reached here, and no setting can be changed. One connection per query: a new
one sees the newest publication, and within one nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from publish.copying import PUBLICATION, SCHEMA
from publish.folder import DATABASE_LINK

if TYPE_CHECKING:
    import pandas as pd

# Every connection of one process to one file must bring the same settings.
READER_CONFIG = {"enable_external_access": "false", "lock_configuration": "true"}


class NoPublication(FileNotFoundError):
    """Nothing has been published yet, or not there. The message says what to do."""


@dataclass(frozen=True)
class SourceAge:
    """How old one source's data was when it was published. Times are aware, UTC; None where the
    source has never sent a record, or was never pulled.
    """

    source: str
    kind: str
    newest_record_at: datetime | None
    pulled_at: datetime | None
    data_age_hours: float | None
    pull_age_hours: float | None


@dataclass(frozen=True)
class Publication:
    """One publication: its own file (not the link), rows per mart, and how old everything is.

    `as_of` is the instant that the marts call now, `published_at` the clock of the machine.
    """

    path: Path
    run_id: str
    published_at: datetime
    as_of: datetime
    marts: Mapping[str, int]
    sources: tuple[SourceAge, ...]

    def age_hours(self, now: datetime | None = None) -> float:
        """Hours since it was published, by the clock of this machine unless `now` is given."""
        return ((now or datetime.now(UTC)) - self.published_at).total_seconds() / 3600


@contextmanager
def connect(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the newest publication of the folder `target`, for one query or for several
    that must agree. Raises NoPublication when there is none.
    """
    link = target / DATABASE_LINK
    if not link.exists():
        raise NoPublication(
            f"{link} does not exist: nothing has been published yet. Run `make run`, or set"
            " C360_PUBLISH_DIR to the folder of a publication."
        )
    with duckdb.connect(str(link), read_only=True, config=dict(READER_CONFIG)) as connection:
        yield connection


def query(target: Path, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
    """The answer of the newest publication to one query; tables are named `marts.<mart>`."""
    with connect(target) as connection:
        return connection.execute(sql, list(parameters)).df()


def publication(target: Path) -> Publication:
    """What the newest publication says of itself. Raises NoPublication when there is none."""
    with connect(target) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? and table_name <> ?"
            " order by 1",
            [SCHEMA, PUBLICATION],
        ).fetchall()
        rows = {
            name: connection.execute(f'select count(*) from {SCHEMA}."{name}"').fetchall()[0][0]
            for (name,) in tables
        }
        said = connection.execute(
            "select published_at, run_id, as_of, source, kind, newest_record_at, pulled_at,"
            f" data_age_hours, pull_age_hours from {SCHEMA}.{PUBLICATION} order by source"
        ).fetchall()
        file = connection.execute(
            "select path from duckdb_databases() where database_name = current_database()"
        ).fetchall()
    published_at, run_id, as_of = said[0][:3]
    return Publication(
        path=Path(file[0][0]),
        run_id=run_id,
        published_at=_utc(published_at),
        as_of=_utc(as_of),
        marts=rows,
        sources=tuple(_source(*row[3:]) for row in said if row[3] is not None),
    )


def _source(
    source: str,
    kind: str,
    newest_record_at: datetime | None,
    pulled_at: datetime | None,
    data_age_hours: float | None,
    pull_age_hours: float | None,
) -> SourceAge:
    return SourceAge(
        source=source,
        kind=kind,
        newest_record_at=newest_record_at and _utc(newest_record_at),
        pulled_at=pulled_at and _utc(pulled_at),
        # The mart may count in decimals.
        data_age_hours=None if data_age_hours is None else float(data_age_hours),
        pull_age_hours=None if pull_age_hours is None else float(pull_age_hours),
    )


def _utc(moment: datetime) -> datetime:
    """Marts hold UTC without saying so."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
