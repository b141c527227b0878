"""Search as the API does it: nested filters, a cursor behind the last row, days for contacts."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.vendors.intercom.store import Store, key_of

Test = Callable[[Any], bool]
Position = tuple[float, str]
MOST_NESTED, MOST_FILTERS = 2, 15
LARGEST_PAGE = 150
DEFAULT_PAGE = {"contacts": 50, "conversations": 20}
DATES = frozenset(
    {
        *("created_at", "updated_at", "signed_up_at", "last_seen_at", "last_contacted_at"),
        *("last_replied_at", "last_email_opened_at", "last_email_clicked_at"),
        *("waiting_since", "snoozed_until"),
    }
)
SORTS = ("ascending", "descending")


class BadSearch(Exception):
    """A search that the API refuses."""


class Search:
    """Searches one kind of record."""

    def __init__(self, store: Store, kind: str, zone: str, lag: int) -> None:
        self._store, self._kind = store, kind
        self._zone, self._lag = ZoneInfo(zone), lag
        self._last: tuple[Any, list[tuple[Any, Any]]] | None = None

    def page(self, body: Any) -> tuple[list[Any], int, dict[str, Any]]:
        """Return the records of a page, how many there are in all, and the `pages` object.

        Raises BadSearch.
        """
        if not isinstance(body, dict):
            raise BadSearch("body must be an object")
        size, after = self._pagination(body.get("pagination") or {})
        field, falling = self._sort(body.get("sort") or {})
        rows = self._found(body.get("query"), field, falling)
        start = 0
        if after is not None:
            keys = [_falling(row[0]) if falling else row[0] for row in rows]
            start = bisect_right(keys, _falling(after) if falling else after)
        shown = rows[start : start + size]
        pages: dict[str, Any] = {
            "type": "pages", "page": start // size + 1, "per_page": size,
            "total_pages": -(-len(rows) // size),
        }  # fmt: skip
        if start + size < len(rows):
            pages["next"] = {"per_page": size, "starting_after": _cursor(shown[-1][0])}
        return [record for _, record in shown], len(rows), pages

    def _found(self, query: Any, field: str, falling: bool) -> list[tuple[Any, Any]]:
        """Return every record that fits with its position, in order; kept for the next page."""
        test = self._test(query, 1)
        asked = (self._store.state, json.dumps(query), field, falling)
        if self._last is None or self._last[0] != asked:
            rows = [
                (self._position(field, record), record)
                for record in self._store.all(self._kind)
                if self._is_there(record) and test(record)
            ]
            rows.sort(key=lambda row: row[0], reverse=falling)
            self._last = (asked, rows)
        return self._last[1]

    def _is_there(self, record: Any) -> bool:
        if self._kind != "contacts" or not self._lag:
            return True
        return self._value(record, "created_at") + self._lag <= self._store.now

    def _position(self, field: str, record: Any) -> Any:
        return self._value(record, field), str(key_of(record) or "")

    def _value(self, record: Any, field: str) -> float:
        """Return a date of a record; of a put one that has none, when it was put."""
        found = record.get(field) if isinstance(record, dict) else None
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return float(found)
        put = self._store.put_at(self._kind, key_of(record))
        return float(put if put is not None and field in ("created_at", "updated_at") else -1)

    def _pagination(self, asked: Any) -> tuple[int, Position | None]:
        size = asked.get("per_page") or DEFAULT_PAGE[self._kind]
        if not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
            raise BadSearch(f"per_page must be between 1 and {LARGEST_PAGE}")
        after = asked.get("starting_after")
        if after is None:
            return size, None
        try:
            value, identity = json.loads(base64.b64decode(after, validate=True))
            return size, (float(value), str(identity))
        except (ValueError, TypeError, binascii.Error):
            raise BadSearch("starting_after is not a cursor of this search") from None

    def _sort(self, asked: Any) -> tuple[str, bool]:
        field, order = asked.get("field", "updated_at"), asked.get("order", "descending")
        if field not in DATES or order not in SORTS:
            raise BadSearch(f"sort by {field}, {order} is not supported")
        return field, order == "descending"

    def _test(self, query: Any, depth: int) -> Test:
        if not isinstance(query, dict):
            raise BadSearch("query is required")
        operator, value = query.get("operator"), query.get("value")
        if operator in ("AND", "OR"):
            if depth > MOST_NESTED or not isinstance(value, list) or len(value) > MOST_FILTERS:
                raise BadSearch("at most 2 levels of at most 15 filters")
            tests = [self._test(one, depth + 1) for one in value]
            some_or_all = all if operator == "AND" else any
            return lambda record: some_or_all(test(record) for test in tests)
        return self._filter(str(query.get("field")), str(operator), value)

    def _filter(self, field: str, operator: str, value: Any) -> Test:
        if field in DATES:
            return self._date_filter(field, operator, value)
        texts: dict[str, Callable[[str], bool]] = {
            "=": lambda found: found == str(value), "!=": lambda found: found != str(value),
            "IN": lambda found: found in map(str, value),
            "NIN": lambda found: found not in map(str, value),
            "~": lambda found: str(value) in found, "!~": lambda found: str(value) not in found,
            "^": lambda found: found.startswith(str(value)),
            "$": lambda found: found.endswith(str(value)),
        }  # fmt: skip
        if operator not in texts:
            raise BadSearch(f"operator {operator} is not supported for {field}")
        return lambda record: texts[operator](_text(record, field))

    def _date_filter(self, field: str, operator: str, value: Any) -> Test:
        try:
            moment = int(value)
        except (TypeError, ValueError):
            raise BadSearch(f"{field} must be a timestamp") from None
        low, high = moment, moment + 1
        allowed = {"=", "!=", "<", ">", "<=", ">="}
        if self._kind == "contacts":
            low, high = self._day(moment)
            allowed = {"=", "<", ">"}
        if operator not in allowed:
            raise BadSearch(f"operator {operator} is not supported for {field}")
        tests: dict[str, Callable[[float], bool]] = {
            "=": lambda found: low <= found < high, "!=": lambda found: not low <= found < high,
            ">": lambda found: found >= high, "<": lambda found: 0 <= found < low,
            ">=": lambda found: found >= low, "<=": lambda found: 0 <= found < high,
        }  # fmt: skip
        return lambda record: tests[operator](self._value(record, field))

    def _day(self, moment: int) -> tuple[int, int]:
        """Return the first second of the day of `moment` in the workspace's zone and of the next
        one."""
        day = datetime.fromtimestamp(moment, self._zone).replace(hour=0, minute=0, second=0)
        following = (day + timedelta(days=1)).replace(hour=0)
        return int(day.timestamp()), int(following.timestamp())


def _text(record: Any, field: str) -> str:
    found = record
    for part in field.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return str(found).lower() if isinstance(found, bool) else "" if found is None else str(found)


def _cursor(position: Position) -> str:
    return base64.b64encode(json.dumps([position[0], position[1]]).encode()).decode()


def _falling(position: Any) -> Any:
    return -position[0], tuple(-ord(letter) for letter in position[1])
