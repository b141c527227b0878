"""Record ids: three letters for the kind, twelve that count, three that guard their case."""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
PREFIXES = {
    "Account": "001", "Contact": "003", "Opportunity": "006", "OpportunityLineItem": "00k",
    "User": "005", "Task": "00T", "Event": "00U",
}  # fmt: skip
ORGANISATION = "00D5f000000sAndBox"
_POD = "5f0"


def record_id(kind: str, number: int) -> str:
    """Return the 18-letter id of the nth record of a kind; greater numbers sort behind."""
    letters = ""
    while number:
        number, rest = divmod(number, 62)
        letters = _DIGITS[rest] + letters
    return long_id(f"{PREFIXES[kind]}{_POD}{letters:0>9}")


def long_id(identity: str) -> str:
    """Return an id of 15 letters, in which case counts, as 18 letters; others as they are."""
    if len(identity) != 15 or not identity.isalnum():
        return identity
    tail = ""
    for start in (0, 5, 10):
        bits = sum(
            1 << place
            for place, letter in enumerate(identity[start : start + 5])
            if letter.isascii() and letter.isupper()
        )
        tail += _CHECK[bits]
    return identity + tail
