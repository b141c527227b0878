"""How healthy one customer is: its score over time, and what the score is made of."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from page import charts, customer, health_charts, parts
from page.published import Published
from page.reasons import said
from page.words import Words, day, is_known, number, plain


def history(published: Published, row: pd.Series, words: Words) -> None:
    """The score over time, with what held it and which version gave it."""
    found = customer.history(published, row.account_id)
    if found.empty:
        st.info(words.say("no_history"))
        return
    in_force = found[found.is_in_force.fillna(True).astype(bool)]
    scored = in_force.dropna(subset=["health_score"])
    told = words.say(
        "history_days",
        n=number(in_force.day.nunique()),
        first=day(found.day.min()),
        versions=", ".join(plain(version) for version in found.health_version.dropna().unique()),
    )
    if scored.empty:
        st.info(words.say("history_without_score"))
    else:
        parts.chart(health_charts.history(found, words), told)
    st.caption(told)
    _override(in_force, words)
    shown = found.iloc[::-1].assign(
        health_band=[words.code("health_band", band) for band in found.health_band[::-1]],
        health_cap=[words.code("cap", cap) for cap in found.health_cap[::-1]],
        health_override=[words.code("override", kind) for kind in found.health_override[::-1]],
    )
    columns = {
        "day": words.say("day"),
        "health_score": words.say("score"),
        "health_band": words.say("health_band"),
        "health_version": words.say("health_version"),
        "health_cap": words.say("held_by"),
        "health_override": words.say("health_override"),
        "health_override_by": words.say("health_override_by"),
        "health_override_reason": words.say("health_override_reason"),
    }
    parts.download(words, "health_history", lambda: shown, columns)


def _override(in_force: pd.DataFrame, words: Words) -> None:
    """What a person set by hand and holds on the newest day."""
    if in_force.empty or not is_known((now := in_force.iloc[-1]).health_override):
        return
    st.warning(
        words.say(
            "override_now",
            what=words.code("override", now.health_override),
            author=plain(now.health_override_by),
            reason=plain(now.health_override_reason),
            until=day(now.health_override_expires_on),
        ),
        icon=":material/pan_tool:",
    )


def drivers(published: Published, row: pd.Series, words: Words) -> None:
    """Every measure with its value, its limits, its weight and its points."""
    found = customer.drivers(published, row.account_id)
    if found.empty:
        st.info(words.say("no_drivers"))
        return
    applicable = found[found.null_reason.ne("not_applicable")]
    told = ", ".join(
        f"{words.code('measure', d.measure, d.label)}: {words.measured(d.raw_value, d.unit)}"
        for d in applicable.itertuples()
    )
    parts.chart(charts.drivers(applicable, words), told)
    shown = applicable.assign(
        label=[words.code("measure", d.measure, d.label) for d in applicable.itertuples()],
        score=applicable.score.round(1),
        weight_used=applicable.weight_used.round(1),
        score_group=[words.code("score_group", group) for group in applicable.score_group],
        value=[words.measured(d.raw_value, d.unit) for d in applicable.itertuples()],
        green=[words.measured(d.green_limit, d.unit) for d in applicable.itertuples()],
        red=[words.measured(d.red_limit, d.unit) for d in applicable.itertuples()],
        why=[
            words.code("null_reason", d.null_reason)
            if is_known(d.null_reason)
            else said(words, d.reason)
            for d in applicable.itertuples()
        ],
    )
    columns = {
        "label": words.say("measure"),
        "score_group": words.say("score_group"),
        "value": words.say("value"),
        "green": words.say("green_limit"),
        "red": words.say("red_limit"),
        "score": words.say("score"),
        "weight_used": words.say("weight_used"),
        "points": words.say("points"),
        "points_lost": words.say("points_lost"),
        "why": words.say("why"),
    }
    parts.table(shown, columns)
    parts.download(words, "health_drivers", lambda: shown, columns)
