"""A past by hand: twelve month-ends of stored scores, and what became of the customers."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

MONTHS = [date(2025, month, 1) for month in range(1, 13)] + [date(2026, m, 1) for m in range(1, 6)]
OBSERVED = 12
CUSTOMERS = 160
AS_OF = "2026-06-15T00:00:00Z"


def month_end(number: int) -> date:
    """Last day of the month with this place in MONTHS."""
    return (MONTHS[number] + timedelta(days=32)).replace(day=1) - timedelta(days=1)


# Account: first month without revenue (place in MONTHS), and what the label of month 5 must say.
BY_HAND = {
    "stays": (None, "stayed"),
    "in_the_embargo": (6, "embargo"),
    "first_of_the_window": (7, "churned"),
    "last_of_the_window": (9, "churned"),
    "after_the_window": (10, "stayed"),
    "announced": (8, "noticed"),
    "cancel_flag": (8, "noticed"),
    "young": (8, "young"),
    "left_unpaid": (8, "churned"),
    "card_died": (8, "churned"),
    "shrinks": (None, "stayed"),
    "renamed": (8, "churned"),
    "never_paid": (0, "unknown"),
}


def make_past() -> dict[str, pd.DataFrame]:
    """Tables above the backtest by schema.name: customers by hand, and many by chance."""
    rng = np.random.default_rng(3)
    gone = dict(BY_HAND)
    for number in range(CUSTOMERS):
        leaves = int(rng.integers(3, 17)) if rng.random() < 0.5 else None
        gone[f"c{number}"] = (leaves, "")
    measures, revenue, items, subscriptions, links = [], [], [], [], []
    for account, (left, _) in gone.items():
        arr = float(rng.integers(1, 50) * 1000)
        for number in range(OBSERVED):
            if left is not None and number >= max(left, 1):
                break
            measures.append(_measures(rng, account, number, left, arr))
        today = "renamed_today" if account == "renamed" else account
        for number, month in enumerate(MONTHS):
            pays = left is None or number < left
            share = 0.7 if account == "shrinks" and number > 7 else 1
            mrr = arr / 12 * share if pays else 0.0
            unpaid = account == "left_unpaid" and number == left
            revenue.append((today, month, month_end(number), mrr, 0.0, unpaid, True))
            items.append((today, month, mrr, "s", f"sub_{account}", None))
        notice = date(2025, 6, 20) if account == "announced" else None
        ended = month_end(left) if left else None
        reason = "payment_failed" if account == "card_died" else None
        subscriptions.append(("s", f"sub_{account}", f"cus_{account}", notice, ended, reason))
        links.append(("s", f"cus_{account}", account, today))
    past = pd.DataFrame(measures, columns=MEASURES)
    scored = past[["account_id", "day", "score"]].copy()
    return {
        "marts.health_measures_daily": past.drop(columns="score"),
        "marts.customer_health_history": _history(rng, scored),
        "intermediate.int_account_mrr": pd.DataFrame(
            revenue,
            columns=["account_id", "month_on", "measured_on", "mrr", "usage_mrr",
                     "is_involuntary", "is_closed"],
        ),
        "intermediate.int_mrr_months": pd.DataFrame(
            [(month, True) for month in MONTHS], columns=["month_on", "is_closed"]
        ),
        "intermediate.int_item_mrr": pd.DataFrame(
            items,
            columns=["account_id", "month_on", "mrr", "source", "subscription_source_id",
                     "not_counted_because"],
        ).astype({"not_counted_because": "str"}).replace({"not_counted_because": {"None": None}}),
        "intermediate.int_subscriptions": pd.DataFrame(
            subscriptions,
            columns=["source", "source_id", "account_source_id", "canceled_at", "ended_at",
                     "cancellation_reason"],
        ),
        "intermediate.int_link_ranges": pd.DataFrame(
            [(s, i, then, "billing", None) for s, i, then, _ in links],
            columns=["source", "source_id", "account_id", "kind", "valid_from"],
        ),
        "intermediate.int_account_links": pd.DataFrame(
            [(s, i, today) for s, i, _, today in links],
            columns=["source", "source_id", "account_id"],
        ),
        "seeds.health_scorecards": pd.DataFrame({"version": ["v1", "dealt", "unscored"]}),
    }  # fmt: skip


MEASURES = ["account_id", "day", "touch_tier", "tenure_days", "arr", "cancelling_mrr_share",
            "days_since_core_use", "csm_sentiment", "loaded_at", "score"]  # fmt: skip


def _measures(
    rng: np.random.Generator, account: str, number: int, left: int | None, arr: float
) -> tuple[object, ...]:
    day = month_end(number)
    ahead = 99 if left is None else left - number
    score = float(np.clip(np.round(rng.normal(58 if ahead > 4 else 40, 16)), 0, 100))
    known = rng.random() > 0.1
    return (
        account, day, "high" if len(account) % 2 else "tech",
        60 if account == "young" else 400 + number, arr,
        0.8 if account == "cancel_flag" else 0.0,
        float(rng.integers(0, 20 if ahead > 4 else 30)) if known else None,
        float(rng.integers(0, 3)) if rng.random() > 0.5 else None,
        # Half of the days were computed long after they were over.
        day + timedelta(days=1 if number % 2 else 200), score if known else None,
    )  # fmt: skip


def _history(rng: np.random.Generator, scored: pd.DataFrame) -> pd.DataFrame:
    """Version v1 as it is, and `dealt`: the same scores dealt out anew on every day."""
    dealt = scored.copy()
    dealt["score"] = dealt.groupby("day").score.transform(lambda s: rng.permutation(s.to_numpy()))
    both = pd.concat([scored.assign(version="v1"), dealt.assign(version="dealt")])
    band = pd.cut(both.score, [-1, 49.99, 74.99, 100], labels=["red", "yellow", "green"])
    return pd.DataFrame({
        "account_id": both.account_id, "day": both.day, "health_version": both.version,
        "health_score": both.score,
        "health_band": band.astype("object").where(band.notna(), "unknown"),
    })  # fmt: skip


TYPES = {
    "day": "date", "month_on": "date", "measured_on": "date", "canceled_at": "timestamp",
    "ended_at": "timestamp", "valid_from": "timestamp", "loaded_at": "timestamp",
    "cancellation_reason": "varchar", "not_counted_because": "varchar",
    "mrr": "decimal(18,4)", "arr": "decimal(18,4)", "usage_mrr": "decimal(18,4)",
    "health_score": "decimal(5,2)", "days_since_core_use": "decimal(18,8)",
    "csm_sentiment": "decimal(18,8)", "cancelling_mrr_share": "decimal(18,8)",
}  # fmt: skip


def write_past(data_dir: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write the tables into the warehouse of a data directory."""
    (data_dir / "raw").mkdir(parents=True, exist_ok=True)
    with duckdb.connect(
        str(data_dir / "warehouse.duckdb"), config={"storage_compatibility_version": "v1.4.0"}
    ) as con:
        for name, table in tables.items():
            con.register("given", table)
            casts = ", ".join(
                f"cast({column} as {TYPES[column]}) as {column}" if column in TYPES else column
                for column in table.columns
            )
            con.execute(f"create schema if not exists {name.split('.')[0]}")
            con.execute(f"create or replace table {name} as select {casts} from given")
            con.unregister("given")
