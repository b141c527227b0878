"""One customer: how it stands and why, what it uses and pays, and which records it is made of."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from page import address, charts, customer, parts
from page.book import Book
from page.published import Published
from page.words import NOTHING, Words, day, is_known, moment, number, percent, plain


def show(published: Published, book: Book, words: Words, account: str) -> None:
    """Everything about the account, or a sentence when the book does not have it."""
    st.button(
        words.say("back"), icon=":material/arrow_back:", on_click=address.close_account, key="back"
    )
    with parts.degraded(words):
        row = customer.profile(published, book, account)
        if row is None:
            st.warning(words.say("no_such_account", account=plain(account)))
            return
        _head(row, words)
        _family(published, book, account, words)
        with parts.section(words, words.say("drivers"), words.say("drivers_told")):
            _drivers(published, row, words)
        with parts.section(words, words.say("usage")):
            _usage(published, row, words)
        with parts.section(words, words.say("mrr_history")):
            _mrr(published, account, words)
        with parts.section(words, words.say("renewals")):
            _renewals(published, account, words)
        with parts.section(words, words.say("identities"), words.say("identities_told")):
            _identities(published, account, words)


def _head(row: pd.Series, words: Words) -> None:
    st.header(parts.name(row), anchor=False)
    facts = [
        parts.badge(words, row.health_band, row.health_score),
        f"{words.say('touch_tier')}: {words.code('touch_tier', row.touch_tier)}",
        f"{words.say('lifecycle_stage')}: {words.code('lifecycle_stage', row.lifecycle_stage)}",
        f"{words.say('csm_name')}: {parts.owner(words, row)}",
        *[plain(value) for value in (row.domain, row.industry, row.country) if is_known(value)],
        plain(row.account_id),
    ]
    st.markdown(" · ".join(facts))
    currency = parts.currency(row.currency)
    renewal = day(row.renewal_on)
    figures = {
        words.say("arr", currency=currency): words.money(row.arr),
        words.say("mrr", currency=currency): words.money(row.mrr),
        words.say("renewal_on"): renewal,
        words.say("seats"): " / ".join(
            number(value) for value in (row.active_users_28d, row.issued_users, row.licensed_seats)
        ),
        words.say("last_contact"): day(row.last_contact_at),
        words.say("overdue_days"): number(row.overdue_days),
    }
    with st.container(horizontal=True):
        for label, value in figures.items():
            told = words.say("seats_help") if label == words.say("seats") else None
            st.metric(label, value, border=True, width=176, help=told)
    _reasons(row, words)


def _reasons(row: pd.Series, words: Words) -> None:
    left, right = st.columns(2)
    for place, heading, names in (
        (left, "risks", ("reason_1", "reason_2", "reason_3")),
        (right, "strengths", ("strength_1", "strength_2", "strength_3")),
    ):
        told = [f"- {plain(row[name])}" for name in names if is_known(row[name])]
        place.markdown(f"**{words.say(heading)}**\n" + ("\n".join(told) or f"- {NOTHING}"))
    if is_known(row.health_null_reason):
        why = words.code("null_reason", row.health_null_reason)
        st.info(words.say("no_score", why=why, coverage=number(row.health_coverage_pct)))
    elif is_known(row.health_cap):
        raw, cap = number(row.health_raw_score), words.code("cap", row.health_cap)
        st.warning(words.say("capped", raw=raw, cap=plain(cap), score=number(row.health_score)))
    for name in ("touch_tier_reason", "lifecycle_reason"):
        if is_known(row[name]):
            st.caption(f"{words.say(name)}: {plain(row[name])}")


def _family(published: Published, book: Book, account: str, words: Words) -> None:
    relatives = customer.family(published, book, account)
    if relatives.empty:
        return
    with st.container(horizontal=True):
        for row in relatives.itertuples():
            name = parts.name(row)
            st.button(
                f"{words.code('family', row.role)}: {name}",
                key=f"relative {row.account_id}",
                on_click=address.open_account,
                args=(row.account_id,),
            )


def _drivers(published: Published, row: pd.Series, words: Words) -> None:
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
            words.code("null_reason", d.null_reason) if is_known(d.null_reason) else str(d.reason)
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


def _usage(published: Published, row: pd.Series, words: Words) -> None:
    found = customer.usage(published, row.account_id)
    if found.empty:
        st.info(words.say("no_usage"))
        return
    parts.chart(charts.usage(found, words, row.licensed_seats), words.say("usage"))
    unknown = int((~found.is_known.fillna(True).astype(bool)).sum())
    last = words.say("last_use", at=moment(row.last_core_event_at))
    st.caption(last + (" " + words.say("unknown_days", n=number(unknown)) if unknown else ""))


def _mrr(published: Published, account: str, words: Words) -> None:
    found = customer.mrr(published, account)
    if found.empty:
        st.info(words.say("no_mrr"))
        return
    currencies = found.reporting_currency.dropna()
    currency = currencies.iloc[0] if len(currencies) else ""
    parts.chart(charts.mrr(found, words, currency), words.say("mrr_history"))


def _renewals(published: Published, account: str, words: Words) -> None:
    found = customer.renewals(published, account)
    if found.empty:
        st.info(words.say("no_renewals"))
        return
    shown = found.assign(
        outcome=[words.code("outcome", outcome) for outcome in found.outcome],
        arr_due_reporting=found.arr_due_reporting.round(),
        arr_renewed_reporting=found.arr_renewed_reporting.round(),
    )
    columns = {
        "due_on": words.say("due_on"),
        "product_name": words.say("product_name"),
        "outcome": words.say("outcome"),
        "arr_due_reporting": words.say("arr_due"),
        "arr_renewed_reporting": words.say("arr_renewed"),
        "reporting_currency": words.say("currency"),
    }
    parts.table(shown, columns)
    parts.download(words, "renewals", lambda: shown, columns)


def _identities(published: Published, account: str, words: Words) -> None:
    found = customer.identities(published, account)
    if found.empty:
        st.info(words.say("no_identities"))
        return
    now = found[found.valid_to.isna()]
    counted = now.groupby(["source", "entity"], as_index=False).size()
    st.caption(
        " · ".join(
            f"{plain(row.source)}: {words.code('entity', row.entity)} {number(row.n)}"
            for row in counted.rename(columns={"size": "n"}).itertuples()
        )
    )
    shown = found.assign(
        entity=[words.code("entity", entity) for entity in found.entity],
        rule=[words.code("rule", rule) for rule in found.rule],
        confidence=[percent(confidence) for confidence in found.confidence],
    )
    columns = {
        "source": words.say("source"),
        "entity": words.say("entity"),
        "source_id": words.say("source_id"),
        "rule": words.say("rule"),
        "evidence": words.say("evidence"),
        "confidence": words.say("confidence"),
        "valid_from": words.say("valid_from"),
        "valid_to": words.say("valid_to"),
    }
    parts.table(shown, columns, height=300 if len(shown) > 8 else "auto")
    parts.download(words, "identities", lambda: shown, columns)
