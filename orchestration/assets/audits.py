"""The two audits, one step each: what vendors sent, and what readers will get.

Every check of every Soda contract is a check on the asset that it speaks of. A failed blocking
check stops what is downstream; every other failure shows. What could not be evaluated has failed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dagster as dg

from checks import baseline, runner
from ingestion import settings
from orchestration import environment, policies
from orchestration.translators import raw_key

Variables = Mapping[str, float]

_COUNTED = {
    "PASSED": "passed",
    "WARN": "warned",
    "FAILED": "failed",
    "NOT_EVALUATED": "failed",
}


@dataclass(frozen=True)
class Contract:
    """A Soda contract, the asset it speaks of, and the file its table lies in."""

    path: Path
    asset: dg.AssetKey
    database: Callable[[], Path]

    def specs(self) -> list[dg.AssetCheckSpec]:
        """One spec per check of the contract, from the YAML alone."""
        return [
            dg.AssetCheckSpec(
                check.name,
                asset=self.asset,
                blocking=check.blocking,
                description=check.description,
            )
            for check in runner.contract_checks(self.path)
        ]

    def verify(self, published: Variables) -> dict[str, runner.CheckOutcome]:
        """The outcome of every check, by its name; `published` is what readers get today."""
        policy = policies.policy_for(self.asset)
        variables = {
            "WARN_HOURS": policy.data_within.warn,
            "FAIL_HOURS": policy.data_within.fail,
            "PULL_WARN_HOURS": policy.made_within.warn,
            "PULL_FAIL_HOURS": policy.made_within.fail,
            **published,
        }
        outcomes = runner.verify(self.path, self.database(), variables, as_of=environment.as_of())
        return {outcome.name: outcome for outcome in outcomes}


def raw_contracts() -> list[Contract]:
    """Contracts of every raw table of the sources that are switched on."""
    return [
        Contract(path, raw_key(source, path.stem), partial(settings.raw_database, source))
        for source in settings.enabled_sources()
        for path in runner.raw_contracts(source)
    ]


def mart_contracts() -> list[Contract]:
    """Contracts of the marts."""
    return [
        Contract(path, dg.AssetKey(["marts", path.stem]), environment.warehouse)
        for path in runner.mart_contracts()
    ]


def last_publication() -> Variables:
    """What the mart contracts measured on the last publication, and how far a new one may differ.

    A person who knows that the change is right sets C360_ACCEPT_CHANGE for one run.
    """
    tolerance = policies.ANY_CHANGE if environment.accepts_change() else policies.USUAL_CHANGE
    published = environment.publish_dir() / "c360.duckdb"
    return {**tolerance, **baseline.published_values(published, as_of=environment.as_of())}


def audit_step(
    layer: str, contracts: list[Contract], compared_with: Callable[[], Variables] = dict
) -> dg.AssetChecksDefinition:
    """One step that verifies all contracts of a layer."""
    specs = {contract.asset: contract.specs() for contract in contracts}

    @dg.multi_asset_check(
        name=f"audit_{layer}",
        specs=[spec for group in specs.values() for spec in group],
        can_subset=True,
        pool="warehouse",
        retry_policy=policies.AUDIT_RETRIES,
    )
    def audit(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        wanted = context.selected_asset_check_keys
        published = compared_with()
        counts = dict.fromkeys(("passed", "warned", "failed"), 0)
        for contract in contracts:
            selected = [spec for spec in specs[contract.asset] if spec.key in wanted]
            if selected:
                outcomes = contract.verify(published)
                for spec in selected:
                    outcome = outcomes[spec.name]
                    counts[_COUNTED[outcome.outcome]] += 1
                    yield _result(spec, outcome)
        # A part of the layer would look like a layer that lost its checks.
        if len(wanted) == sum(map(len, specs.values())):
            record = dg.AssetMaterialization(record_key(layer), metadata=counts)
            context.op_execution_context.log_event(record)

    return audit


def audit_record(layer: str, contracts: list[Contract]) -> dg.AssetSpec:
    """The asset that stands for a layer's audit in the graph; its step reports what it counted."""
    key = record_key(layer)
    return policies.apply(
        dg.AssetSpec(
            key,
            deps=sorted({contract.asset for contract in contracts}),
            group_name=f"{_GROUPS[layer]}_audit",
            kinds={"soda"},
            description=(
                f"Every contract of the {layer} layer, verified in one step: how many checks"
                " passed, warned and failed, run by run. The checks themselves stand on the tables."
            ),
        )
    )


# Behind the last group of the layer that the audit speaks of.
_GROUPS = {"raw": "b", "marts": "e_marts"}


def record_key(layer: str) -> dg.AssetKey:
    """Key of the asset that `audit_record` describes."""
    return dg.AssetKey(["audit", layer])


def _result(spec: dg.AssetCheckSpec, outcome: runner.CheckOutcome) -> dg.AssetCheckResult:
    warned = outcome.outcome == "WARN"
    return dg.AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR,
        description=outcome.message,
        metadata={"outcome": outcome.outcome, **outcome.metrics},
    )
