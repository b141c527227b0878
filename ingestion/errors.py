"""The one error that leaves this package."""

from typing import Literal

Kind = Literal[
    "credentials", "unreachable", "rate_limited", "type_changed", "shrunk", "locked", "bad_answer"
]


class PullError(Exception):
    """A pull that stopped, with nothing that was loaded before changed.

    `kind` says which of the seven ways it stopped; `message` is written for the person who has to
    act: it names the source, the key or table, and where to put it or what to do. It holds no
    secret and no value of a record.
    """

    def __init__(self, source: str, kind: Kind, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.kind: Kind = kind
        self.message = message
