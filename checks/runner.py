"""Runs one contract against one DuckDB file, and answers for every check that it declares.

Soda swallows a locked file, a missing table and a broken query: it raises nothing, and its own
"failed" is false when nothing ran. Here every declared check has an outcome, and one that was not
evaluated has failed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from numbers import Real
from pathlib import Path
from typing import Literal

import duckdb

from checks.contract import (
    CheckSpec,
    ContractError,
    Level,
    contract_checks,
    data_source,
    mart_contracts,
    raw_contracts,
)
from checks.database import read_only

# Read by Soda while it is imported. Left on, it sends usage to its maker, and retries for ten
# seconds where there is no network.
os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"

from soda_core.common.yaml import ContractYamlSource
from soda_core.contracts.contract_verification import (
    CheckResult,
    ContractVerificationSession,
    ContractVerificationSessionResult,
)
from soda_core.contracts.impl.check_types.schema_check import SchemaCheckResult
from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

__all__ = [
    "CheckOutcome",
    "CheckSpec",
    "ContractError",
    "contract_checks",
    "mart_contracts",
    "raw_contracts",
    "verify",
]

Outcome = Literal["PASSED", "WARN", "FAILED", "NOT_EVALUATED"]

_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class CheckOutcome:
    """What one check found. `metrics` are finite numbers: `value` is the one that was judged, the
    others are named by Soda (rows tested, missing_percent, freshness_in_hours ...). `message` holds
    counts and names of columns, never a value of a row.
    """

    name: str
    outcome: Outcome
    blocking: bool
    level: Level
    metrics: Mapping[str, float]
    message: str

    @property
    def passed(self) -> bool:
        """True for PASSED only: a warning is seen, and a check that could not run has failed."""
        return self.outcome == "PASSED"

    @property
    def stops(self) -> bool:
        """Whether what is downstream of the table must not go on."""
        return self.blocking and self.outcome in ("FAILED", "NOT_EVALUATED")


def verify(
    contract: Path,
    database: Path,
    variables: Mapping[str, float | str],
    *,
    as_of: datetime,
    wait_seconds: float = 10,
) -> list[CheckOutcome]:
    """One outcome per check of `contract_checks(contract)`, in the same order.

    `variables` override the defaults of the contract's `variables`; those that it does not declare
    are ignored, so one mapping serves a whole layer. `as_of`, aware, is the "now" that ages are
    counted from. The database is opened read-only and released before this returns; one that is
    locked is waited for. Raises ContractError for a contract that is malformed, and for nothing
    that the data or the database did: that is what outcomes are for.
    """
    specs = contract_checks(contract)
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone: without one, every age could be hours off")
    try:
        with read_only(database, wait_seconds) as connection:
            answer = ContractVerificationSession.execute(
                [ContractYamlSource.from_file_path(str(contract))],
                variables=dict(variables),
                data_timestamp=as_of.astimezone(UTC).isoformat(),
                data_source_impls=[
                    DuckDBDataSourceImpl.from_existing_cursor(
                        connection, name=data_source(contract)
                    )
                ],
            )
    except duckdb.Error as error:
        return [_not_evaluated(spec, f"{database.name} cannot be read: {error}") for spec in specs]
    return _outcomes(specs, answer)


def _outcomes(
    specs: list[CheckSpec], answer: ContractVerificationSessionResult
) -> list[CheckOutcome]:
    results = {
        result.check.relative_path: result
        for contract in answer.contract_verification_results
        for result in contract.check_results
    }
    errors = "; ".join(answer.get_errors())
    return [
        _outcome(spec, results[spec.path], errors)
        if spec.path in results
        else _not_evaluated(spec, errors)
        for spec in specs
    ]


def _outcome(spec: CheckSpec, result: CheckResult, errors: str) -> CheckOutcome:
    outcome = result.outcome.name
    # Freshness calls a query that broke FAILED, as if it had seen an empty table.
    broke = result.threshold_value is None and errors
    if broke or outcome not in ("PASSED", "WARN", "FAILED"):
        return _not_evaluated(spec, errors)
    measured = {**(result.diagnostic_metric_values or {}), "value": result.threshold_value}
    return CheckOutcome(
        name=spec.name,
        outcome=outcome,
        blocking=spec.blocking,
        level=spec.level,
        metrics={
            name: float(value)
            for name, value in measured.items()
            if isinstance(value, Real) and math.isfinite(value)
        },
        message=_message(spec, result),
    )


def _not_evaluated(spec: CheckSpec, reason: str) -> CheckOutcome:
    reason = reason or "There was no value to judge"
    message = f"Not evaluated, so it counts as failed. {reason}"[:_LONGEST_MESSAGE]
    return CheckOutcome(spec.name, "NOT_EVALUATED", spec.blocking, spec.level, {}, message)


def _message(spec: CheckSpec, result: CheckResult) -> str:
    if isinstance(result, SchemaCheckResult):
        wrong = [f"{column} is missing" for column in result.expected_column_names_not_actual]
        wrong += [f"{column} is new" for column in result.actual_column_names_not_expected]
        wrong += [
            f"{found.column} is {found.get_actual()}, not {found.get_expected()}"
            for found in result.column_data_type_mismatches
        ]
        return f"{spec.description}: {', '.join(wrong) or 'as agreed'}"[:_LONGEST_MESSAGE]
    check = result.check
    limits = [str(limit) for limit in (check.threshold, check.warn_threshold) if limit]
    wanted = ", or ".join(", ".join(limit.splitlines()) for limit in limits)
    return f"{spec.description}: {_number(result.threshold_value)} ({wanted})"[:_LONGEST_MESSAGE]


def _number(value: object) -> str:
    return f"{float(value):,.2f}".rstrip("0").rstrip(".") if isinstance(value, Real) else "no value"
