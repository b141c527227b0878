"""Revenue metrics a second time, in pandas, from the MRR of items: no line is shared with the SQL.

Works on dense account x month tables instead of joins of months; amounts are floats of the
reporting currency.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd


@dataclass
class Books:
    """`native[currency]` is account x month MRR in that currency, `rates` currency x month.

    `without_rate` is account x month MRR in currencies that no rate converts: their accounts count,
    their money does not. `items` is one row per paid item and month.
    """

    native: dict[str, pd.DataFrame]
    without_rate: pd.DataFrame
    rates: pd.DataFrame
    months: pd.DatetimeIndex
    items: pd.DataFrame

    def before(self, month: pd.Timestamp, earlier: pd.Timestamp) -> pd.Series:
        """MRR per account at `earlier`, at the rate of `month`; a contract that changed hands since
        is counted for its owner of `month`."""
        since = self.items[self.items["month_on"].between(earlier, month)]
        owner = since.sort_values("month_on").groupby("item_source_id")["account_id"].last()
        then = since[since["month_on"] == earlier]
        worth = then["mrr"] * then["currency"].map(self.rates[month]).astype(float)
        table = next(iter(self.native.values()))
        found = worth.groupby(then["item_source_id"].map(owner)).sum()
        return found.reindex(table.index, fill_value=0.0)

    def at_rate_of(self, month: pd.Timestamp) -> pd.DataFrame:
        """Account x month MRR of all currencies, everything at the rate of one month."""
        return sum(  # type: ignore[return-value]
            table * self.rates.loc[currency, month] for currency, table in self.native.items()
        )


def open_books(con: duckdb.DuckDBPyConnection) -> Books:
    """The books of the warehouse behind `con`."""
    items = con.execute(
        "select item_source_id, account_id, currency, month_on, cast(mrr as double) as mrr"
        " from intermediate.int_item_mrr where mrr is not null and account_id is not null"
    ).df()
    months = con.execute(
        "select month_on, measured_on from intermediate.int_mrr_months order by 1"
    ).df()
    index = pd.DatetimeIndex(months["month_on"])
    given = con.execute("select * from intermediate.int_planning_rates").df()
    given["valid_from"] = pd.to_datetime(given["valid_from"])
    has_rate = items["currency"].isin(given["currency"])

    def table(rows: pd.DataFrame, accounts: list[str]) -> pd.DataFrame:
        wide = rows.pivot_table(index="account_id", columns="month_on", values="mrr", aggfunc="sum")
        return wide.reindex(index=accounts, columns=index).fillna(0.0)

    accounts = sorted(items[has_rate]["account_id"].unique())
    others = sorted(set(items["account_id"]) - set(accounts))
    native = {
        str(currency): table(group, accounts)
        for currency, group in items[has_rate].groupby("currency")
    }
    rates = pd.DataFrame(
        {
            month: {
                currency: _usd(given, currency, day) / _usd(given, "USD", day)
                for currency in native
            }
            for month, day in zip(index, pd.to_datetime(months["measured_on"]), strict=True)
        }
    )
    without_rate = table(items[~has_rate], others)
    return Books(native, without_rate, rates, index, items[has_rate & (items["mrr"] > 0)])


def _usd(given: pd.DataFrame, currency: str, day: pd.Timestamp) -> float:
    known = given[(given["currency"] == currency) & (given["valid_from"] <= day)]
    return float(known.sort_values("valid_from")["usd_per_unit"].iloc[-1])


def monthly(books: Books) -> pd.DataFrame:
    """One row per month, one column per metric; NaN where the SQL says NULL."""
    rows = {}
    paid_before = pd.Series(False, index=next(iter(books.native.values())).index)
    for number, month in enumerate(books.months):
        table = books.at_rate_of(month)
        now = table[month]
        unpriced = books.without_rate
        row = {
            "mrr": now.sum(),
            "arr": 12 * now.sum(),
            "active_accounts": float((now > 0).sum() + (unpriced[month] > 0).sum()),
        }
        row["arpa"] = now.sum() / (now > 0).sum() if (now > 0).any() else np.nan
        before = books.before(month, books.months[number - 1]) if number else now * 0
        new = (now > 0) & (before == 0) & ~paid_before
        back = (now > 0) & (before == 0) & paid_before
        had = before > 0
        earlier = unpriced[books.months[:number]].max(axis=1).fillna(0) > 0
        row["new_accounts"] = float(new.sum() + ((unpriced[month] > 0) & ~earlier).sum())
        up = (now - before).clip(lower=0)[had].sum()
        down = (before - now).clip(lower=0)[had].sum()
        opening = before[had].sum()
        row["logo_churn"] = _over((had & (now == 0)).sum(), had.sum())
        row["gross_mrr_churn"] = _over(down, opening)
        row["net_mrr_churn"] = _over(down - up - now[back].sum(), opening)
        row["expansion_rate"] = _over(up, opening)
        row["quick_ratio"] = _over(now[new | back].sum() + up, down)
        if number >= 12:
            year_ago = books.before(month, books.months[number - 12])
            cohort = year_ago > 0
            row["nrr_12m"] = _over(now[cohort].sum(), year_ago[cohort].sum())
            row["grr_12m"] = _over(np.minimum(now, year_ago)[cohort].sum(), year_ago[cohort].sum())
        paid_before |= now > 0
        rows[month] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def cohorts(books: Books) -> pd.DataFrame:
    """First paid month x age in months: share of accounts left and of MRR left."""
    paying = sum(table > 0 for table in books.native.values())
    first = paying.apply(lambda row: row.index[row > 0].min(), axis=1)  # type: ignore[union-attr]
    rows = []
    for cohort, members in first.groupby(first):
        table = books.at_rate_of(cohort).loc[members.index]
        for month in books.months[books.months >= cohort]:
            age = (month.year - cohort.year) * 12 + month.month - cohort.month
            left = (table[month] > 0).sum()
            kept = table[month].sum() / table[cohort].sum()
            rows.append((cohort, age, len(members), left / len(members), kept))
    return pd.DataFrame(rows, columns=["cohort_on", "age_months", "accounts", "logos", "revenue"])


def daily(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """(account, currency) x day MRR: every item keeps what it brings until its subscription is
    looked at again."""
    items = con.execute(
        "select source, subscription_source_id, account_id, currency, measured_on,"
        " cast(sum(mrr) as double) as mrr from intermediate.int_item_mrr_days"
        " where mrr > 0 and account_id is not null group by all"
    ).df()
    looks = con.execute(
        "select source, subscription_source_id, measured_on from intermediate.int_mrr_days"
    ).df()
    days = pd.date_range(looks["measured_on"].min(), looks["measured_on"].max())
    seen = dict(list(looks.groupby(["source", "subscription_source_id"])["measured_on"]))
    total: dict[tuple[str, str], pd.Series] = {}
    owners = ["source", "subscription_source_id", "account_id", "currency"]
    for (source, subscription, account, currency), rows in items.groupby(owners):
        looked_at = pd.DatetimeIndex(sorted(seen[(source, subscription)]))
        told = rows.set_index("measured_on")["mrr"].reindex(looked_at, fill_value=0.0)
        held = told.reindex(days, method="ffill").fillna(0.0)
        total[(account, currency)] = total.get((account, currency), 0.0) + held
    return pd.DataFrame(total).T


def movements(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Account, month, movement, amount in the contracts' currency; of accounts with one currency.

    Walks through the months item by item, as one would on paper.
    """
    items = con.execute(
        "select source || item_source_id as item, account_id, currency, month_on,"
        " cast(mrr as double) as mrr from intermediate.int_item_mrr"
        " where mrr > 0 and account_id is not null order by month_on"
    ).df()
    currencies = items.groupby("account_id")["currency"].nunique()
    months = con.execute("select month_on from intermediate.int_mrr_months order by 1").df()
    held: dict[str, tuple[str, float]] = {}
    balance: dict[str, float] = {}
    ever: set[str] = set()
    rows = []
    for month in months["month_on"]:
        now = items[items["month_on"] == month]
        moved: dict[str, float] = {}
        for row in now.itertuples():
            owner, mrr = held.get(row.item, (row.account_id, 0.0))
            if owner != row.account_id:
                moved[owner] = moved.get(owner, 0.0) - mrr
                moved[row.account_id] = moved.get(row.account_id, 0.0) + mrr
        after = now.groupby("account_id")["mrr"].sum().to_dict()
        for account in {*balance, *after}:
            opening, transfer = balance.get(account, 0.0), moved.get(account, 0.0)
            closing = after.get(account, 0.0)
            rest = closing - opening - transfer
            if opening == 0 and transfer == 0:
                kind = "reactivation" if account in ever else "new"
            elif closing == 0:
                kind = "churn"
            else:
                kind = "expansion" if rest > 0 else "contraction"
            rows += [(account, month, kind, rest), (account, month, "transfer", transfer)]
        held = {row.item: (row.account_id, row.mrr) for row in now.itertuples()}
        ever |= set(after)
        balance = {account: after.get(account, 0.0) for account in {*balance, *after}}
    found = pd.DataFrame(rows, columns=["account_id", "month_on", "movement", "amount"])
    one_currency = found["account_id"].map(currencies) == 1
    return found[one_currency & (found["amount"].abs() > 1e-9)].reset_index(drop=True)


def _over(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else np.nan
