"""A scorecard or tier that makes no sense is refused by the tests of its seed."""

from __future__ import annotations

import duckdb
import pytest

from tests.transform.conftest import BuildWarehouse
from tests.transform.warehouse import Dbt

from .conftest import ALL

REFUSERS = (
    "sums_to_100",
    "anchors_are_monotone",
    "is_known_measure",
    "measure_shares_sum_to_100",
    "bands_follow_each_other",
    "versions_do_not_overlap",
)
BAD = {
    "sums_to_100_health_scorecards": (
        "update seeds.health_scorecards set group_weight = group_weight + 0.01"
        " where scorecard = 'high' and score_group = 'adoption'"
    ),
    "anchors_are_monotone_health_measures": (
        "update seeds.health_measures set anchor_75 = 30 where measure = 'days_since_core_use'"
    ),
    "is_known_measure_health_measures": (
        "update seeds.health_measures set measure = 'moon_phase' where measure = 'star_players'"
    ),
    "measure_shares_sum_to_100_health_measures": (
        "update seeds.health_measures set tenure_to_days = 300"
        " where measure = 'active_to_licensed' and tenure_to_days = 270"
    ),
    "bands_follow_each_other_health_bands": (
        "update seeds.health_bands set from_score = 51 where band = 'yellow'"
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
        dbt.build(data_dir, sources=ALL, select=" ".join(f"test_name:{name}" for name in REFUSERS))
    return str(failure.value)


@pytest.mark.parametrize("test", BAD)
def test_a_definition_that_makes_no_sense_is_refused(refused: str, test: str) -> None:
    assert test in refused
