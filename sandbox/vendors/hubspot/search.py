"""The CRM's search: filter groups, one sort, integer offsets, at most 10,000 rows per query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.vendors.hubspot.properties import PROPERTIES, created_name, modified_name
from sandbox.vendors.hubspot.records import Record, Records, is_archived

MAX_ROWS = 10_000
MAX_PAGE = 200
MAX_BODY = 3000
Value = float | str | None


class BadSearch(ValueError):
    """The query breaks one of the vendor's rules; the text is the vendor's message."""


def search(
    records: Records, kind: str, body: dict[str, Any], most: int = MAX_ROWS, lag: int = 0
) -> tuple[int, list[Record], int | None]:
    """Return how many records match, those of this page, and the next offset (None at the end).

    No offset leads beyond `most` rows. What is searched is the state of `lag` seconds ago. Raises
    BadSearch for a query that the vendor answers with 400.
    """
    limit, offset = _number(body, "limit", 10), _number(body, "after", 0)
    if not 0 < limit <= MAX_PAGE:
        raise BadSearch(f"limit must be between 1 and {MAX_PAGE}")
    if offset + limit > most:
        raise BadSearch(f"paging through more than {most} results is not supported")
    groups = _groups(kind, body.get("filterGroups") or [])
    found = [
        record
        for record in records.indexed(kind, lag)
        if not is_archived(record)
        and (not groups or any(_holds(records, kind, record, group) for group in groups))
    ]
    name, descending = _sort(kind, body.get("sorts") or [])
    found.sort(key=lambda record: _order(_value(records, kind, record, name)), reverse=descending)
    page = found[offset : offset + limit]
    following = offset + limit if offset + limit < len(found) else None
    return len(found), page, following


def _number(body: dict[str, Any], name: str, default: int) -> int:
    try:
        return int(body.get(name) or default)
    except (TypeError, ValueError):
        raise BadSearch(f"{name} must be an integer") from None


Filter = tuple[str, Callable[[Value], bool]]


def _groups(kind: str, groups: list[dict[str, Any]]) -> list[list[Filter]]:
    if len(groups) > 5:
        raise BadSearch("There is a maximum of 5 filterGroups")
    if any(len(group.get("filters") or []) > 6 for group in groups):
        raise BadSearch("There is a maximum of 6 filters in a filterGroup")
    if sum(len(group.get("filters") or []) for group in groups) > 18:
        raise BadSearch("There is a maximum of 18 filters")
    return [[_filter(kind, item) for item in group.get("filters") or []] for group in groups]


def _filter(kind: str, item: dict[str, Any]) -> Filter:
    name, operator = item.get("propertyName"), item.get("operator")
    if name not in PROPERTIES[kind]:
        raise BadSearch(f"Property {name} does not exist")
    wanted = _typed(kind, name, item.get("value"))
    high = _typed(kind, name, item.get("highValue"))
    several = [_typed(kind, name, value) for value in item.get("values") or []]
    text = str(item.get("value") or "").lower().strip("*")
    tests: dict[str, Callable[[Value], bool]] = {
        "EQ": lambda value: value == wanted,
        "NEQ": lambda value: value != wanted,
        "GT": lambda value: _compare(value, wanted) > 0,
        "GTE": lambda value: _compare(value, wanted) >= 0,
        "LT": lambda value: -2 < _compare(value, wanted) < 0,
        "LTE": lambda value: -2 < _compare(value, wanted) <= 0,
        "BETWEEN": lambda value: _compare(value, wanted) >= 0 and -2 < _compare(value, high) <= 0,
        "IN": lambda value: value in several,
        "NOT_IN": lambda value: value is not None and value not in several,
        "HAS_PROPERTY": lambda value: value is not None,
        "NOT_HAS_PROPERTY": lambda value: value is None,
        "CONTAINS_TOKEN": lambda value: text in str(value or "").lower(),
        "NOT_CONTAINS_TOKEN": lambda value: text not in str(value or "").lower(),
    }
    if operator not in tests:
        raise BadSearch(f"operator {operator} is not valid")
    return name, tests[operator]


def _compare(one: Value, other: Value) -> int:
    """Return -1, 0 or 1; -2 when the two cannot be compared, so that no range holds."""
    if isinstance(one, float) and isinstance(other, float):
        return (one > other) - (one < other)
    if isinstance(one, str) and isinstance(other, str):
        return (one > other) - (one < other)
    return -2


def _holds(records: Records, kind: str, record: Record, group: list[Filter]) -> bool:
    return all(test(_value(records, kind, record, name)) for name, test in group)


def _value(records: Records, kind: str, record: Any, name: str) -> Value:
    """Return a property in comparable form; a put record without a date changed when it was put."""
    properties = record.get("properties") if isinstance(record, dict) else None
    raw = properties.get(name) if isinstance(properties, dict) else None
    if raw is None and isinstance(record, dict) and name == "hs_object_id":
        raw = record.get("id")
    value = _typed(kind, name, raw)
    if name == modified_name(kind) and not isinstance(value, float):
        put = records.put_at(kind, record)
        return None if put is None else float(put)
    return value


def _typed(kind: str, name: str, raw: Any) -> Value:
    if raw is None or raw == "":
        return None
    sort = PROPERTIES[kind][name]
    if sort in ("number", "datetime"):
        try:
            return float(raw)
        except (TypeError, ValueError):
            pass
    if sort == "datetime":
        try:
            return datetime.fromisoformat(str(raw).replace("Z", "+00:00")).timestamp() * 1000
        except ValueError:
            return None
    return str(raw).lower()


def _order(value: Value) -> tuple[int, float, str]:
    if isinstance(value, float):
        return 0, value, ""
    return (2, 0.0, "") if value is None else (1, 0.0, value)


def _sort(kind: str, sorts: list[Any]) -> tuple[str, bool]:
    if len(sorts) > 1:
        raise BadSearch("Only one sort is supported")
    if not sorts:
        return created_name(kind), False
    first = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
    name = first.get("propertyName")
    if name not in PROPERTIES[kind]:
        raise BadSearch(f"Property {name} does not exist")
    return name, first.get("direction") == "DESCENDING"
