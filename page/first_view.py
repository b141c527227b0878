"""The first view: how the book stands, whom to call first, what moved."""

from __future__ import annotations

import streamlit as st

from page import call_list, charts, evidence, figures, health_charts, parts
from page.book import Book
from page.published import Lacking, Published, newest
from page.words import Words, is_known, number, percent, plain


def show(published: Published, book: Book, words: Words) -> None:
    """Everything of the first view; parts that cannot be shown say so."""
    with parts.degraded(words):
        _headline(published, book, words)
    call_list.show(published, book, words)
    with parts.section(words, words.say("health_bands"), words.say("health_bands_told")):
        _bands(published, book, words)
    with parts.section(words, words.say("bands_by_week"), words.say("bands_by_week_told")):
        _weeks(published, book, words)
    with parts.section(words, words.say("movements"), words.say("movements_told")):
        _movements(published, book, words)
    if book.is_limited:
        st.info(words.say("limited_whole_company"))
        return
    with parts.section(words, words.say("cohorts"), words.say("cohorts_told")):
        _cohorts(published, words)
    with parts.section(words, words.say("backtest"), words.say("backtest_told")):
        evidence.show(published, words)


def _headline(published: Published, book: Book, words: Words) -> None:
    total = figures.totals(published, book)
    currency = parts.currency(total.currency)
    with st.container(horizontal=True):
        is_decided = total.customers > 0 or total.undecided == 0
        _metric(
            words.say("customers"),
            number(total.customers if is_decided else None),
            words.say("customers_help", accounts=number(total.accounts)),
        )
        for key in ("mrr", "arr"):
            _metric(
                words.say(key, currency=currency),
                words.money(total[key]),
                words.say(
                    "money_help", exact=number(total[key]), unpriced=number(total.without_mrr)
                ),
            )
        for band in ("red", "unknown"):
            share = total[f"{band}_arr"] / total.arr if total.arr and total.arr > 0 else None
            _metric(
                words.say(f"{band}_arr"),
                words.money(total[f"{band}_arr"]),
                words.say(f"{band}_arr_help", customers=number(total[band])),
                delta=words.say("of_arr", share=percent(share)),
            )
        if not book.is_limited:
            _retention(published, words)


def _retention(published: Published, words: Words) -> None:
    for metric in ("nrr_12m", "grr_12m"):
        try:
            found = figures.kpi(published, metric)
        except Lacking:
            found = None
        if found is None:
            _metric(words.code("metric", metric), percent(None), words.say("kpi_unknown"))
            continue
        target = words.say("target", value=percent(found.target)) if is_known(found.target) else ""
        _metric(
            words.code("metric", metric),
            percent(found.value),
            f"{plain(found.method)}. {target}".strip(),
            delta=f"{found.month_on:%Y-%m}",
        )


def _metric(label: str, value: str, told: str, delta: str | None = None) -> None:
    st.metric(
        label,
        value,
        delta=delta,
        delta_color="off",
        delta_arrow="off",
        help=told,
        border=True,
        width=160,
        height="stretch",
    )


def _bands(published: Published, book: Book, words: Words) -> None:
    found = figures.bands(published, book)
    if found.empty:
        st.info(words.say("no_customers"))
        return
    currency = parts.currency(figures.totals(published, book).currency)
    parts.chart(
        charts.bands(found, words, currency),
        ", ".join(
            f"{words.code('health_band', row.health_band)}: {number(row.customers)}"
            for row in found.itertuples()
        ),
    )


def _weeks(published: Published, book: Book, words: Words) -> None:
    found = figures.bands_by_week(published, book)
    if found.empty:
        st.info(words.say("no_weeks"))
        return
    column = st.segmented_control(
        words.say("weeks_of"),
        ["arr", "customers"],
        default="arr",
        required=True,
        format_func=lambda value: words.code("weeks", value),
        key="weeks_of",
    )
    currency = parts.currency(figures.totals(published, book).currency)
    unit = words.say("customers") if column == "customers" else words.say("arr", currency=currency)
    parts.chart(
        health_charts.bands_by_week(found, words, str(column), unit), words.say("bands_by_week")
    )
    parts.download(
        words,
        "health_by_week",
        lambda: figures.bands_by_week(newest(published.folder), book),
        {
            "week_on": words.say("day"),
            "health_band": words.say("health_band"),
            "customers": words.say("customers"),
            "arr": words.say("arr", currency=currency),
            "health_version": words.say("health_version"),
        },
    )


def _movements(published: Published, book: Book, words: Words) -> None:
    found = figures.movements(published, book)
    if found.empty:
        st.info(words.say("no_movements"))
        return
    currency = parts.currency(
        found.currency.dropna().iloc[0] if found.currency.notna().any() else None
    )
    parts.chart(charts.movements(found, words, currency), words.say("movements"))
    if (missing := int(found.without_rate.sum())) > 0:
        st.caption(words.say("without_rate", n=number(missing)))
    parts.download(
        words,
        "mrr_movements",
        lambda: figures.movements(newest(published.folder), book),
        {
            "month_on": words.say("month"),
            "movement": words.say("movement"),
            "amount": words.say("amount"),
            "currency": words.say("currency"),
        },
    )


def _cohorts(published: Published, words: Words) -> None:
    found = figures.cohorts(published)
    if found.empty:
        st.info(words.say("no_cohorts"))
        return
    column = st.segmented_control(
        words.say("cohorts_of"),
        ["revenue_retention", "logo_retention"],
        default="revenue_retention",
        required=True,
        format_func=lambda value: words.code("retention", value),
        key="retention",
    )
    if found[column].notna().any():
        parts.chart(charts.cohorts(found, words, column), words.say("cohorts"))
    else:
        st.info(words.say("no_cohorts"))
