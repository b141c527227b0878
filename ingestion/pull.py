"""One pull of one source while it runs: what its resources share, count and hand to dlt."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from ingestion import settings
from ingestion.errors import PullError
from ingestion.quarantine import quarantine_rows
from ingestion.reading import Batch, Reader, Reject, with_row_ids
from ingestion.stored import Stored
from ingestion.tables import QUARANTINE, Table, resource_hints

BATCH = 5000
# A replacement or a reconciliation that would leave less than this share of a table is refused;
# in a table of a few rows only one that would leave nothing.
SMALLEST_SHARE = 0.8
FEW_ROWS = 10


def in_batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size` items, in order, as they come."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


class Pull:
    """What the resources of one source share during one pull.

    `now` is where the window of the pull ends. `rows` counts what was new or changed, `rejected`
    what was turned away, by table. A source sets `listed_all` when it has compared all that is
    stored with the vendor's own lists.
    """

    def __init__(self, source: str, stored: Stored, now: datetime) -> None:
        self.source = source
        self.stored = stored
        self.now = now
        self.rows: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.listed_all = False
        self._waiting: deque[pa.Table] = deque()
        self._running: set[str] = set()
        self._finished: dict[str, threading.Event] = {}
        self._failed = threading.Event()
        self._failure: BaseException | None = None

    def resource(
        self, table: Table, rows: Callable[[], Iterator[Any]], in_thread: bool = True
    ) -> DltResource:
        """The dlt resource that loads `table` from what `rows` yields, in a thread of its own or
        else in dlt's."""
        self._running.add(table.name)
        self._finished[table.name] = threading.Event()

        def run() -> Iterator[Any]:
            try:
                yield from rows()
            except BaseException as problem:
                self._failure = self._failure or problem
                self._failed.set()
                raise
            finally:
                self._running.discard(table.name)
                self._finished[table.name].set()

        return dlt.resource(run, parallelized=in_thread, **resource_hints(table))

    def quarantine(self) -> DltResource:
        """The dlt resource of the rejects. It ends after all others."""

        def run() -> Iterator[pa.Table | None]:
            while self._running or self._waiting:
                # None makes dlt turn to the other resources.
                yield self._waiting.popleft() if self._waiting else None

        return dlt.resource(run, **resource_hints(QUARANTINE))

    def wait_for(self, *tables: str) -> None:
        """Returns when the resources of `tables` have ended. Raises when one of all failed."""
        for table in tables:
            while not self._finished[table].wait(0.05) and not self._failed.is_set():
                pass
            if self._failed.is_set():
                # Whichever of the two is heard of first tells why the pull stopped.
                raise RuntimeError("another resource of this pull has failed") from self._failure

    def reader(self, table: Table) -> Reader:
        """A reader that holds undeclared columns to the type they are stored with."""
        return Reader(self.source, table, self.stored.extra_kinds(table))

    def changes(self, table: Table, records: Iterable[Any]) -> Iterator[pa.Table]:
        """`records` in batches, without the rows that are stored just so. Counts and rejects."""
        reader = self.reader(table)
        for batch in in_batches(records, BATCH):
            yield from self.read_changes(reader, batch)
        reader.check()

    def read_changes(self, reader: Reader, records: Iterable[Any]) -> Iterator[pa.Table]:
        """One batch for `changes`; the caller ends with `reader.check()`."""
        yield from self.taken(reader.table, reader.read(records))

    def taken(self, table: Table, found: Batch) -> Iterator[pa.Table]:
        """What `read_changes` makes of a batch that has been read."""
        self.reject(found.rejects)
        changed = self.stored.changed(table, found.rows, self.now)
        if changed.num_rows:
            self.rows[table.name] += changed.num_rows
            yield changed

    def replacement(self, table: Table, records: Iterable[Any]) -> Iterator[pa.Table]:
        """All rows of a table that is replaced as a whole; nothing when it would stay the same.

        Raises PullError (shrunk) when the table would lose more than a person has allowed.
        """
        reader = self.reader(table)
        found = reader.read(records)
        reader.check()
        self.reject(found.rejects)
        yield from self.replace_all(table, found.rows, len(found.rejects))

    def replace_all(self, table: Table, rows: pa.Table, rejected: int) -> Iterator[pa.Table]:
        """The same of rows that are typed already, beside so many that were turned away."""
        before = self.stored.count(table.name)
        # A row that was turned away is still there at the vendor.
        self.guard(table.name, before, rows.num_rows + rejected)
        changed = self.stored.changed(table, rows, self.now).num_rows
        kept = rows.num_rows - self.stored.new_keys(table, rows)
        if changed or before != kept:
            self.rows[table.name] += changed + before - kept
            yield rows

    def emptied(self, reader: Reader, parents: Iterable[str]) -> Iterator[pa.Table]:
        """For a table written by parent: rows that take away all rows of these parents, which have
        none any more."""
        table = reader.table
        stored = self.stored.rows_by_parent(table, list(parents))
        if stored:
            self.rows[table.name] += sum(stored.values())
            marks = [
                {table.key[0]: f"none of {one}", table.parent: one, table.gone: True}
                for one in stored
            ]
            yield reader.own(marks)

    def marked(
        self, table: Table, keys: Sequence[str], marks: Mapping[str, Any]
    ) -> Iterator[pa.Table]:
        """Stored rows of `table` with other values in some columns, for records that are gone."""
        rows = with_row_ids(self.stored.copies(table, keys, marks))
        if rows.num_rows:
            self.rows[table.name] += rows.num_rows
            yield rows

    def guard(self, table: str, before: int, after: int) -> None:
        """Raises PullError (shrunk) when `after` rows are suspiciously fewer than `before`."""
        if after >= before or (after and (before < FEW_ROWS or after >= before * SMALLEST_SHARE)):
            return
        if table in settings.options(self.source, "allow_shrink"):
            return
        raise PullError(
            self.source,
            "shrunk",
            f"{table} would shrink from {before} to {after} rows; nothing was loaded. If that is "
            f"right, allow it once with SOURCES__{self.source.upper()}__ALLOW_SHRINK={table}.",
        )

    def reject(self, rejects: list[Reject]) -> None:
        """Counts rejects and passes those that are not in quarantine yet on to it."""
        for resource, count in Counter(reject.resource for reject in rejects).items():
            self.rejected[resource] += count
        if rejects:
            rows = quarantine_rows(rejects, self.now)
            unknown = self.stored.unknown_keys(
                "quarantine", "quarantine_key", rows["quarantine_key"].to_pylist()
            )
            mask = pa.array([key in unknown for key in rows["quarantine_key"].to_pylist()])
            if unknown:
                self._waiting.append(rows.filter(mask))
