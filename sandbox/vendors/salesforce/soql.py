"""The query language, as far as clients that read need it.

`SELECT` of fields or `COUNT()`, one object, `WHERE` with `AND`, `OR`, `NOT` and brackets, the
comparisons, `LIKE`, `IN`, `ORDER BY`, `LIMIT`, `OFFSET`. Nothing of other objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NoReturn

from sandbox.vendors.salesforce.fields import Fields
from sandbox.vendors.salesforce.ids import long_id
from sandbox.vendors.salesforce.records import Row

Test = Callable[[Row], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<day>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<sign><=|>=|!=|<>|[=<>(),]))""",
    re.VERBOSE,
)
_IDS = ("id", "reference")


class BadQuery(ValueError):
    """A query that the vendor refuses with 400; `code` is its errorCode, the text its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Query:
    """A query that was understood; `fields` is empty for a count."""

    kind: str
    fields: list[str]
    test: Test | None = None
    order: list[tuple[str, bool, bool]] = field(
        default_factory=list
    )  # field, descending, nulls last
    limit: int | None = None
    offset: int = 0


def parse(text: str, known: dict[str, Fields]) -> Query:
    """Return what `text` asks for; BadQuery when it is malformed or names what is not there."""
    return _Parser(text, known).query()


def run(query: Query, rows: Iterable[Row], fields: Fields) -> list[Row]:
    """Return the rows that a query finds, in its order."""
    found = [row for row in rows if query.test is None or query.test(row)]
    for name, descending, nulls_last in reversed(query.order):
        values = [(row, _value(row, name, fields[name])) for row in found]
        present = [pair for pair in values if pair[1] is not None]
        present.sort(key=lambda pair: pair[1], reverse=descending)
        absent = [row for row, value in values if value is None]
        ordered = [row for row, _ in present]
        found = ordered + absent if nulls_last else absent + ordered
    end = None if query.limit is None else query.offset + query.limit
    return found[query.offset : end]


class _Parser:
    def __init__(self, text: str, known: dict[str, Fields]) -> None:
        self._text, self._known = text, known
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise BadQuery("MALFORMED_QUERY", f"line 1:{position} no viable alternative")
            kind = str(match.lastgroup)
            self._tokens.append((kind, match.group(kind), match.start(kind)))
            position = match.end()
        self._at = 0

    def query(self) -> Query:
        self._take("select")
        asked = self._selected()
        self._take("from")
        kind = self._word()
        if kind not in self._known:
            raise BadQuery("INVALID_TYPE", self._pointed(
                f"sObject type '{kind}' is not supported. If you are attempting to use a custom "
                "object, be sure to append the '__c' after the entity name. Please reference your "
                "WSDL or the describe call for the appropriate names.", self._at - 1))  # fmt: skip
        self._fields = self._known[kind]
        self._kind = kind
        found = Query(kind, [self._field(name, place) for name, place in asked])
        if self._is("where"):
            found.test = self._either()
        if self._is("order"):
            self._take("by")
            found.order.append(self._sorting())
            while self._is(","):
                found.order.append(self._sorting())
        if self._is("limit"):
            found.limit = int(self._next("number"))
        if self._is("offset"):
            found.offset = int(self._next("number"))
        if self._at < len(self._tokens):
            self._fail()
        return found

    def _selected(self) -> list[tuple[str, int]]:
        asked = [(self._word(), self._at - 1)]
        if asked[0][0].lower() == "count" and self._is("("):
            self._take(")")
            return []
        while self._is(","):
            asked.append((self._word(), self._at - 1))
        return asked

    def _sorting(self) -> tuple[str, bool, bool]:
        name = self._field(self._word(), self._at - 1)
        descending = self._is("desc")
        if not descending:
            self._is("asc")
        last = False
        if self._is("nulls"):
            last = self._is("last")
            if not last:
                self._take("first")
        return name, descending, last

    # ---- conditions ----

    def _either(self) -> Test:
        tests = [self._both()]
        while self._is("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._is("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._is("not"):
            inner = self._one()
            return lambda row: not inner(row)
        if self._is("("):
            inner = self._either()
            self._take(")")
            return inner
        name = self._field(self._word(), self._at - 1)
        sort = self._fields[name]
        if self._is("not"):
            self._take("in")
            listed = self._listed(name)
            return lambda row: _value(row, name, sort) not in listed
        if self._is("in"):
            listed = self._listed(name)
            return lambda row: _value(row, name, sort) in listed
        if self._is("like"):
            pattern = _pattern(self._next("text"))
            return lambda row: bool(pattern.fullmatch(str(_value(row, name, sort) or "")))
        sign, literal = self._next("sign"), self._literal(name)
        compare = _COMPARISONS.get(sign)
        if compare is None:
            self._fail()
        return lambda row: compare(_value(row, name, sort), literal)

    def _listed(self, name: str) -> set[Any]:
        self._take("(")
        found = {self._literal(name)}
        while self._is(","):
            found.add(self._literal(name))
        self._take(")")
        return found

    def _literal(self, name: str) -> Any:
        kind, text, _ = self._peek()
        sort = self._fields[name]
        self._at += 1
        if kind == "word" and text.lower() == "null":
            return None
        fits = {"text": sort not in ("datetime", "date", "boolean", "double", "int", "currency"),
                "time": sort == "datetime", "day": sort == "date",
                "number": sort in ("double", "int", "currency", "percent"),
                "word": sort == "boolean" and text.lower() in ("true", "false")}  # fmt: skip
        if not fits.get(kind):
            raise BadQuery("INVALID_FIELD", self._pointed(
                f"value of filter criterion for field '{name}' must be of type {sort} and "
                f"should {'' if kind != 'text' else 'not '}be enclosed in quotes", self._at - 1,
            ))  # fmt: skip
        if kind == "text":
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        return _comparable(text.lower() == "true" if kind == "word" else text, sort)

    # ---- tokens ----

    def _field(self, name: str, place: int) -> str:
        known = {field.lower(): field for field in self._fields}
        if name.lower() not in known:
            raise BadQuery("INVALID_FIELD", self._pointed(
                f"No such column '{name}' on entity '{self._kind}'. If you are attempting to use a "
                "custom field, be sure to append the '__c' after the custom field name. Please "
                "reference your WSDL or the describe call for the appropriate names.", place,
            ))  # fmt: skip
        return known[name.lower()]

    def _peek(self) -> tuple[str, str, int]:
        if self._at >= len(self._tokens):
            raise BadQuery("MALFORMED_QUERY", "unexpected token: <EOF>")
        return self._tokens[self._at]

    def _is(self, word: str) -> bool:
        there = self._at < len(self._tokens) and self._tokens[self._at][1].lower() == word
        self._at += there
        return there

    def _take(self, word: str) -> None:
        if not self._is(word):
            self._fail()

    def _word(self) -> str:
        return self._next("word")

    def _next(self, kind: str) -> str:
        found, text, _ = self._peek()
        if found != kind:
            self._fail()
        self._at += 1
        return text

    def _fail(self) -> NoReturn:
        text = self._peek()[1]
        raise BadQuery("MALFORMED_QUERY", self._pointed(f"unexpected token: '{text}'", self._at))

    def _pointed(self, message: str, place: int) -> str:
        column = self._tokens[min(place, len(self._tokens) - 1)][2]
        start = max(0, column - 30)
        shown = self._text[start : column + 60].replace("\n", " ")
        pointer = " " * (column - start) + "^"
        return f"\n{shown}\n{pointer}\nERROR at Row:1:Column:{column + 1}\n{message}"


def _value(row: Row, name: str, sort: str) -> Any:
    """Return a field in comparable form; a put record without a stamp changed when it was put."""
    raw = row.record.get(name) if isinstance(row.record, dict) else None
    value = _comparable(raw, sort)
    if value is None and name == "SystemModstamp" and row.put_at is not None:
        return float(row.put_at)
    if value is None and sort == "boolean":
        return False
    return value


def _comparable(raw: Any, sort: str) -> Any:
    if raw is None or raw == "":
        return None
    try:
        if sort == "datetime":
            found = datetime.fromisoformat(str(raw))
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        if sort == "date":
            return date.fromisoformat(str(raw)).isoformat()
        if sort in ("double", "int", "currency", "percent"):
            return float(raw)
    except (TypeError, ValueError):
        return None
    if sort == "boolean":
        return raw is True
    return long_id(str(raw)) if sort in _IDS else str(raw).lower()


def _pattern(quoted: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    text = re.sub(r"\\(.)", r"\1", quoted[1:-1]).lower()
    return re.compile("".join(parts.get(letter, re.escape(letter)) for letter in text), re.DOTALL)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one is not None and other is not None and one < other,
    "<=": lambda one, other: one is not None and other is not None and one <= other,
    ">": lambda one, other: one is not None and other is not None and one > other,
    ">=": lambda one, other: one is not None and other is not None and one >= other,
}
