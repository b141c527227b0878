"""The two audits, one step each: what vendors sent, and what readers will get.

Every check of every Soda contract is a check on the asset that it speaks of. A failed blocking
check stops what is downstream; every other failure shows. What could not be evaluated has failed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from checks import runner
from ingestion import settings
from orchestration import environment, policies
from orchestration.translators import raw_key
from publish import reader


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

    def verify(self) -> dict[str, runner.CheckOutcome]:
        """The outcome of every check, by its name."""
        outcomes = runner.verify(
            self.path, self.database(), self._variables(), as_of=environment.as_of()
        )
        return {outcome.name: outcome for outcome in outcomes}

    def _variables(self) -> Mapping[str, float]:
        policy = policies.policy_for(self.asset)
        return {
            "WARN_HOURS": policy.data_within.warn,
            "FAIL_HOURS": policy.data_within.fail,
            "PULL_WARN_HOURS": policy.made_within.warn,
            "PULL_FAIL_HOURS": policy.made_within.fail,
            "PUBLISHED_ROWS": _published().get(self.path.stem, 0),
        }


def raw_contracts() -> list[Contract]:
    """Contracts of every raw table of the sources that are switched on."""
    return [
        Contract(path, raw_key(source, path.stem), lambda s=source: settings.raw_database(s))
        for source in settings.enabled_sources()
        for path in runner.raw_contracts(source)
    ]


def mart_contracts() -> list[Contract]:
    """Contracts of the marts."""
    return [
        Contract(path, dg.AssetKey(["marts", path.stem]), environment.warehouse)
        for path in runner.mart_contracts()
    ]


def audit_step(layer: str, contracts: list[Contract]) -> dg.AssetChecksDefinition:
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
        for contract in contracts:
            selected = [spec for spec in specs[contract.asset] if spec.key in wanted]
            if selected:
                outcomes = contract.verify()
                yield from (_result(spec, outcomes[spec.name]) for spec in selected)

    return audit


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


def _published() -> Mapping[str, int]:
    """Rows of every mart that readers get now; empty before the first publication."""
    try:
        return reader.publication(environment.publish_dir()).marts
    except reader.NoPublication:
        return {}
