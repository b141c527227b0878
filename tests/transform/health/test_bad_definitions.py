"""A scorecard or tier that makes no sense is refused by the tests of its seed."""

from __future__ import annotations

import duckdb
import pytest

from tests.transform.conftest import BuildWarehouse
from tests.transform.warehouse import Dbt

from .conftest import ALL

REFUSERS = "path:seeds/health,resource_type:test test_name:versions_do_not_overlap"
# Each breaks what no other one touches, so that each test fails for one reason.
BAD = {
    "sums_to_100_health_scorecards": (
        "update seeds.health_scorecards set group_weight = group_weight + 0.01"
        " where scorecard = 'high' and score_group = 'adoption'"
    ),
    "scorecard_weights_are_not_negative": (
        "update seeds.health_scorecards set group_weight = -5"
        " where scorecard = 'low' and score_group = 'commercial'"
    ),
    "anchors_are_monotone_health_measures": (
        "update seeds.health_measures set anchor_75 = 30 where measure = 'days_since_core_use'"
    ),
    "is_known_measure_health_measures": (
        "update seeds.health_measures set measure = 'moon_phase' where measure = 'star_players'"
    ),
    "accepted_values_health_measures_score_group": (
        "update seeds.health_measures set score_group = 'weather' where measure = 'overdue_days'"
    ),
    "accepted_values_health_caps_input": (
        "update seeds.health_caps set input = 'moon_phase' where cap = 'csm_red'"
    ),
    "relationships_health_scorecard_rules_scorecard": (
        "update seeds.health_scorecard_rules set scorecard = 'middle' where sort_order = 5"
    ),
    "relationships_health_caps_version": (
        "update seeds.health_caps set version = 'v22' where cap = 'urgent_ticket'"
    ),
    "versions_are_whole_health_scorecards": (
        "insert into seeds.health_scorecards select 'v3', date '2030-01-01', null, scorecard,"
        " score_group, group_weight from seeds.health_scorecards where version = 'v2'"
    ),
    "measure_shares_sum_to_100_health_measures": (
        "update seeds.health_measures set tenure_to_days = 300"
        " where measure = 'active_to_licensed' and tenure_to_days = 270"
    ),
    "bands_follow_each_other_health_bands": (
        "update seeds.health_bands set from_score = 51 where band = 'yellow'"
    ),
    "versions_do_not_overlap_health_scorecards": (
        "update seeds.health_scorecards set effective_to = '2026-11-02' where version = 'v1'"
    ),
    "versions_do_not_overlap_tiers": (
        "insert into seeds.tiers"
        " select * replace ('v2' as version, date '2026-06-01' as effective_from) from seeds.tiers"
    ),
}


@pytest.fixture(scope="module")
def refused(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse, dbt: Dbt
) -> str:
    """What the tests say when every definition is broken at once; they pass before."""
    data_dir = tmp_path_factory.mktemp("definitions")
    build_warehouse(data_dir, {}, select="resource_type:seed", sources=ALL).close()
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as con:
        for change in BAD.values():
            con.execute(change)
    with pytest.raises(AssertionError) as failure:
        dbt.build(data_dir, sources=ALL, select=REFUSERS)
    return str(failure.value)


@pytest.mark.parametrize("test", BAD)
def test_a_definition_that_makes_no_sense_is_refused(refused: str, test: str) -> None:
    assert f".{test}" in refused
