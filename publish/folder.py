"""The publication folder: numbered files that never change, and two links to the newest.

    c360.duckdb -> c360-0007.duckdb       what readers open
    parquet     -> parquet-0007/          one file per mart
    c360-0005.duckdb, parquet-0005/ ...   the ones before, for readers that hold them open
    .building-*                           a publication under way, or what a killed one left

Files are renamed into place and links are replaced, each in one step of the file system, so a
reader sees the old publication or the new one. A file of a new name, not a new file of the old
name: a process that holds an old connection would get the old data from a replaced file for ever.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

DATABASE_LINK = "c360.duckdb"
PARQUET_LINK = "parquet"

_BUILDING = ".building-"
_NUMBERED = re.compile(r"(?:c360-(\d+)\.duckdb|parquet-(\d+))")


class PublishError(RuntimeError):
    """Nothing was published, and the last publication is as it was. The message says why."""


def database(folder: Path, number: int) -> Path:
    """The DuckDB file of one publication."""
    return folder / f"c360-{number:04}.duckdb"


def parquet(folder: Path, number: int) -> Path:
    """The folder of one publication's Parquet files."""
    return folder / f"parquet-{number:04}"


def building(path: Path) -> Path:
    """Where `path` is made before it is complete."""
    return path.with_name(_BUILDING + path.name)


@contextlib.contextmanager
def only_publisher(folder: Path) -> Iterator[None]:
    """Hold the folder against a second publisher, on this machine; clean up what one left behind.

    Raises PublishError when another one is at work, or something else stands in the links' place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for link in (folder / DATABASE_LINK, folder / PARQUET_LINK):
        if link.exists() and not link.is_symlink():
            raise PublishError(f"{link} was not made by publishing: move it away")
    with (folder / ".lock").open("w") as lock:
        try:
            # The system lets go of it when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PublishError(f"another process is publishing to {folder}") from None
        _remove_leftovers(folder)
        try:
            yield
        finally:
            _remove_leftovers(folder)


def next_number(folder: Path) -> int:
    """One more than what readers get now. A publication that was completed but never linked has
    this number, and is replaced.
    """
    with contextlib.suppress(OSError):
        current = _number((folder / DATABASE_LINK).readlink().name)
        if current is not None:
            return current + 1
    return max(_numbers(folder), default=0) + 1


def put_in_place(path: Path) -> None:
    """Move what was built for `path` there: complete, on disk and read-only."""
    built = building(path)
    for file in sorted(built.iterdir()) if built.is_dir() else [built]:
        file.chmod(0o444)
        _to_disk(file)
    if built.is_dir():
        _to_disk(built)
        shutil.rmtree(path, ignore_errors=True)
    built.replace(path)
    _to_disk(path.parent)


def point(link: Path, target: Path) -> None:
    """Make `link` lead to its neighbour `target`, in one step."""
    new = building(link)
    # Relative, so that the folder can be mounted or moved elsewhere.
    new.symlink_to(target.name)
    new.replace(link)
    _to_disk(link.parent)


def forget_all_but(folder: Path, keep: int) -> None:
    """Remove all publications but the newest `keep`. Readers that hold one open keep it."""
    for number in sorted(_numbers(folder))[:-keep]:
        # What cannot be removed now is tried again next time; the publication stands.
        with contextlib.suppress(OSError):
            database(folder, number).unlink(missing_ok=True)
        shutil.rmtree(parquet(folder, number), ignore_errors=True)


def _number(name: str) -> int | None:
    found = _NUMBERED.fullmatch(name)
    return int(found[1] or found[2]) if found else None


def _numbers(folder: Path) -> set[int]:
    return {number for path in folder.iterdir() if (number := _number(path.name)) is not None}


def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(f"{_BUILDING}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
