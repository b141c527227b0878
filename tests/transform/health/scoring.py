"""A second implementation of the health score, in exact fractions, to hold the SQL against.

It reads the same seeds and shares nothing else with the models.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[3] / "transform" / "seeds" / "health"

Known = Mapping[str, Fraction | None]


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Score:
    """Score before caps (None = too little known), coverage, points per measure: all in percent."""

    raw: Fraction | None
    coverage: Fraction
    points: dict[str, Fraction]


def measure_score(value: Fraction, anchors: list[Fraction]) -> Fraction:
    """0 to 100 for a value between the anchors of 0, 50, 75 and 100, to hundredths."""
    marks = [Fraction(0), Fraction(50), Fraction(75), Fraction(100)]
    pairs = sorted(zip(anchors, marks, strict=True))
    if value <= pairs[0][0]:
        return pairs[0][1]
    for (low, low_mark), (high, high_mark) in pairwise(pairs):
        if value <= high:
            exact = low_mark + (value - low) / (high - low) * (high_mark - low_mark)
            return Fraction(round(exact * 100), 100)
    return pairs[-1][1]


def score(scorecard: str, touch_tier: str, tenure_days: int, values: Known) -> Score:
    """The score of an account; `values` has None for a measure whose value is unknown."""
    weights = {
        row["score_group"]: Fraction(row["group_weight"])
        for row in _seed("health_scorecards")
        if row["scorecard"] == scorecard
    }
    rows = [
        row
        for row in _seed("health_measures")
        if row["score_group"] in weights
        and row["scorecard"] in ("all", scorecard)
        and row["touch_tier"] in ("all", touch_tier)
        and int(row["tenure_from_days"]) <= tenure_days
        and (not row["tenure_to_days"] or tenure_days < int(row["tenure_to_days"]))
    ]
    applicable = {row["score_group"] for row in rows}
    shares = {row["measure"]: (row["score_group"], Fraction(row["share"])) for row in rows}
    scores = {}
    for row in rows:
        value = values[row["measure"]]
        if value is not None:
            anchors = [Fraction(row[f"anchor_{mark}"]) for mark in (0, 50, 75, 100)]
            scores[row["measure"]] = measure_score(value, anchors)

    total = sum(weights[group] for group in applicable)
    coverage = sum(
        (weights[shares[m][0]] / total * shares[m][1] for m in scores),
        start=Fraction(0),
    )
    known_groups = {shares[measure][0] for measure in scores}
    known_weight = sum(weights[group] for group in known_groups)
    points = {}
    for measure, worth in scores.items():
        group, share = shares[measure]
        in_group = sum(shares[other][1] for other in scores if shares[other][0] == group)
        points[measure] = weights[group] / known_weight * share / in_group * worth
    if coverage < 50:
        return Score(None, coverage, {})
    return Score(sum(points.values(), start=Fraction(0)), coverage, points)
