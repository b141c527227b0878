"""A second implementation of the health score, in exact fractions, to hold the SQL against.

It reads the same seeds and shares nothing else with the models.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
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
    """Score before caps (None = too little known), coverage, points per measure: all in percent.

    `connected` is the coverage of what connected sources tell of.
    """

    raw: Fraction | None
    coverage: Fraction
    points: dict[str, Fraction]
    connected: Fraction


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


def score(
    scorecard: str,
    touch_tier: str,
    tenure_days: int,
    values: Known,
    version: str = "v1",
    off: Collection[str] = (),
) -> Score:
    """The score of an account; `values` has None for a measure whose value is unknown.

    A measure without any entry is unknown too. `off` names those whose source is not connected.
    """

    def of_version(name: str) -> list[dict[str, str]]:
        return [row for row in _seed(name) if row["version"] == version]

    weights = {
        row["score_group"]: Fraction(row["group_weight"])
        for row in of_version("health_scorecards")
        if row["scorecard"] == scorecard
    }
    rows = [
        row
        for row in of_version("health_measures")
        if row["score_group"] in weights
        and row["scorecard"] in ("all", scorecard)
        and row["touch_tier"] in ("all", touch_tier)
        and int(row["tenure_from_days"]) <= tenure_days
        and (not row["tenure_to_days"] or tenure_days < int(row["tenure_to_days"]))
    ]
    total = sum(weights[group] for group in {row["score_group"] for row in rows})
    nominal = {
        row["measure"]: 100 * weights[row["score_group"]] / total * Fraction(row["share"]) / 100
        for row in rows
    }
    early = {row["measure"] for row in rows if tenure_days < int(row["min_tenure_days"])}
    scores = {}
    for row in rows:
        value = values.get(row["measure"])
        if value is not None and row["measure"] not in early | set(off):
            anchors = [Fraction(row[f"anchor_{mark}"]) for mark in (0, 50, 75, 100)]
            scores[row["measure"]] = measure_score(value, anchors)

    def share_known(missing: Collection[str]) -> Fraction:
        whole = sum((w for m, w in nominal.items() if m not in missing), start=Fraction(0))
        known = sum((nominal[m] for m in scores), start=Fraction(0))
        return 100 * known / whole if whole else Fraction(0)

    coverage, connected = share_known(early), share_known(early | set(off))
    groups = {row["measure"]: row["score_group"] for row in rows}
    shares = {row["measure"]: Fraction(row["share"]) for row in rows}
    known_weight = sum(weights[group] for group in {groups[m] for m in scores})
    points = {}
    for measure, worth in scores.items():
        group = groups[measure]
        in_group = sum(shares[other] for other in scores if groups[other] == group)
        points[measure] = weights[group] / known_weight * shares[measure] / in_group * worth
    (least,) = {
        (Fraction(row["min_coverage_pct"]), Fraction(row["min_connected_pct"]))
        for row in of_version("health_scorecard_rules")
        if row["scorecard"] == scorecard
    }
    if coverage < least[0] or connected < least[1] or not scores:
        return Score(None, coverage, {}, connected)
    return Score(sum(points.values(), start=Fraction(0)), coverage, points, connected)
