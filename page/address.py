"""What is chosen stands in the address, in words of the data: a view can be sent to somebody, in
whatever language either of them reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st


def one(key: str, otherwise: str) -> tuple[str, Callable[[], None]]:
    """The value in the address, and what a widget of this key calls when it changes."""

    def changed() -> None:
        _put(key, [str(st.session_state[key])] if st.session_state[key] else [])

    return st.query_params.get(key, otherwise), changed


def several(key: str, offered: Collection[str]) -> tuple[list[str], Callable[[], None]]:
    """As `one`, for a choice of several; what is not offered (any more) is left out."""

    def changed() -> None:
        _put(key, list(st.session_state[key]))

    return [value for value in st.query_params.get_all(key) if value in offered], changed


def open_account(account: str) -> None:
    """Show the customer; filters stay, for the way back."""
    st.query_params["account"] = account


def close_account() -> None:
    """Show the first view again, as it was left."""
    st.query_params.pop("account", None)


def _put(key: str, values: list[str]) -> None:
    if values:
        st.query_params[key] = values
    else:
        st.query_params.pop(key, None)
