"""How far the score can be believed: what the backtest found, or that it is too little."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from page import figures, parts
from page.published import Published
from page.words import NOTHING, Words, day, is_known, number, plain


def show(published: Published, words: Words) -> None:
    """The newest version of the scorecards in figures, all versions in a table."""
    found = figures.backtest(published)
    if found.empty or not (newest := found.iloc[0]).observations > 0:
        st.info(words.say("no_backtest"))
        return
    seen = words.say(
        "backtest_seen",
        version=plain(newest.health_version),
        n=number(newest.observations),
        customers=number(newest.customers),
        first=day(newest.first_observed_on),
        last=day(newest.last_observed_on),
        rebuilt=number(newest.rebuilt_observations),
    )
    if newest.evidence == "enough":
        _figures(newest, words)
        st.caption(seen)
    else:
        lost = number(newest.lost_customers)
        st.info(
            f"{words.say('not_enough', lost=lost)} {seen}",
            icon=":material/help:",
        )
    _table(found, words)


def _figures(newest: pd.Series, words: Words) -> None:
    between = f"{_ratio(newest.auc_low)} – {_ratio(newest.auc_high)}"
    told = {
        "auc": (_ratio(newest.auc), words.say("auc_told", between=between)),
        "lift": (f"{_ratio(newest.lift_top_decile)}×", words.say("lift_told")),
        "captured": (_percent(newest.captured_arr_20_pct), words.say("captured_told")),
        "warned": (_percent(newest.warned_pct), words.say("warned_told")),
        "green_before": (_percent(newest.green_before_pct), words.say("green_before_told")),
    }
    with st.container(horizontal=True):
        for key, (value, help_) in told.items():
            st.metric(words.say(key), value, help=help_, border=True, width=160, height="stretch")


def _table(found: pd.DataFrame, words: Words) -> None:
    shown = found.assign(
        target=[words.code("target_of", target) for target in found.target],
        evidence=[words.code("evidence", evidence) for evidence in found.evidence],
        auc=[_ratio(auc) for auc in found.auc],
        alone=[_ratio(auc) for auc in found.auc_days_since_core_use],
    )
    columns = {
        "health_version": words.say("health_version"),
        "target": words.say("foretold"),
        "evidence": words.say("is_enough"),
        "observations": words.say("observations"),
        "lost_customers": words.say("lost_customers"),
        "auc": words.say("auc"),
        "alone": words.say("auc_alone"),
        "red_hit_pct": words.say("lost_of_band", band=words.code("health_band", "red")),
        "yellow_hit_pct": words.say("lost_of_band", band=words.code("health_band", "yellow")),
        "green_hit_pct": words.say("lost_of_band", band=words.code("health_band", "green")),
    }
    parts.table(shown, columns)
    parts.download(words, "backtest", lambda: shown, columns)


def _ratio(value: object) -> str:
    return f"{value:.2f}" if is_known(value) else NOTHING


def _percent(value: object) -> str:
    return f"{value:.0f} %" if is_known(value) else NOTHING
