"""Charts of the page. Colours mean the same everywhere and read on a light and a dark ground."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from page.words import NOTHING, Words, is_known, percent

GREEN, YELLOW, RED, UNKNOWN, BLUE = "#2e9e6b", "#d9a114", "#d64550", "#8a93a0", "#3b82c4"
Drawn = alt.Chart | alt.LayerChart | alt.FacetChart
BANDS = {"green": GREEN, "yellow": YELLOW, "red": RED, "unknown": UNKNOWN}
# Gains are cool, losses warm, the lighter of a pair is the milder; what nobody did is grey.
MOVEMENTS = {
    "new": BLUE,
    "reactivation": "#7fb2df",
    "expansion": GREEN,
    "contraction": "#e8944a",
    "churn": RED,
    "churn_involuntary": "#a8327e",
    "transfer": "#8a6d3b",
    "restatement": "#c9a227",
    "fx_effect": UNKNOWN,
}
# From red to green at 50 and 75 points: the values worth that are the limits of a measure.
ZONES = pd.DataFrame(
    {"from": [0, 50, 75], "to": [50, 75, 100], "colour": [RED, YELLOW, GREEN]},
)


def bands(found: pd.DataFrame, words: Words, currency: str) -> alt.Chart:
    """Customers and ARR per health band, as shares side by side."""
    order = [band for band in BANDS if band in set(found.health_band)]
    customers, arr = words.say("customers"), words.say("arr", currency=currency)
    told = pd.concat(
        [
            found.assign(what=what, amount=found[column], share=found[column] / found[column].sum())
            for what, column in ((customers, "customers"), (arr, "arr"))
            if found[column].sum() > 0
        ]
        or [found.assign(what="", amount=0, share=0.0)]
    )
    told["band"] = [words.code("health_band", band) for band in told.health_band]
    told["rank"] = [order.index(band) for band in told.health_band]
    told["amount_told"] = [f"{amount:,.0f}" for amount in told.amount.fillna(0)]
    return (
        alt.Chart(told)
        .mark_bar(height=26)
        .encode(
            y=alt.Y("what:N", title=None, sort=[customers, arr]),
            x=alt.X("share:Q", title=None, axis=alt.Axis(format="%"), scale=_share()),
            color=_colours(words, "band", {band: BANDS[band] for band in order}, "health_band"),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("band:N", title=words.say("health_band")),
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("amount_told:N", title=words.say("amount")),
                alt.Tooltip("share:Q", title=words.say("share"), format=".1%"),
            ],
        )
        .properties(height=190)
    )


def movements(found: pd.DataFrame, words: Words, currency: str) -> alt.LayerChart:
    """What MRR gained above and lost below the line per month, and the net of it as a diamond."""
    told = found.dropna(subset=["amount"])
    shown = {name: colour for name, colour in MOVEMENTS.items() if name in set(told.movement)}
    told = told.assign(
        what=[words.code("movement", movement) for movement in told.movement],
        rank=[list(MOVEMENTS).index(m) if m in MOVEMENTS else 99 for m in told.movement],
        month=[f"{month:%Y-%m}" for month in told.month_on],
        state=[words.say("month_closed" if c else "month_open") for c in told.is_closed],
    )
    x = alt.X("month:O", title=None, axis=alt.Axis(labelAngle=-45, labelOverlap=True))
    bars = (
        alt.Chart(told)
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("amount:Q", title=f"MRR ({currency})", axis=alt.Axis(format="~s")),
            color=_colours(words, "what", shown, "movement"),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("month:O", title=words.say("month")),
                alt.Tooltip("what:N", title=words.say("movement")),
                alt.Tooltip("amount:Q", title=currency, format="+,.0f"),
                alt.Tooltip("state:N", title=" "),
            ],
        )
    )
    net = (
        alt.Chart(told.groupby("month", as_index=False).agg(net=("amount", "sum")))
        .mark_point(
            shape="diamond",
            size=70,
            opacity=1,
            filled=True,
            color="#7a5cc9",
            stroke="white",
            strokeWidth=1,
        )
        .encode(
            x=x,
            y="net:Q",
            tooltip=[
                alt.Tooltip("month:O", title=words.say("month")),
                alt.Tooltip("net:Q", title=words.say("net"), format="+,.0f"),
            ],
        )
    )
    return (bars + net).properties(height=320)


def cohorts(found: pd.DataFrame, words: Words, column: str) -> alt.Chart:
    """Share left of each cohort by age. Revenue may be above 100 %: there, blue is growth."""
    told = found.dropna(subset=[column]).assign(
        cohort=lambda rows: [f"{month:%Y-%m}" for month in rows.cohort_on]
    )
    if column == "revenue_retention":
        scale = alt.Scale(
            domain=[0.5, 1, 1.5], range=[RED, "#e9e4d8", BLUE], clamp=True, interpolate="rgb"
        )
    else:
        scale = alt.Scale(
            domain=[0.5, 1], range=["#f0d9b5", "#1f6f5c"], clamp=True, interpolate="rgb"
        )
    return (
        alt.Chart(told)
        .mark_rect()
        .encode(
            x=alt.X("age_months:O", title=words.say("age_months"), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("cohort:O", title=None),
            color=alt.Color(
                f"{column}:Q",
                scale=scale,
                legend=alt.Legend(format="%", title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("cohort:O", title=words.say("cohort")),
                alt.Tooltip("age_months:O", title=words.say("age_months")),
                alt.Tooltip(f"{column}:Q", title=words.code("retention", column), format=".1%"),
                alt.Tooltip("accounts:Q", title=words.say("accounts_at_start")),
                alt.Tooltip("accounts_left:Q", title=words.say("accounts_left")),
            ],
        )
        .properties(height=max(160, 17 * told.cohort.nunique() + 90))
    )


def drivers(found: pd.DataFrame, words: Words) -> alt.LayerChart:
    """What each measure scores before the zones of the bands, with its value and its limits."""
    told = pd.DataFrame(_driver(row, words) for row in found.itertuples())
    y = alt.Y("what:N", title=None, sort=list(told.what), axis=alt.Axis(labelLimit=230))
    zones = (
        alt.Chart(ZONES)
        .mark_rect(opacity=0.16)
        .encode(
            x=alt.X(
                "from:Q",
                title=words.say("score"),
                # Room for the value of a full bar.
                scale=alt.Scale(domain=[0, 115]),
                axis=alt.Axis(values=[0, 25, 50, 75, 100]),
            ),
            x2="to:Q",
            color=alt.Color("colour:N", scale=None),
        )
    )
    base = alt.Chart(told).encode(
        y=y,
        tooltip=[
            alt.Tooltip("what:N", title=words.say("measure")),
            alt.Tooltip("value:N", title=words.say("value")),
            alt.Tooltip("green:N", title=words.say("green_limit")),
            alt.Tooltip("red:N", title=words.say("red_limit")),
            alt.Tooltip("score:Q", title=words.say("score"), format=".0f"),
            alt.Tooltip("weight:N", title=words.say("weight_used")),
            alt.Tooltip("why:N", title=words.say("why")),
        ],
    )
    bars = base.mark_bar(height=16).encode(
        x="place:Q",
        color=alt.Color(
            "band:N", scale=alt.Scale(domain=list(BANDS), range=list(BANDS.values())), legend=None
        ),
    )
    values = base.mark_text(align="left", dx=5, fontWeight="bold", color=UNKNOWN).encode(
        x="place:Q", text="shown:N"
    )
    chart = alt.layer(zones, bars, values).resolve_scale(color="independent")
    return chart.properties(height=36 * len(told) + 40)


def _driver(row: Any, words: Words) -> dict[str, Any]:
    is_known = not pd.isna(row.score)
    value = words.measured(row.raw_value, row.unit)
    why = row.reason if is_known else words.code("null_reason", row.null_reason)
    return {
        "what": words.code("measure", row.measure, row.label),
        "band": row.band,
        "value": value,
        "green": words.measured(row.green_limit, row.unit),
        "red": words.measured(row.red_limit, row.unit),
        "score": row.score,
        "place": row.score if is_known else 0,
        "weight": NOTHING if pd.isna(row.weight_used) else percent(row.weight_used / 100),
        "why": why,
        "shown": value if is_known else why,
    }


def usage(found: pd.DataFrame, words: Words, seats: Any) -> Drawn:
    """Users of a day, a week and a month, users issued, and the seats paid for as a line."""
    colours = {"mau": BLUE, "wau": GREEN, "dau": YELLOW, "issued_users": UNKNOWN}
    told = found.melt(
        id_vars=["day"], value_vars=list(colours), var_name="kind", value_name="users"
    )
    told["what"] = [words.code("users", kind) for kind in told.kind]
    # A day that nobody tells of stays a gap: NaN breaks the line, a missing row would not.
    told["users"] = told.users.astype("float")
    lines = (
        alt.Chart(told)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=days(),
            y=alt.Y("users:Q", title=words.say("users"), scale=alt.Scale(zero=True)),
            color=_colours(words, "what", colours, "users"),
            tooltip=[
                alt.Tooltip("day:T", title=words.say("day"), format="%Y-%m-%d"),
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("users:Q", title=words.say("users"), format=",.0f"),
            ],
        )
    )
    layers: list[alt.Chart] = [lines]
    if is_known(seats):
        paid = pd.DataFrame({"seats": [seats], "what": [words.say("licensed_seats")]})
        layers.append(
            alt.Chart(paid)
            .mark_rule(color=RED, strokeDash=[5, 4])
            .encode(
                y="seats:Q",
                tooltip=alt.Tooltip("seats:Q", title=words.say("licensed_seats"), format=",.0f"),
            )
        )
    return alt.layer(*layers).properties(height=260)


def mrr(found: pd.DataFrame, words: Words, currency: str) -> alt.Chart:
    """MRR month by month, in the colour of what happened in the month."""
    told = found.assign(
        month=[f"{month:%Y-%m}" for month in found.month_on],
        what=[words.code("movement", m) for m in found.movement],
    )
    shown = {**MOVEMENTS, "none": "#9fb8cf"}
    shown = {name: colour for name, colour in shown.items() if name in set(told.movement)}
    return (
        alt.Chart(told)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=-45, labelOverlap=True)),
            y=alt.Y("mrr_reporting:Q", title=f"MRR ({currency})", axis=alt.Axis(format="~s")),
            color=_colours(words, "what", shown, "movement"),
            tooltip=[
                alt.Tooltip("month:O", title=words.say("month")),
                alt.Tooltip("mrr_reporting:Q", title=f"MRR ({currency})", format=",.0f"),
                alt.Tooltip("what:N", title=words.say("movement")),
            ],
        )
        .properties(height=240)
    )


def days(field: str = "day") -> alt.X:
    """Days from left to right, written as in every language."""
    return alt.X(
        f"{field}:T", title=None, axis=alt.Axis(format="%Y-%m-%d", labelOverlap=True, tickCount=6)
    )


def _share() -> alt.Scale:
    return alt.Scale(domain=[0, 1], nice=False)


def _colours(words: Words, field: str, shown: dict[str, str], group: str) -> alt.Color:
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(
            domain=[words.code(group, name) for name in shown], range=list(shown.values())
        ),
        legend=alt.Legend(title=None, orient="bottom", columns=3),
    )
