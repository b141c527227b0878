"""The freshness table covers everything, and Dagster goes by it."""

from __future__ import annotations

import asyncio
import time

import dagster as dg
import pytest
from dagster._core.definitions import freshness_evaluator
from dagster._core.loader import LoadingContextForTest

from orchestration import policies
from orchestration.assets.publication import PUBLICATION


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        (["raw_mixpanel", "events"], "raw_mixpanel"),
        (["marts", "customer_360"], "marts"),
        (["staging", "stg_stripe__invoices"], ""),
        (["published", "c360"], "published"),
        (["published", "month_close"], "published/month_close"),
    ],
)
def test_the_first_matching_row_of_the_table_wins(key: list[str], prefix: str) -> None:
    assert policies.policy_for(dg.AssetKey(key)) is policies.POLICIES[prefix]


def test_something_is_late_before_it_is_stale() -> None:
    for policy in policies.POLICIES.values():
        for window in (policy.made_within, policy.data_within):
            assert 0 < window.warn <= window.fail


def test_what_was_made_turns_from_pass_to_warn_to_fail_as_the_clock_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = policies.apply(dg.AssetSpec(PUBLICATION))
    defs = dg.Definitions(assets=[dg.AssetsDefinition(specs=[made])])
    node = defs.resolve_asset_graph().get(PUBLICATION)
    evaluator = freshness_evaluator.TimeWindowFreshnessPolicyEvaluator()
    hour, now = 3600, time.time()
    with dg.DagsterInstance.ephemeral() as instance:

        def state_after(hours: float) -> str:
            monkeypatch.setattr(
                freshness_evaluator, "get_current_timestamp", lambda: now + hours * hour
            )
            context = LoadingContextForTest(instance)
            return asyncio.run(evaluator.evaluate_freshness(context, node)).value

        assert state_after(0) == "UNKNOWN", "it was never made"
        instance.report_runless_asset_event(dg.AssetMaterialization(PUBLICATION))
        assert [state_after(hours) for hours in (1, 25, 27, 49, 51)] == [
            "PASS",
            "PASS",
            "WARN",
            "WARN",
            "FAIL",
        ]


def test_only_sources_whose_cursors_can_miss_something_are_told_to_read_again() -> None:
    assert policies.rereading("mixpanel", 35) == {"lookback_days": "35"}
    assert policies.rereading("amplitude", 35) == {"lookback_hours": "840"}
    assert policies.rereading("stripe", 35) == {"reconcile_days": "0"}
    assert policies.rereading("hubspot", 35) == {}
