"""Saves the DuckDB files of the data folder while the graph goes on, and puts them back.

    python -m orchestration.backup save /backups             # a folder named after the moment
    python -m orchestration.backup restore /backups/c360-20261123T033000Z

The warehouse keeps what no vendor will say again: snapshots, the health of every past day. Raw
files come along, because vendors forget too. Each file is held against writers while it is copied,
and by nothing else; a writer waits for its turn. Dagster's own PostgreSQL is saved by `pg_dump`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration import environment

KEEP = 7
# An hourly run holds the warehouse for minutes.
PATIENCE_SECONDS = 20 * 60


class BackupError(RuntimeError):
    """Nothing was saved, or nothing was put back. The message says why."""


def save(folder: Path, *, keep: int = KEEP, patience: float = PATIENCE_SECONDS) -> Path:
    """Copy every DuckDB file into a new folder under `folder`, and return that; the newest `keep`
    stay. A copy counts only when DuckDB has opened it. Raises BackupError.
    """
    files = _files(environment.data_dir())
    if not files:
        raise BackupError(f"nothing to save in {environment.data_dir()}")
    made = folder / f"c360-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    unfinished = made.with_name(f".{made.name}")
    try:
        for file in files:
            copy = unfinished / file.relative_to(environment.data_dir())
            copy.parent.mkdir(parents=True, exist_ok=True)
            with _held(file, patience):
                _copy(file, copy)
            _settle(copy)
        unfinished.rename(made)
    except (OSError, duckdb.Error) as error:
        raise BackupError(f"not saved: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for old in sorted(folder.glob("c360-*Z"))[:-keep]:
        shutil.rmtree(old)
    return made


def restore(saved: Path, *, patience: float = PATIENCE_SECONDS) -> list[Path]:
    """Put the files of one backup in the place of those of today, and return them. Stop the daemon
    first. The next run builds anew whatever is younger. Raises BackupError; a file that was not
    reached then is as it was.
    """
    files = _files(saved)
    if not files:
        raise BackupError(f"{saved} is no backup: it holds no DuckDB file")
    restored = []
    # Else a run that finds the raw files unchanged would leave the old warehouse as it is.
    environment.build_inputs().unlink(missing_ok=True)
    try:
        for file in files:
            target = environment.data_dir() / file.relative_to(saved)
            target.parent.mkdir(parents=True, exist_ok=True)
            coming = target.with_name(f".{target.name}.restored")
            _copy(file, coming)
            _settle(coming)
            with _held(target, patience):
                _log_of(target).unlink(missing_ok=True)
                coming.replace(target)
            restored.append(target)
    except (OSError, duckdb.Error) as error:
        raise BackupError(f"not restored beyond {len(restored)} files: {error}") from error
    return restored


def _files(folder: Path) -> list[Path]:
    """Raw files first: a warehouse that is younger than them only sees some rows again."""
    return [*sorted(folder.glob("raw/raw_*.duckdb")), *folder.glob("warehouse.duckdb")]


@contextmanager
def _held(file: Path, patience: float) -> Iterator[None]:
    """Keep writers off the file: DuckDB lets nobody write what somebody reads."""
    if not file.exists():
        yield
        return
    give_up = time.monotonic() + patience
    while True:
        try:
            connection = duckdb.connect(str(file), read_only=True)
            break
        except duckdb.IOException as error:
            if "lock" not in str(error).lower() or time.monotonic() > give_up:
                raise
            time.sleep(1)
    with connection:
        yield


def _copy(file: Path, copy: Path) -> None:
    shutil.copyfile(file, copy)
    # Left by a killed writer; part of the database until somebody opens it to write.
    if _log_of(file).exists():
        shutil.copyfile(_log_of(file), _log_of(copy))


def _settle(copy: Path) -> None:
    """Take what is in the log into the file; raises duckdb.Error when it cannot be opened."""
    with duckdb.connect(str(copy)) as connection:
        connection.execute("checkpoint")
    _log_of(copy).unlink(missing_ok=True)


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def main(arguments: list[str]) -> None:
    """Do as asked, and say what was done."""
    asked = argparse.ArgumentParser(prog="python -m orchestration.backup")
    asked.add_argument("what", choices=["save", "restore"])
    asked.add_argument("folder", type=Path)
    asked.add_argument("--keep", type=int, default=KEEP, help="backups that stay")
    given = asked.parse_args(arguments)
    if given.what == "save":
        print(f"Saved to {save(given.folder.resolve(), keep=given.keep)}.")
    else:
        print(f"Restored {len(restore(given.folder.resolve()))} files; the next run builds anew.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BackupError as error:
        sys.exit(str(error))
