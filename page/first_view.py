"""The first view: how the book stands, whom to call first, what moved."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from page import address, charts, figures, parts
from page.book import Book
from page.filters import COLUMNS, NONE, Filters
from page.published import Lacking, Published, newest
from page.words import Words, day, is_known, number, percent, plain

CARDS, ROWS = 6, 200


def show(published: Published, book: Book, words: Words) -> None:
    """Everything of the first view; parts that cannot be shown say so."""
    with parts.degraded(words):
        _headline(published, book, words)
    _to_call(published, book, words)
    with parts.section(words, words.say("health_bands"), words.say("health_bands_told")):
        _bands(published, book, words)
    with parts.section(words, words.say("movements"), words.say("movements_told")):
        _movements(published, book, words)
    if book.is_limited:
        st.info(words.say("limited_whole_company"))
        return
    with parts.section(words, words.say("cohorts"), words.say("cohorts_told")):
        _cohorts(published, words)


def _headline(published: Published, book: Book, words: Words) -> None:
    total = figures.totals(published, book)
    currency = _currency(total.currency)
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


def _to_call(published: Published, book: Book, words: Words) -> None:
    with parts.section(words, words.say("calls"), words.say("calls_told")):
        filters = _chosen(published, book, words)
        found = figures.calls(published, book, filters, ROWS)
        total = figures.totals(published, book, filters)
        if found.empty:
            st.info(words.say("calls_none"))
            return
        for start in range(0, min(CARDS, len(found)), 3):
            for place, (_, account) in zip(
                st.columns(3), found.iloc[start : start + 3].iterrows(), strict=False
            ):
                with place:
                    _card(account, words)
        _list(published, book, filters, found, total, words)


def _chosen(published: Published, book: Book, words: Words) -> Filters:
    """The filters, kept in the address so that a view can be sent to somebody."""
    offered = figures.choices(published, book)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text, changed = address.one("search", "")
        search = st.text_input(
            words.say("search"),
            text,
            key="search",
            on_change=changed,
            placeholder=words.say("search_told"),
            icon=":material/search:",
            width=260,
        )
        chosen = {}
        for name, column in COLUMNS.items():
            before, changed = address.several(name, offered[name])
            chosen[name] = st.multiselect(
                words.say(column),
                offered[name],
                before,
                format_func=partial(_choice, words, column),
                key=name,
                on_change=changed,
                placeholder=words.say("all"),
                width=200,
            )
        others, changed = address.one("others", "")
        with_others = st.toggle(
            words.say("with_others"), bool(others), key="others", on_change=changed
        )
    return Filters(
        csm=tuple(chosen["csm"]),
        tier=tuple(chosen["tier"]),
        stage=tuple(chosen["stage"]),
        band=tuple(chosen["band"]),
        search=search or "",
        with_others=with_others,
    )


def _choice(words: Words, column: str, value: str) -> str:
    return words.say("none") if value == NONE else words.code(column, value)


def _card(account: pd.Series, words: Words) -> None:
    with st.container(border=True, height="stretch"):
        st.button(
            f"**{parts.name(account)}**",
            key=f"open {account.account_id}",
            type="tertiary",
            on_click=open_account,
            args=(account.account_id,),
        )
        facts = [
            parts.badge(words, account.health_band, account.health_score),
            words.say(
                "arr_of", amount=words.money(account.arr), currency=_currency(account.currency)
            ),
        ]
        if is_known(account.renewal_on):
            facts.append(
                words.say(
                    "renews", on=day(account.renewal_on), days=number(account.days_to_renewal)
                )
            )
        facts.append(plain(account.csm_name) if is_known(account.csm_name) else words.say("no_csm"))
        st.markdown(" · ".join(facts))
        reasons = [account.reason_1, account.reason_2, account.reason_3]
        told = [plain(reason) for reason in reasons if is_known(reason)]
        if not told and is_known(account.health_null_reason):
            told = [words.code("null_reason", account.health_null_reason)]
        st.markdown("\n".join(f"- {reason}" for reason in told) or words.say("no_reasons"))


def _list(
    published: Published,
    book: Book,
    filters: Filters,
    found: pd.DataFrame,
    total: pd.Series,
    words: Words,
) -> None:
    columns = {
        "account_name": words.say("account_name"),
        "priority": words.say("priority"),
        "health_score": words.say("score"),
        "health_band": words.say("health_band"),
        "renewal_on": words.say("renewal_on"),
        "arr": words.say("arr", currency=_currency(total.currency)),
        "csm_name": words.say("csm_name"),
        "touch_tier": words.say("touch_tier"),
        "lifecycle_stage": words.say("lifecycle_stage"),
        "reason_1": words.say("reason_n", n=1),
        "reason_2": words.say("reason_n", n=2),
        "reason_3": words.say("reason_n", n=3),
    }
    told = words.say(
        "matches",
        n=number(total.accounts),
        arr=words.money(total.arr),
        red=words.money(total.red_arr),
        currency=_currency(total.currency),
    )
    if total.accounts > len(found):
        told += " " + words.say("matches_cut", n=number(len(found)))
    st.caption(told)
    shown = found.assign(
        health_band=[words.code("health_band", v) for v in found.health_band],
        touch_tier=[words.code("touch_tier", v) for v in found.touch_tier],
        lifecycle_stage=[words.code("lifecycle_stage", v) for v in found.lifecycle_stage],
        priority=found.priority.round(),
        arr=found.arr.round(),
        health_score=found.health_score.round(),
    )

    def opened() -> None:
        for row in st.session_state["calls"].selection.rows:
            open_account(str(found.account_id.iloc[row]))

    parts.table(
        shown,
        columns,
        key="calls",
        on_select=opened,
        selection_mode="single-row",
        height=420 if len(shown) > 11 else "auto",
    )
    parts.download(
        words,
        "whom_to_call_first",
        # The newest one by the time that somebody asks, and what the user may see in it.
        lambda: figures.all_calls(newest(published.folder), book, filters),
        {"account_id": words.say("account_id")} | columns,
    )


def _bands(published: Published, book: Book, words: Words) -> None:
    found = figures.bands(published, book)
    if found.empty:
        st.info(words.say("no_customers"))
        return
    currency = _currency(figures.totals(published, book).currency)
    parts.chart(
        charts.bands(found, words, currency),
        ", ".join(
            f"{words.code('health_band', row.health_band)}: {number(row.customers)}"
            for row in found.itertuples()
        ),
    )


def _movements(published: Published, book: Book, words: Words) -> None:
    found = figures.movements(published, book)
    if found.empty:
        st.info(words.say("no_movements"))
        return
    currency = _currency(found.currency.dropna().iloc[0] if found.currency.notna().any() else None)
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


def open_account(account: str) -> None:
    """Show the customer; its address can be sent to somebody."""
    st.query_params["account"] = account


def _currency(code: object) -> str:
    return code if isinstance(code, str) else ""
