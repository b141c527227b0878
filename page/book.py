"""Who may see which customers: a user header of an authenticating proxy against a column.

Closed unless everything fits: a limit that is half configured, a request without the header or
with two of them, a publication without the column, all show no customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from page.published import Published
from page.settings import Settings


class Closed(PermissionError):
    """Nobody may look. `why` is the key of a sentence in labels.csv, `facts` fill it."""

    def __init__(self, why: str, **facts: str) -> None:
        super().__init__(why)
        self.why, self.facts = why, facts


@dataclass(frozen=True)
class Book:
    """The customers that one user may see: all, or those whose `column` is `user`."""

    column: str | None = None
    user: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether this is less than every customer."""
        return self.column is not None

    def accounts(self, published: Published) -> tuple[str, dict[str, Any]]:
        """SQL of the accounts in the book, with its parameters. Raises Lacking or Closed."""
        if self.column is None:
            return published.table("customer_360"), {}
        if self.column not in published.columns.get("customer_360", ()):
            raise Closed("closed_no_column", column=self.column)
        table = published.table("customer_360", self.column)
        column = f'"also {self.column.replace(chr(34), chr(34) * 2)}"'
        return f"(select * from {table} where cast({column} as varchar) = $book)", {
            "book": self.user
        }


def book(settings: Settings, headers: Sequence[str]) -> Book:
    """The book of the user whom `headers`, every value of the configured header, name.

    Raises Closed when a limit is configured and the headers do not name exactly one user.
    """
    if settings.is_half_limited:
        raise Closed("closed_half_configured")
    if settings.user_header is None:
        return Book()
    # Two values mean that somebody sent one past the proxy.
    if len(headers) != 1 or not (user := _text(headers[0])):
        raise Closed("closed_no_user", header=settings.user_header)
    if user in settings.sees_all:
        return Book()
    return Book(column=settings.book_column, user=user)


def _text(header: str) -> str:
    """HTTP hands headers over as Latin-1; names beyond it are sent as UTF-8."""
    try:
        return header.encode("latin-1").decode().strip()
    except UnicodeError:
        return header.strip()
