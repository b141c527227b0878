"""Turning whatever stopped a pull into a PullError that quotes no record."""

import traceback
from collections.abc import Iterator

from dlt.common.schema.exceptions import DataValidationError

from ingestion.errors import PullError


def as_pull_error(source: str, error: BaseException) -> PullError:
    """The PullError that `error` is, wraps, or amounts to.

    The text of other exceptions is dropped: dlt and DuckDB quote the values they stumble over.
    """
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, PullError):
            return link
    for link in chain:
        if isinstance(link, DataValidationError):
            return PullError(
                source,
                "type_changed",
                f"{link.table_name}.{link.column_name} has changed its type; nothing was loaded. "
                "Adapt the column in ingestion/sources, then pull again.",
            )
    return PullError(source, "bad_answer", f"stopped by {_place(chain[-1])}.")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "exception", None)
        error = error.__cause__ or (
            inner if isinstance(inner, BaseException) else error.__context__
        )


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames)
    )
    return f"{type(error).__name__} at {places}" if places else type(error).__name__
