"""One customer: how it stands and why, what it uses and pays, and which records it is made of."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from page import address, charts, customer, customer_health, customer_records, parts
from page.book import Book
from page.published import Published
from page.reasons import said
from page.words import NOTHING, Words, day, is_known, moment, number, percent, plain

Draw = Callable[[Published, pd.Series, Words], None]
# Relatives with a button of their own; all stand in the table.
NEAR = 12


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
        sections: list[tuple[str, str | None, Draw]] = [
            ("history", "history_told", customer_health.history),
            ("drivers", "drivers_told", customer_health.drivers),
            ("usage", None, _usage),
            ("mrr_history", None, _mrr),
            ("subscriptions", None, customer_records.subscriptions),
            ("renewals", None, _renewals),
            ("invoices", None, customer_records.invoices),
            ("tickets", None, customer_records.tickets),
            ("answers", None, customer_records.answers),
            ("timeline", "timeline_told", customer_records.timeline),
            ("identities", "identities_told", _identities),
        ]
        for heading, told, draw in sections:
            with parts.section(words, words.say(heading), words.say(told) if told else None):
                draw(published, row, words)


def _head(row: pd.Series, words: Words) -> None:
    st.header(parts.name(row), anchor=False)
    facts = [
        parts.badge(words, row.health_band, row.health_score, row.health_delta_28d),
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
        words.say("open_tickets"): " / ".join(
            number(value) for value in (row.open_tickets, row.open_urgent_tickets)
        ),
    }
    with st.container(horizontal=True):
        for label, value in figures.items():
            told = words.say("seats_help") if label == words.say("seats") else None
            # Two side by side on a phone.
            st.metric(label, value, border=True, width=160, height="stretch", help=told)
    _reasons(row, words)


def _reasons(row: pd.Series, words: Words) -> None:
    left, right = st.columns(2)
    for place, heading, names in (
        (left, "risks", ("reason_1", "reason_2", "reason_3")),
        (right, "strengths", ("strength_1", "strength_2", "strength_3")),
    ):
        told = [f"- {plain(said(words, row[name]))}" for name in names if is_known(row[name])]
        place.markdown(f"**{words.say(heading)}**\n" + ("\n".join(told) or f"- {NOTHING}"))
    if is_known(row.health_null_reason):
        why = words.code("null_reason", row.health_null_reason)
        st.info(words.say("no_score", why=why, coverage=number(row.health_coverage_pct)))
    elif is_known(row.health_cap):
        raw, cap = number(row.health_raw_score), words.code("cap", row.health_cap)
        st.warning(words.say("capped", raw=raw, cap=plain(cap), score=number(row.health_score)))
    for name in ("touch_tier_reason", "lifecycle_reason"):
        if is_known(row[name]):
            st.caption(f"{words.say(name)}: {plain(said(words, row[name]))}")


def _family(published: Published, book: Book, account: str, words: Words) -> None:
    with parts.degraded(words):
        found = customer.relatives(published, book, account)
        near = found[found.role.notna()]
        with st.container(horizontal=True):
            for row in near.head(NEAR).itertuples():
                st.button(
                    f"{words.code('family', row.role)}: {parts.name(row)}",
                    key=f"relative {row.account_id}",
                    on_click=address.open_account,
                    args=(row.account_id,),
                )
        if len(found) > 1:
            _group(found, account, words)


def _group(found: pd.DataFrame, account: str, words: Words) -> None:
    currency = parts.currency(found.currency.dropna().iloc[0] if found.currency.any() else None)
    told = words.say(
        "group_told",
        n=number(len(found)),
        arr=words.money(found.arr.sum(min_count=1)),
        currency=currency,
        red=number(found.health_band.eq("red").sum()),
    )
    with st.expander(told, icon=":material/account_tree:"):
        shown = found.assign(
            name=[
                "\u3000" * int(depth)
                + ("→ " if row.account_id == account else "")
                + str(row.account_name if is_known(row.account_name) else row.account_id)
                for row, depth in zip(found.itertuples(), found.depth.fillna(0), strict=True)
            ],
            parent_name=found.parent_name.astype(object).fillna(""),
            arr=found.arr.round(),
            health_score=found.health_score.round(),
            health_band=[words.code("health_band", band) for band in found.health_band],
        )

        def opened() -> None:
            for place in st.session_state["group"].selection.rows:
                address.open_account(str(found.account_id.iloc[place]))

        columns = {
            "name": words.say("account_name"),
            "parent_name": words.code("family", "parent"),
            "arr": words.say("arr", currency=currency),
            "health_score": words.say("score"),
            "health_band": words.say("health_band"),
        }
        parts.table(shown, columns, key="group", on_select=opened, selection_mode="single-row")


def _usage(published: Published, row: pd.Series, words: Words) -> None:
    found = customer.usage(published, row.account_id)
    if found.empty:
        st.info(words.say("no_usage"))
        return
    parts.chart(charts.usage(found, words, row.licensed_seats), words.say("usage"))
    unknown = int((~found.is_known.fillna(True).astype(bool)).sum())
    last = words.say("last_use", at=moment(row.last_core_event_at))
    told = [last]
    if unknown:
        told.append(words.say("unknown_days", n=number(unknown)))
    if is_known(row.licensed_seats):
        told.append(words.say("seats_line", n=number(row.licensed_seats)))
    st.caption(" ".join(told))


def _mrr(published: Published, row: pd.Series, words: Words) -> None:
    found = customer.mrr(published, row.account_id)
    if found.empty:
        st.info(words.say("no_mrr"))
        return
    currencies = found.reporting_currency.dropna()
    currency = currencies.iloc[0] if len(currencies) else ""
    parts.chart(charts.mrr(found, words, currency), words.say("mrr_history"))


def _renewals(published: Published, row: pd.Series, words: Words) -> None:
    found = customer.renewals(published, row.account_id)
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


def _identities(published: Published, row: pd.Series, words: Words) -> None:
    found = customer.identities(published, row.account_id)
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
