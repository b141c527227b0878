"""One pull per source at a time, and a patient wait for whoever else has the raw file open."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ingestion import settings
from ingestion.errors import PullError

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.25


@contextmanager
def only_one(source: str) -> Iterator[None]:
    """Holds the source's lock. The kernel lets go of it when the process dies, however it does.

    Raises PullError (locked) when another pull holds it for longer than a minute.
    """
    path = settings.raw_database(source).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PullError(
                        source, "locked", "another pull of this source is still running."
                    ) from None
            time.sleep(PAUSE_SECONDS)
        yield


def wait_until_writable(source: str, path: Path, only_to_read: bool = False) -> None:
    """Returns when `path` can be opened.

    Raises PullError (locked) when another process has it open for longer than a minute.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while path.exists():
        try:
            duckdb.connect(str(path), read_only=only_to_read).close()
            return
        except duckdb.IOException as problem:
            if "lock" not in str(problem).lower():
                raise
            if time.monotonic() > deadline:
                raise PullError(
                    source,
                    "locked",
                    f"{path.name} is open in another process. Close it, then pull again.",
                ) from None
        time.sleep(PAUSE_SECONDS)
