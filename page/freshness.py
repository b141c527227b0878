"""How old everything is: the oldest source by name, and what to do when it is too old."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from page import parts
from page.published import Published, Replaced
from page.settings import Settings
from page.words import Words, moment, number, plain
from publish.reader import SourceAge


def head(published: Published, settings: Settings, words: Words) -> None:
    """Data as of when, per source, and a warning for whatever is late."""
    now = datetime.now(UTC)
    since = published.said.age_hours(now)
    st.markdown(_as_of(published, since, words))
    late = [
        source
        for source in published.said.sources
        if source.pull_age_hours is None or source.pull_age_hours + since > settings.stale_hours
    ]
    if since > settings.stale_hours:
        st.warning(words.say("stale_publication", age=words.age(since)), icon=":material/schedule:")
    elif late:
        named = ", ".join(plain(source.source) for source in late)
        st.warning(words.say("stale_sources", sources=named), icon=":material/schedule:")
    if not published.said.sources:
        return
    with st.expander(words.say("each_source"), icon=":material/database:"):
        ages = _table(published, since, words)
        parts.table(ages, {name: words.say(name) for name in ages.columns})
        # A newer publication draws everything anew within a minute.
        with suppress(Replaced), parts.degraded(words):
            _marts(published, since, words)
        st.caption(
            words.say(
                "published_as",
                file=plain(published.said.path.name),
                at=moment(published.said.published_at),
                run=plain(published.said.run_id),
            )
        )
        if settings.docs_url:
            label = words.say("docs_link")
            st.link_button(label, settings.docs_url, icon=":material/account_tree:")


def _marts(published: Published, since: float, words: Words) -> None:
    """Which marts rest on data that are too old by now, and because of which source."""
    marts = published.ages_of_marts()
    if marts.empty:
        return
    # Data are counted to what the publication calls now, which goes on as the clock does.
    now = published.said.as_of.replace(tzinfo=None) + timedelta(hours=since)
    late = marts[marts.data_late_at <= now]
    if late.empty:
        st.caption(words.say("marts_in_time", n=number(len(marts))))
        return
    told = ", ".join(
        f"{plain(source)}: " + ", ".join(plain(key.rpartition("/")[2]) for key in of.asset_key)
        for source, of in late.groupby("data_source")
    )
    st.warning(words.say("marts_late", late=told), icon=":material/schedule:")


def _as_of(published: Published, since: float, words: Words) -> str:
    sources = published.said.sources
    told = words.say("published_ago", age=words.age(since))
    if not sources:
        return f"{words.say('no_sources')} {told}"
    silent = [plain(source.source) for source in sources if source.newest_record_at is None]
    if silent:
        return f"{words.say('never_delivered', sources=', '.join(silent))} {told}"
    oldest = max(sources, key=_age)
    as_of = words.say(
        "data_as_of",
        at=moment(oldest.newest_record_at),
        source=plain(oldest.source),
        age=words.age(_age(oldest) + since),
    )
    return f"{as_of} {told}"


def _age(source: SourceAge) -> float:
    return source.data_age_hours if source.data_age_hours is not None else float("inf")


def _table(published: Published, since: float, words: Words) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": source.source,
            "source_kind": words.code("source_kind", source.kind),
            "newest_record": moment(source.newest_record_at),
            "data_age": words.age(_plus(source.data_age_hours, since)),
            "pull_age": words.age(_plus(source.pull_age_hours, since)),
        }
        for source in published.said.sources
    )


def _plus(hours: float | None, since: float) -> float | None:
    """Ages in the publication end at its own as_of; they have grown since."""
    return None if hours is None else hours + since
