"""Contracts as data: which checks a file declares, known without a database.

Soda ignores what it does not know: a misspelt `thresold` falls back to the default threshold and
passes, and two checks of one type in one place run neither. So a contract is read strictly here,
and refused before anything runs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

CONTRACTS = Path(__file__).parent

Level = Literal["fail", "warn"]

_COMPARISONS = {
    "must_be",
    "must_not_be",
    "must_be_greater_than",
    "must_be_greater_than_or_equal",
    "must_be_less_than",
    "must_be_less_than_or_equal",
    "must_be_between",
    "must_be_not_between",
}
_LOWER, _UPPER = {"greater_than", "greater_than_or_equal"}, {"less_than", "less_than_or_equal"}
_ADDITIONAL = _COMPARISONS | {"level"}
_THRESHOLD = _ADDITIONAL | {"metric", "unit", "additional"}
_ANY_CHECK = {"name", "qualifier", "threshold", "filter", "attributes"}
_CHECKS: dict[str, set[str]] = {
    "schema": {"allow_extra_columns", "allow_other_column_order"},
    "row_count": set(),
    "freshness": {"column", "column_expression"},
    "missing": {"missing_values"},
    "duplicate": {"columns"},
    "invalid": {"valid_values", "valid_min", "valid_max", "valid_format", "invalid_values"},
    "aggregate": {"function"},
    "metric": {"expression", "query"},
    "failed_rows": {"expression", "query"},
}
_COLUMN = {"name", "data_type", "missing_values", "checks"}
_ROOT = {"dataset", "variables", "checks", "columns"}
_REFERENCE = re.compile(r"\$\{ *(\w+)\.(\w+) *\}")


class ContractError(ValueError):
    """A contract that would not check what its author meant. The message names file and place."""


@dataclass(frozen=True)
class CheckSpec:
    """One check of a contract.

    `name` is unique in its contract and made of letters, digits and underscores; `path` is the
    place in the file, in the form that Soda reports; `level` is the worst that the check can say.
    """

    name: str
    column: str | None
    path: str
    blocking: bool
    level: Level
    description: str


def raw_contracts(source: str) -> list[Path]:
    """The contracts on what one source sent, by table name; empty for an unknown source."""
    return sorted((CONTRACTS / "raw" / source).glob("*.yml"))


def mart_contracts() -> list[Path]:
    """The contracts on what readers get, by mart name."""
    return sorted((CONTRACTS / "marts").glob("*.yml"))


def contract_checks(path: Path) -> list[CheckSpec]:
    """The checks of one contract in the order of the file, from the YAML alone.

    Raises ContractError for anything that Soda would ignore, or read otherwise than written.
    """
    document = _read(path)
    problems = list(_problems(document))
    if problems:
        raise ContractError(f"{path}: " + "; ".join(problems))
    return [_spec(*check) for check in _walk(document)]


def data_source(path: Path) -> str:
    """The name under which the contract expects its database to be offered to Soda."""
    return str(_read(path)["dataset"]).split("/")[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        # Soda's own parser: it also refuses a key that stands twice.
        document = YAML(typ="safe").load(path)
    except (YAMLError, OSError) as error:
        raise ContractError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise ContractError(f"{path}: a contract is a mapping")
    return document


def _walk(document: Mapping[str, Any]) -> Iterator[tuple[str | None, str, dict[str, Any]]]:
    """Column or None, type and body of every check."""
    places = [(None, document.get("checks"))]
    places += [(c["name"], c.get("checks")) for c in document.get("columns") or []]
    for column, checks in places:
        for check in checks or []:
            for kind, body in check.items():
                yield column, kind, body or {}


def _path(column: str | None, kind: str, body: Mapping[str, Any]) -> str:
    place = f"columns.{column}.checks.{kind}" if column else f"checks.{kind}"
    return f"{place}.{body['qualifier']}" if "qualifier" in body else place


def _spec(column: str | None, kind: str, body: Mapping[str, Any]) -> CheckSpec:
    path = _path(column, kind, body)
    threshold = body.get("threshold") or {}
    levels = {threshold.get("level", "fail")}
    if "additional" in threshold:
        levels.add(threshold["additional"].get("level", "fail"))
    return CheckSpec(
        name="soda_" + re.sub(r"\W", "_", re.sub(r"(columns|checks)\.", "", path)),
        column=column,
        path=path,
        blocking=bool((body.get("attributes") or {}).get("blocking")),
        level="fail" if "fail" in levels else "warn",
        description=body.get("name") or (f"{kind} of {column}" if column else kind),
    )


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown("the contract", document, _ROOT)
    if not re.fullmatch(r"\w+/\w+/\w+", str(document.get("dataset"))):
        yield "dataset must read <data source>/<schema>/<table>"
    declared = document.get("variables") or {}
    for name, value in declared.items():
        if not isinstance(value, dict) or set(value) != {"default"}:
            yield f"variable {name} needs a default and nothing else"
    for namespace, name in _REFERENCE.findall(str(document)):
        if (namespace == "var" and name not in declared) or namespace not in {"var", "soda"}:
            yield f"${{{namespace}.{name}}} is not declared under variables"
    for column in document.get("columns") or []:
        if not isinstance(column, dict) or "name" not in column:
            yield "a column without a name"
            return
        yield from _unknown(f"column {column['name']}", column, _COLUMN)
    columns = Counter(column["name"] for column in document.get("columns") or [])
    yield from (f"column {name} is named {n} times" for name, n in columns.items() if n > 1)

    checks = list(_walk(document))
    if not checks:
        yield "no checks"
    for column_name, kind, body in checks:
        yield from _check_problems(_path(column_name, kind, body), kind, body)
    # Soda runs none of two checks that it cannot tell apart.
    paths = Counter(_path(*check) for check in checks)
    yield from (
        f"{path} stands {n} times: give each a qualifier" for path, n in paths.items() if n > 1
    )
    names = Counter(_spec(*check).name for check in checks)
    yield from (f"two checks share the name {name}" for name, n in names.items() if n > 1)


def _check_problems(path: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    if kind not in _CHECKS:
        yield f"{path}: no check type {kind}"
        return
    yield from _unknown(path, body, _ANY_CHECK | _CHECKS[kind])
    yield from _unknown(f"{path}.attributes", body.get("attributes") or {}, {"blocking"})
    if kind in {"metric", "failed_rows"} and not {"name", "qualifier"} <= set(body):
        yield f"{path}: a {kind} check needs a name and a qualifier, it says nothing by itself"
    threshold = body.get("threshold") or {}
    yield from _unknown(f"{path}.threshold", threshold, _THRESHOLD)
    additional = threshold.get("additional") or {}
    yield from _unknown(f"{path}.threshold.additional", additional, _ADDITIONAL)
    if threshold and len(_COMPARISONS & set(threshold)) != 1:
        yield f"{path}: a threshold is exactly one comparison"
    if {threshold.get("level", "fail"), additional.get("level", "warn")} - {"fail", "warn"}:
        yield f"{path}: a level is fail or warn"
    for part in (threshold, additional):
        for between in ("must_be_between", "must_be_not_between"):
            yield from _range_problems(f"{path}.{between}", part.get(between))
    if kind == "freshness":
        # A row dated in the future is younger than any upper bound.
        parts = [threshold, additional] if additional else [threshold]
        if any("must_be_between" not in part for part in parts):
            yield f"{path}: freshness must stand between two bounds"


def _range_problems(path: str, bounds: Mapping[str, Any] | None) -> Iterator[str]:
    if bounds is None:
        return
    yield from _unknown(path, bounds, _LOWER | _UPPER)
    if len(_LOWER & set(bounds)) != 1 or len(_UPPER & set(bounds)) != 1:
        yield f"{path}: one lower and one upper bound"


def _unknown(place: str, mapping: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    if not isinstance(mapping, Mapping):
        yield f"{place} must be a mapping"
        return
    for key in sorted(set(map(str, mapping)) - known):
        yield f"{place}: unknown key {key}"
