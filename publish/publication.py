"""Publishes the audited marts: a new file beside the old ones, then one link is turned.

Killed at any point, the last publication is whole and the next call cleans up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from publish import folder, reader
from publish.copying import copy_marts, export_parquet
from publish.folder import PublishError
from publish.reader import Publication

__all__ = ["Publication", "PublishError", "publish"]


def publish(
    warehouse: Path,
    target: Path,
    *,
    run_id: str,
    as_of: datetime,
    keep: int = 3,
    withheld: Mapping[str, Collection[str]] | None = None,
) -> Publication:
    """Copy the schema `marts` of the warehouse to `target`, and make it what readers get.

    `withheld` names, per mart, the columns that must not leave the warehouse: personal data that no
    contract asks for. The last `keep` publications stay. Raises PublishError, and leaves the last
    publication in place, when the copy cannot be made whole. Audits nothing: that comes before.
    """
    if keep < 1:
        raise ValueError("keep at least the publication that readers get")
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    try:
        with folder.only_publisher(target):
            number = folder.next_number(target)
            database, parquet = folder.database(target, number), folder.parquet(target, number)
            copy_marts(
                warehouse,
                folder.building(database),
                withheld=withheld or {},
                run_id=run_id,
                as_of=as_of,
                published_at=datetime.now(UTC),
            )
            export_parquet(folder.building(database), folder.building(parquet))
            folder.put_in_place(database)
            folder.put_in_place(parquet)
            # From here on it is published. The database first: its number is never used again.
            folder.point(target / folder.DATABASE_LINK, database)
            folder.point(target / folder.PARQUET_LINK, parquet)
            folder.forget_all_but(target, keep)
    except (duckdb.Error, OSError) as error:
        raise PublishError(f"publishing to {target} failed: {error}") from error
    return reader.publication(target)
