"""Pieces that both views are put together from: sections that degrade to a sentence, tables with
a download, charts with a text for those who cannot see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
import streamlit as st

from page.charts import BANDS, Drawn
from page.downloads import csv_bytes
from page.published import Lacking, Unreadable
from page.words import Words, is_known, plain

BADGES = {"green": "green", "yellow": "orange", "red": "red", "unknown": "gray"}


@contextmanager
def section(words: Words, title: str, told: str | None = None) -> Iterator[None]:
    """A part of a view under its heading; what cannot be shown is a sentence."""
    st.subheader(title, anchor=False)
    if told:
        st.caption(told)
    with degraded(words):
        yield


@contextmanager
def degraded(words: Words) -> Iterator[None]:
    """Say in a sentence that a mart is not there or cannot be read, instead of failing."""
    try:
        yield
    except Lacking as lacking:
        st.info(words.say("lacking", mart=plain(lacking.mart)))
    except Unreadable as error:
        st.error(words.say("unreadable", error=plain(error)))


def table(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    **more: Any,
) -> Any:
    """A table of the frame's `columns` under their headings; dates and numbers by their type."""
    config: dict[str, Any] = {}
    for name, heading in columns.items():
        kind = str(frame[name].dtype)
        if "datetime" in kind:
            config[name] = st.column_config.DateColumn(heading, format="YYYY-MM-DD")
        elif "int" in kind.lower() or "float" in kind:
            config[name] = st.column_config.NumberColumn(heading, format="localized")
        else:
            config[name] = st.column_config.TextColumn(heading)
    shown = frame[list(columns)]
    return st.dataframe(shown, hide_index=True, column_config=config, placeholder="", **more)


def download(
    words: Words, name: str, make: Callable[[], pd.DataFrame], columns: Mapping[str, str]
) -> None:
    """A button that makes the CSV when it is pressed."""

    def content() -> bytes:
        frame = make()
        return csv_bytes(frame[list(columns)].rename(columns=dict(columns)))

    st.download_button(
        words.say("download"),
        content,
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download {name}",
    )


def chart(drawn: Drawn, told: str) -> None:
    """The chart over the whole width, with what it shows in words."""
    st.altair_chart(drawn, width="stretch", alt=told)


def badge(words: Words, band: Any, score: Any, delta: Any = None) -> str:
    """Markdown of a health band, with the score and its change in 28 days when they are known."""
    known = band if band in BANDS else "unknown"
    text = words.code("health_band", known) + (f" {score:.0f}" if is_known(score) else "")
    if is_known(delta) and round(delta):
        text += " " + words.say("delta_28d", change=f"{delta:+.0f}")
    return f":{BADGES[known]}-badge[{plain(text)}]"


def name(account: Any) -> str:
    """Markdown of the account's name, or of its id when it has none."""
    return plain(account.account_name if is_known(account.account_name) else account.account_id)


def owner(words: Words, account: Any) -> str:
    """Markdown of who answers for the account."""
    return plain(account.csm_name) if is_known(account.csm_name) else words.say("no_csm")


def currency(code: Any) -> str:
    """The code, or nothing when it is not known."""
    return code if isinstance(code, str) else ""
