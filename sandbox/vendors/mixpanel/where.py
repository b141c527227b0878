"""The small part of the vendor's expression language that clients use in `where`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

Test = Callable[[dict[str, Any]], bool]
_TERM = re.compile(
    r"""\s*\(?\s*properties\["(?P<name>[^"]+)"\]\s*(?P<operator>==|!=|>=|<=|>|<)\s*"""
    r"""(?P<value>"[^"]*"|-?[0-9.]+|true|false)\s*\)?\s*"""
)


class BadWhere(ValueError):
    """An expression that is not understood; the text is the error message."""


def compile_where(text: str) -> Test:
    """Return a test on properties for comparisons joined by `and`, those joined by `or`.

    Raises BadWhere for anything else.
    """
    either = [
        [_term(part) for part in re.split(r"\sand\s", group)] for group in re.split(r"\sor\s", text)
    ]
    return lambda properties: any(all(test(properties) for test in group) for group in either)


def _term(text: str) -> Test:
    found = _TERM.fullmatch(text)
    if found is None:
        raise BadWhere(f"Unable to parse expression: {text.strip()}")
    name, operator, wanted = found["name"], found["operator"], json.loads(found["value"])

    def test(properties: dict[str, Any]) -> bool:
        value = properties.get(name)
        if operator == "==":
            return bool(value == wanted)
        if operator == "!=":
            return bool(value != wanted)
        if value is None or isinstance(value, str) != isinstance(wanted, str):
            return False
        return bool({">": gt, ">=": ge, "<": lt, "<=": le}[operator](value, wanted))

    return test
