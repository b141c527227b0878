"""Ask the publication from a terminal: `python -m publish published "from marts.customer_360"`."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from publish.reader import NoPublication, connect


def main(target: str, sql: str) -> None:
    """Print the answer as a table, as wide as the terminal takes."""
    with connect(Path(target)) as connection:
        answer = connection.sql(sql)
        print(answer if answer is not None else "Nothing to show.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (NoPublication, duckdb.Error, TypeError) as error:
        sys.exit(f"{error}" if not isinstance(error, TypeError) else __doc__)
