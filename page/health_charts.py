"""Charts of health over time: one customer's score, the bands of all by week, survey answers."""

from __future__ import annotations

import altair as alt
import pandas as pd

from page.charts import BANDS, BLUE, UNKNOWN, ZONES, Drawn, days
from page.words import Words, is_known

VIOLET = "#7a5cc9"
INSTRUMENTS = {"nps": BLUE, "csat": "#2e9e6b", "ces": "#d9a114"}


def history(found: pd.DataFrame, words: Words) -> Drawn:
    """The score in force as a line before the zones of the bands; versions that scored the same
    days again as thin dashed lines; a violet rule where the version changed, a triangle on the
    first day on which something held the score: a cap, or a person.
    """
    told = found.assign(score=found.health_score.astype("float"), day=pd.to_datetime(found.day))
    told["band"] = [words.code("health_band", band) for band in told.health_band]
    told["held"] = [_held(row, words) for row in told.itertuples()]
    in_force = told[told.is_in_force.fillna(True).astype(bool)]
    others = told[~told.is_in_force.fillna(True).astype(bool)]
    score = alt.Y("score:Q", title=words.say("score"), scale=alt.Scale(domain=[0, 100], nice=False))
    tooltip = [
        alt.Tooltip("day:T", title=words.say("day"), format="%Y-%m-%d"),
        alt.Tooltip("score:Q", title=words.say("score"), format=".0f"),
        alt.Tooltip("band:N", title=words.say("health_band")),
        alt.Tooltip("health_version:N", title=words.say("health_version")),
        alt.Tooltip("held:N", title=words.say("held_by")),
    ]
    zones = (
        alt.Chart(ZONES)
        .mark_rect(opacity=0.16)
        .encode(y=alt.Y("from:Q"), y2="to:Q", color=alt.Color("colour:N", scale=None))
    )
    line = alt.Chart(in_force).mark_line(color=BLUE, strokeWidth=2, point=len(in_force) < 40)
    layers = [zones, line.encode(x=days(), y=score, tooltip=tooltip)]
    if not others.empty:
        again = alt.Chart(others).mark_line(color=UNKNOWN, strokeDash=[3, 3], point=len(others) < 9)
        layers.append(again.encode(x=days(), y=score, detail="health_version:N", tooltip=tooltip))
    if not (changes := versions(found)).empty:
        rule = alt.Chart(changes).encode(x=days())
        layers.append(rule.mark_rule(color=VIOLET, strokeDash=[6, 3]))
        layers.append(
            rule.mark_text(align="left", dx=4, dy=-6, color=VIOLET).encode(
                y=alt.value(12), text="health_version:N"
            )
        )
    before = in_force.held.shift()
    first = in_force[in_force.held.notna() & in_force.held.ne(before)]
    if not first.empty:
        held = alt.Chart(first).mark_point(
            shape="triangle-down", size=110, filled=True, color=VIOLET, opacity=1, yOffset=-10
        )
        layers.append(held.encode(x=days(), y=score, tooltip=tooltip))
    return alt.layer(*layers).properties(height=260)


def versions(found: pd.DataFrame) -> pd.DataFrame:
    """The days on which the version in force was another than on the day before it: day, version.

    `found` has a day (`day` or `week_on`), health_version, and is_in_force or only what was.
    """
    dated = found.rename(columns={"week_on": "day"})
    if "is_in_force" in dated:
        dated = dated[dated.is_in_force.fillna(True).astype(bool)]
    dated = dated.sort_values("day").drop_duplicates("day")
    before = dated.health_version.shift()
    changed = dated.health_version.ne(before) & before.notna()
    return dated.loc[changed, ["day", "health_version"]].assign(
        day=lambda rows: pd.to_datetime(rows.day)
    )


def _held(row: object, words: Words) -> str | None:
    override, cap = getattr(row, "health_override", None), getattr(row, "health_cap", None)
    if is_known(override):
        return words.code("override", override)
    return words.code("cap", cap) if is_known(cap) else None


def bands_by_week(found: pd.DataFrame, words: Words, column: str, unit: str) -> Drawn:
    """Customers or ARR (`column`) per band and week as shares, one bar a week; a violet rule where
    the version changed.
    """
    order = [band for band in BANDS if band in set(found.health_band)]
    told = found.assign(
        week=[f"{day:%Y-%m-%d}" for day in found.week_on],
        amount=found[column].astype("float").fillna(0),
        band=[words.code("health_band", band) for band in found.health_band],
        rank=[order.index(band) if band in order else 9 for band in found.health_band],
    )
    whole = told.groupby("week").amount.transform("sum")
    told["share"] = (told.amount / whole).where(whole > 0, 0)
    weeks = alt.X("week:O", title=None, axis=alt.Axis(labelAngle=-45, labelOverlap=True))
    bars = (
        alt.Chart(told)
        .mark_bar()
        .encode(
            x=weeks,
            y=alt.Y(
                "share:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            color=alt.Color(
                "band:N",
                scale=alt.Scale(
                    domain=[words.code("health_band", band) for band in order],
                    range=[BANDS[band] for band in order],
                ),
                legend=alt.Legend(title=None, orient="bottom", columns=4),
            ),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("week:O", title=words.say("day")),
                alt.Tooltip("band:N", title=words.say("health_band")),
                alt.Tooltip("amount:Q", title=unit, format=",.0f"),
                alt.Tooltip("share:Q", title=words.say("share"), format=".1%"),
                alt.Tooltip("health_version:N", title=words.say("health_version")),
            ],
        )
    )
    changes = versions(found)
    if changes.empty:
        return bars.properties(height=260)
    told = changes.assign(week=[f"{day:%Y-%m-%d}" for day in changes.day])
    rule = alt.Chart(told).mark_rule(color=VIOLET, strokeWidth=2).encode(x=weeks)
    return (bars + rule).properties(height=260)


def answers(found: pd.DataFrame, words: Words) -> alt.Chart:
    """Answers to surveys over time, all on one scale of 0 to 100, in the colour of their survey."""
    shown = [name for name in INSTRUMENTS if name in set(found.instrument)]
    told = found.assign(
        what=[words.code("instrument", name) for name in found.instrument],
        answer=[f"{row.score:g} / {row.scale_max:g}" for row in found.itertuples()],
        score_0_100=found.score_0_100.astype("float"),
    )
    return (
        alt.Chart(told)
        .mark_circle(size=70, opacity=0.75)
        .encode(
            x=days("responded_at"),
            y=alt.Y(
                "score_0_100:Q", title=words.say("answer_0_100"), scale=alt.Scale(domain=[0, 100])
            ),
            color=alt.Color(
                "what:N",
                scale=alt.Scale(
                    domain=[words.code("instrument", name) for name in shown],
                    range=[INSTRUMENTS[name] for name in shown],
                ),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("responded_at:T", title=words.say("day"), format="%Y-%m-%d"),
                alt.Tooltip("what:N", title=words.say("instrument")),
                alt.Tooltip("answer:N", title=words.say("answer")),
            ],
        )
        .properties(height=200)
    )
