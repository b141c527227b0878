"""A model fitted to what became of the customers, held against the score on the same observations.

It suggests weights and never sets them: a seed of the scorecards is changed by a person. Needs
scikit-learn (`pip install "customer-360[backtest]"`); without it there is no challenger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MISSING = (
    "No fitted challenger: scikit-learn is not installed (extra `backtest`). Everything else of the"
    " backtest is complete without it."
)
FOLDS = 5
# Lost customers that a half-year needs to be judged, as in the marts, and a model to learn from.
TO_JUDGE, TO_LEARN = 30, 15


@dataclass(frozen=True)
class Trial:
    """One half-year judged by a model that had seen nothing of it.

    AUCs of the challenger and of the score on the same observations; `lost` counts customers.
    """

    period: str
    observations: int
    lost: int
    auc: float
    score_auc: float


def is_there() -> bool:
    """Whether scikit-learn is installed."""
    return find_spec("sklearn") is not None


def trials(cases: pd.DataFrame, measures: Sequence[str]) -> list[Trial]:
    """Judge each half-year by models of the time before it and of other customers.

    `cases` has one row per observation: account_id, observed_on, window_until, period, is_hit
    (0 or 1), score_risk, and the measures, higher being worse; unknown is NaN. Trained on
    observations whose window was over when the half-year began, in folds by customer. Half-years
    with too few lost customers in or before them are left out.
    """
    from sklearn.model_selection import GroupKFold

    found = []
    for period, tested in cases.groupby("period"):
        known = cases[cases.window_until < tested.observed_on.min()]
        lost = tested[tested.is_hit == 1].account_id.nunique()
        if lost < TO_JUDGE or known[known.is_hit == 1].account_id.nunique() < TO_LEARN:
            continue
        risk = np.full(len(tested), np.nan)
        folds = GroupKFold(FOLDS).split(tested, groups=tested.account_id)
        for _, rows in folds:
            judged = tested.iloc[rows]
            learned = known[~known.account_id.isin(judged.account_id)]
            model = _fit(learned, measures)
            risk[rows] = model.predict_proba(judged[list(measures)])[:, 1]
        scored = tested.score_risk.notna().to_numpy()
        hit = tested.is_hit.to_numpy()[scored]
        score = tested.score_risk.to_numpy(dtype=float)[scored]
        found.append(
            Trial(str(period), int(scored.sum()), lost, auc(risk[scored], hit), auc(score, hit))
        )
    return found


def suggested_shares(cases: pd.DataFrame, measures: Sequence[str]) -> dict[str, float]:
    """Percent of the weight that a model of all cases gives each measure; what points the wrong way
    gets nothing."""
    model = _fit(cases, measures)
    pulls = np.clip(model[-1].coef_[0][: len(measures)], 0, None)
    total = pulls.sum() or 1.0
    return {name: round(100 * pull / total, 1) for name, pull in zip(measures, pulls, strict=True)}


def auc(risk: NDArray[np.float64], hit: NDArray[np.int64]) -> float:
    """Share of pairs of a hit and a miss in which the hit had the higher risk; ties count half."""
    hits, misses = risk[hit == 1], np.sort(risk[hit == 0])
    below = np.searchsorted(misses, hits, "left") + np.searchsorted(misses, hits, "right")
    return float(below.sum() / (2 * len(hits) * len(misses)))


def _fit(cases: pd.DataFrame, measures: Sequence[str]):  # type: ignore[no-untyped-def]
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=500),
    )
    return model.fit(cases[list(measures)], cases.is_hit)
