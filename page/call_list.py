"""Whom to call first: filters, the most urgent as cards, all that match as a table."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from page import address, figures, parts
from page.book import Book
from page.filters import COLUMNS, NONE, Filters
from page.published import Published, newest
from page.reasons import said
from page.words import Words, day, is_known, number, plain

CARDS, ROWS = 6, 200
REASONS = ("reason_1", "reason_2", "reason_3")


def show(published: Published, book: Book, words: Words) -> None:
    """The part of the first view, under its heading."""
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
                width=176,
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
            on_click=address.open_account,
            args=(account.account_id,),
        )
        facts = [
            parts.badge(words, account.health_band, account.health_score, account.health_delta_28d),
            words.say(
                "arr_of", amount=words.money(account.arr), currency=parts.currency(account.currency)
            ),
        ]
        if is_known(account.renewal_on):
            facts.append(
                words.say(
                    "renews", on=day(account.renewal_on), days=number(account.days_to_renewal)
                )
            )
        facts.append(parts.owner(words, account))
        if is_known(account.priority):
            facts.append(f"{words.say('priority')} {words.money(account.priority)}")
        if is_known(account.open_urgent_tickets) and account.open_urgent_tickets > 0:
            urgent = words.say("urgent_open", n=number(account.open_urgent_tickets))
            facts.append(f":red-badge[{urgent}]")
        st.markdown(" · ".join(facts))
        told = [plain(said(words, account[name])) for name in REASONS if is_known(account[name])]
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
        "health_delta_28d": words.say("health_delta_28d"),
        "health_band": words.say("health_band"),
        "open_urgent_tickets": words.say("open_urgent_tickets"),
        "renewal_on": words.say("renewal_on"),
        "arr": words.say("arr", currency=parts.currency(total.currency)),
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
        currency=parts.currency(total.currency),
    )
    if total.accounts > len(found):
        told += " " + words.say("matches_cut", n=number(len(found)))
    st.caption(told)
    shown = found.assign(
        health_band=[words.code("health_band", v) for v in found.health_band],
        touch_tier=[words.code("touch_tier", v) for v in found.touch_tier],
        lifecycle_stage=[words.code("lifecycle_stage", v) for v in found.lifecycle_stage],
        **{name: [said(words, text) for text in found[name]] for name in REASONS},
        priority=found.priority.round(),
        health_delta_28d=found.health_delta_28d.round(),
        arr=found.arr.round(),
        health_score=found.health_score.round(),
    )

    def opened() -> None:
        for row in st.session_state["calls"].selection.rows:
            address.open_account(str(found.account_id.iloc[row]))

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
