"""What has moved a score in four weeks, held against the second implementation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.transform.raw import TRANSFORM

from .customers import CUSTOMERS, STEADY, Customer
from .four_weeks_ago import BEFORE, Before
from .heard import FULL, Heard
from .scoring import score

NOW: Mapping[str, Customer] = {who.name: who for who in (FULL, *CUSTOMERS)}
REFUSER = "a_version_that_has_scored_a_day_is_not_changed"
BESIDE = "caps_and_overrides"
# A step between two scores, each cut to hundredths by largest remainder.
CUT = Fraction(2, 100)

each = pytest.mark.parametrize("who", BEFORE, ids=[who.name for who in BEFORE])


def _changes(con: DuckDBPyConnection, name: str) -> dict[str, tuple[Decimal, ...]]:
    """Behaviour, definition and late data of each measure."""
    rows = con.execute(
        "select measure, behaviour_change, definition_change, late_data_change"
        " from marts.health_score_changes where account_id = ?",
        [f"hubspot:h_{name}"],
    ).fetchall()
    return {measure: tuple(parts) for measure, *parts in rows}


@pytest.fixture(scope="module")
def copied(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBPyConnection]:
    """The warehouse once more, to write into."""
    path = tmp_path_factory.mktemp("copied") / "warehouse.duckdb"
    shutil.copyfile(built / "warehouse.duckdb", path)
    with duckdb.connect(str(path)) as con:
        yield con


def _points_now(who: Customer) -> dict[str, Fraction]:
    touches = {} if isinstance(who, Heard) else {"touches_90d": Fraction(0)}
    return score("low", "low", who.tenure_days, who.values() | touches, "v2").points


@each
def test_each_part_of_a_change_is_that_of_the_second_implementation(
    warehouse: DuckDBPyConnection, who: Before
) -> None:
    steps = (
        who.points("v1", with_late_data=False),
        who.points("v1", with_late_data=True),
        who.points("v2", with_late_data=True),
        _points_now(NOW[who.name]),
    )
    found = _changes(warehouse, who.name)
    assert set(found) == {BESIDE}.union(*steps) | set(found)
    for measure in set(found) - {BESIDE}:
        stored, restated, redefined, now = (step.get(measure, Fraction(0)) for step in steps)
        expected = (now - redefined, redefined - restated, restated - stored)
        for part, exact in zip(found[measure], expected, strict=True):
            assert abs(Fraction(part) - exact) < CUT, measure


@each
def test_the_parts_sum_exactly_to_the_change_of_the_score(
    warehouse: DuckDBPyConnection, who: Before
) -> None:
    row = warehouse.execute(
        "select health_score, health_delta_28d from marts.customer_health where account_id = ?",
        [f"hubspot:h_{who.name}"],
    ).fetchone()
    assert row is not None
    assert row[1] == row[0] - who.stored_score()
    parts = [part for parts in _changes(warehouse, who.name).values() for part in parts]
    assert sum(parts) == row[1]


def test_late_data_moves_only_what_it_is_about_and_only_who_it_is_about(
    warehouse: DuckDBPyConnection,
) -> None:
    # Under v1 adoption is half of the score and seats 35 % of it. 40 % of seats are worth
    # 50 x 0.40 / 0.60 = 33.33, 80 % are worth 79.17: 0.175 x 45.83 = 8.02 points.
    full = _changes(warehouse, "full")
    assert abs(full["active_to_licensed"][2] - Decimal("8.02")) <= Decimal("0.01")
    rest = [parts[2] for measure, parts in full.items() if measure != "active_to_licensed"]
    assert all(abs(part) <= Decimal("0.01") for part in rest)
    steady = _changes(warehouse, "steady")
    assert {parts[2] for parts in steady.values()} == {0}
    known_at = dict(
        warehouse.execute(
            "select account_id, count(late_data_known_at) > 0 from marts.health_score_changes"
            " group by account_id"
        ).fetchall()
    )
    assert known_at == {f"hubspot:h_{who.name}": who.was_replayed for who in BEFORE}


def test_a_cap_that_came_is_behaviour_and_what_scoring_gives_no_more_is_definition(
    warehouse: DuckDBPyConnection,
) -> None:
    # A cap at 49 since; then the stored score was 3.5 below the sum of its points, with no cap.
    raw = warehouse.execute(
        "select health_raw_score from marts.customer_health where account_id = 'hubspot:h_late'"
    ).fetchone()
    assert raw is not None
    assert _changes(warehouse, "late")[BESIDE] == (49 - raw[0], Decimal("3.5"), 0)


def test_what_came_late_is_listed_and_nothing_else(warehouse: DuckDBPyConnection) -> None:
    rows = warehouse.execute(
        "select account_id, day::text, fact, stored_value, value_now from marts.health_late_data"
        " where difference = 'value'"
    ).fetchall()
    seats = ("active_to_licensed", Decimal("0.4"), Decimal("0.8"))
    assert rows == [("hubspot:h_full", "2026-10-18", *seats)]
    # Of the one that the replay did not find, every fact went.
    gone = warehouse.execute(
        "select distinct account_id, difference, value_now, words_now from marts.health_late_data"
        " where difference <> 'value'"
    ).fetchall()
    assert gone == [("hubspot:h_late", "customer_went_later", None, None)]


def test_confidence_follows_what_is_known_and_how_old_it_is(
    warehouse: DuckDBPyConnection,
) -> None:
    def confidence(name: str) -> str | None:
        row = warehouse.execute(
            "select health_confidence from marts.customer_health where account_id = ?",
            [f"hubspot:h_{name}"],
        ).fetchone()
        assert row is not None
        return row[0]

    # All is known; all but one is, and one is stale; 70 % is known; nearly nothing is.
    names = ("full", "seen_yellow_a_while_ago", STEADY.name, "unmapped")
    assert [confidence(name) for name in names] == ["high", "medium", "medium", None]


def test_another_version_shows_who_moves_by_how_much_and_into_which_band(
    warehouse: DuckDBPyConnection,
) -> None:
    # Worked out by hand in test_health_scores: 83.29 under v1, 76.86 under v2, both green.
    moves = (
        "select health_version, day::text, health_version_in_force, score_in_force, health_score,"
        " score_change, is_in_another_band from marts.health_version_moves"
    )
    steady = warehouse.execute(f"{moves} where account_id = 'hubspot:h_steady'").fetchall()
    scores = (Decimal("76.86"), Decimal("83.29"), Decimal("6.43"))
    assert steady == [("v1", "2026-11-15", "v2", *scores, False)]


@pytest.mark.parametrize(
    ("change", "versions"),
    [
        ("health_scorecards set group_weight = 9 where score_group = 'support'", ["v2"]),
        ("health_measures set ttl_days = 61 where measure = 'star_players'", ["v1", "v2"]),
        ("health_measures set stale_days = 1 where measure = 'star_players'", ["v1", "v2"]),
        ("health_scorecard_rules set min_coverage_pct = 1 where version = 'v1'", ["v1"]),
        ("health_caps set cap_score = 48 where cap = 'csm_red'", ["v2"]),
        ("health_bands set from_score = 49 where band = 'yellow'", ["v1", "v2"]),
        ("health_scorecards set effective_to = '2030-01-01'", []),
        ("health_caps set cap_text = 'Late'", []),
    ],
)
def test_another_number_in_a_version_that_has_scored_a_day_is_refused_and_other_words_are_not(
    copied: DuckDBPyConnection, change: str, versions: list[str]
) -> None:
    refuser = (TRANSFORM / "tests" / f"{REFUSER}.sql").read_text().split("-#}")[1]
    schemas = {"customer_health_history": "marts", "int_health_versions": "intermediate"}
    for model, schema in schemas.items():
        refuser = refuser.replace(f"{{{{ ref('{model}') }}}}", f"{schema}.{model}")
    assert copied.execute(refuser).fetchall() == []
    copied.execute("begin")
    copied.execute(f"update seeds.{change}")
    refused = copied.execute(refuser).fetchall()
    copied.execute("rollback")
    assert sorted(version for version, *_ in refused) == versions
