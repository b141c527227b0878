"""The figures of the backtest once more, pair by pair and row by row, from labels and scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pairs(risk: Floats, hit: NDArray[np.int64]) -> Floats:
    """Hits x misses: 1 where the hit has the higher risk, 0.5 where they are equal, else 0."""
    difference = risk[hit == 1][:, None] - risk[hit == 0][None, :]
    return np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))


def auc(risk: Floats, hit: NDArray[np.int64]) -> float:
    """Share of pairs that are in order."""
    return float(pairs(risk, hit).mean())


def bootstrap_error(
    risk: Floats, hit: NDArray[np.int64], account: NDArray[np.object_], draws: int = 300
) -> float:
    """Standard deviation of the AUC over draws of whole customers, with replacement."""
    rng = np.random.default_rng(1)
    rows = [np.nonzero(account == name)[0] for name in np.unique(account)]
    found = []
    for _ in range(draws):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        if 0 < hit[drawn].sum() < len(drawn):
            found.append(auc(risk[drawn], hit[drawn]))
    return float(np.std(found))


def average_precision(risk: Floats, hit: NDArray[np.int64]) -> float:
    """Precision at every distinct risk, weighed by the hits that are new there."""
    total = 0.0
    for level in np.unique(risk)[::-1]:
        listed = risk >= level
        total += hit[risk == level].sum() / hit.sum() * hit[listed].mean()
    return total


def caught(risk: Floats, worth: Floats, part: float) -> float:
    """What of `worth` lies in the worst part of the rows; equal risks share it evenly."""
    room, found = part * len(risk), 0.0
    for level in np.unique(risk)[::-1]:
        rows = risk == level
        taken = min(rows.sum(), max(room, 0.0))
        found += worth[rows].sum() * taken / rows.sum()
        room -= rows.sum()
    return found


def calibration(cases: pd.DataFrame) -> tuple[float, float, float]:
    """Brier score, that of the base rate, and the mean gap between foretold and found shares.

    A case is foretold by the share of hits in its tenth of the scale (of all, where that has none)
    among observations at least four months older.
    """
    month = (cases.observed_on.dt.year * 12 + cases.observed_on.dt.month).to_numpy()
    tenth = np.minimum(np.floor(cases.risk / 10), 9).to_numpy()
    hits = cases.is_hit.to_numpy()
    rows = []
    for m, t, hit in zip(month, tenth, hits, strict=True):
        over = month <= m - 4
        if over.any():
            own = over & (tenth == t)
            rows.append((t, hit, hits[own if own.any() else over].mean(), hits[over].mean()))
    told = pd.DataFrame(rows, columns=["tenth", "hit", "own", "base"])
    gaps = (told.hit - told.own).groupby(told.tenth).sum().abs().sum()
    return (
        float(((told.hit - told.own) ** 2).mean()),
        float(((told.hit - told.base) ** 2).mean()),
        float(100 * gaps / len(told)),
    )
