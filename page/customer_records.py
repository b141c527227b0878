"""What the records of one customer say: contracts, invoices, tickets, answers, and what was."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from page import customer, health_charts, parts
from page.published import Published
from page.words import NOTHING, Words, is_known, number

ROWS = 300
# Which kinds of events a reader looks for together, and where the words of their details stand.
TIMELINE = {
    "contacts": {
        "contact": "activity",
        "contact_attempt": "activity",
        "note": "note",
        "touch": "touch",
    },
    "money": {
        "opportunity_opened": "opportunity",
        "opportunity_won": "opportunity",
        "opportunity_lost": "opportunity",
        "subscription_started": "",
        "cancellation_announced": "cancellation",
        "subscription_ended": "cancellation",
        "invoice_overdue": "",
        "payment_failed": "payment_failure",
        "mrr_movement": "movement",
        "renewal_decided": "outcome",
    },
    "support": {"ticket_opened": "priority", "ticket_solved": "priority"},
    "health": {
        "survey_answer": "instrument",
        "csm_sentiment": "health_band",
        "score_override": "override",
        "band_changed": "health_band",
        "objective_set": "",
        "objective_met": "",
    },
}


def subscriptions(published: Published, row: pd.Series, words: Words) -> None:
    """What it buys, and what it bought."""
    found = customer.subscriptions(published, row.account_id)
    if found.empty:
        st.info(words.say("no_subscriptions"))
        return
    shown = found.assign(
        state=[
            words.say("cancelling")
            if item.state == "running" and item.is_cancelling is True
            else words.code("subscription_state", item.state)
            for item in found.itertuples()
        ],
        mrr=found.mrr.round(2),
        term_months=found.term_months.round(1),
    )
    columns = {
        "product_name": words.say("product_name"),
        "state": words.say("state"),
        "quantity": words.say("quantity"),
        "mrr": words.say("mrr_plain"),
        "currency": words.say("currency"),
        "term_months": words.say("term_months"),
        "started_on": words.say("started_on"),
        "period_end_on": words.say("period_end_on"),
        "ended_on": words.say("ended_on"),
    }
    _list(shown, columns, "subscriptions", words)


def invoices(published: Published, row: pd.Series, words: Words) -> None:
    """Its invoices, with what is overdue in a sentence."""
    found = customer.invoices(published, row.account_id)
    if found.empty:
        st.info(words.say("no_invoices"))
        return
    overdue = found[found.status.eq("overdue")]
    if not overdue.empty:
        sums = overdue.groupby("currency", dropna=False).amount_remaining.sum()
        amounts = ", ".join(f"{words.money(s)} {parts.currency(c)}" for c, s in sums.items())
        days = number(overdue.overdue_days.max())
        told = words.say("invoices_overdue", n=len(overdue), amounts=amounts, days=days)
        st.warning(told, icon=":material/receipt_long:")
    shown = found.assign(
        status=[words.code("invoice_status", status) for status in found.status],
        total=found.total.round(2),
        amount_remaining=found.amount_remaining.round(2),
    )
    columns = {
        "issued_at": words.say("issued_on"),
        "status": words.say("state"),
        "total": words.say("amount"),
        "amount_remaining": words.say("amount_remaining"),
        "currency": words.say("currency"),
        "due_at": words.say("due_on"),
        "paid_at": words.say("paid_on"),
        "overdue_days": words.say("overdue_days"),
        "source_id": words.say("source_id"),
    }
    _list(shown, columns, "invoices", words)


def tickets(published: Published, row: pd.Series, words: Words) -> None:
    """Its tickets, open ones first."""
    found = customer.tickets(published, row.account_id)
    if found.empty:
        unknown = not is_known(row.open_tickets)
        st.info(words.say("support_unknown" if unknown else "no_tickets"))
        return
    st.caption(
        words.say(
            "tickets_counted",
            open=number(found.status.ne("solved").sum()),
            urgent=number((found.status.ne("solved") & found.priority.eq("urgent")).sum()),
            n=number(len(found)),
        )
    )
    shown = found.assign(
        status=[words.code("ticket_status", status) for status in found.status],
        priority=[words.code("priority", priority) for priority in found.priority],
        first_reply_hours=found.first_reply_hours.round(1),
        resolution_hours=found.resolution_hours.round(1),
    )
    columns = {
        "created_at": words.say("opened_on"),
        "status": words.say("state"),
        "priority": words.say("ticket_priority"),
        "first_reply_hours": words.say("first_reply_hours"),
        "resolution_hours": words.say("resolution_hours"),
        "reopened_count": words.say("reopened_count"),
        "channel": words.say("channel"),
        "source": words.say("source"),
        "source_id": words.say("source_id"),
    }
    _list(shown, columns, "tickets", words)


def answers(published: Published, row: pd.Series, words: Words) -> None:
    """Its answers to surveys over time."""
    found = customer.answers(published, row.account_id)
    if found.empty:
        st.info(words.say("no_answers"))
        return
    told = words.say(
        "answers_counted",
        nps=NOTHING if not is_known(row.nps_latest) else f"{row.nps_latest:.1f}",
        people=number(row.nps_answers_180d),
        csat=NOTHING if not is_known(row.csat_90d_pct) else f"{row.csat_90d_pct:.0f} %",
        n=number(row.csat_answers_90d),
    )
    st.caption(told)
    on_scale = found.dropna(subset=["score_0_100", "instrument"])
    if not on_scale.empty:
        parts.chart(health_charts.answers(on_scale, words), told)
    shown = found.assign(
        instrument=[words.code("instrument", instrument) for instrument in found.instrument],
        answer=[
            f"{a.score:g} / {a.scale_max:g}" if is_known(a.score) else NOTHING
            for a in found.itertuples()
        ],
        bucket=[words.code("bucket", bucket) for bucket in found.bucket],
    )
    columns = {
        "responded_at": words.say("day"),
        "instrument": words.say("instrument"),
        "answer": words.say("answer"),
        "bucket": words.say("bucket"),
        "source": words.say("source"),
    }
    _list(shown, columns, "answers", words)


def timeline(published: Published, row: pd.Series, words: Words) -> None:
    """What happened to it, all or one group of kinds."""
    found = customer.timeline(published, row.account_id)
    if found.empty:
        st.info(words.say("no_timeline"))
        return
    group = st.segmented_control(
        words.say("timeline_of"),
        ["all", *TIMELINE],
        default="all",
        required=True,
        format_func=lambda name: words.code("timeline", name),
        key="timeline_of",
        label_visibility="collapsed",
    )
    kinds = {
        kind: words_of for of_group in TIMELINE.values() for kind, words_of in of_group.items()
    }
    wanted = found if group == "all" else found[found.kind.isin(TIMELINE[str(group)])]
    shown = wanted.assign(
        what=[words.code("event", event.kind) for event in wanted.itertuples()],
        detail=[
            _detail(event, kinds.get(str(event.kind), ""), words) for event in wanted.itertuples()
        ],
        much=[_amount(event, words) for event in wanted.itertuples()],
    )
    columns = {
        "happened_at": words.say("day"),
        "what": words.say("what_happened"),
        "detail": words.say("detail"),
        "much": words.say("amount"),
        "source": words.say("source"),
        "source_id": words.say("source_id"),
    }
    _list(shown, columns, "timeline", words, height=420)


def _detail(event: object, group: str, words: Words) -> str:
    detail = getattr(event, "detail", None)
    return words.code(group, detail, str(detail).replace("_", " ")) if is_known(detail) else ""


def _amount(event: object, words: Words) -> str:
    amount, unit = getattr(event, "amount", None), getattr(event, "unit", None)
    if not is_known(amount):
        return ""
    return f"{amount:g}" if unit == "points" else f"{words.money(amount)} {parts.currency(unit)}"


def _list(
    shown: pd.DataFrame, columns: dict[str, str], name: str, words: Words, height: int = 300
) -> None:
    """The newest rows as a table, all of them as a download."""
    parts.table(shown.head(ROWS), columns, key=name, height=height if len(shown) > 8 else "auto")
    if len(shown) > ROWS:
        st.caption(words.say("rows_cut", n=number(ROWS), all=number(len(shown))))
    parts.download(words, name, lambda: shown, columns)
