"""The page: `python -m streamlit run page/app.py`, or `make page`. What a view is made of stands in
first_view.py and customer_view.py; here is which one is shown, to whom, and what is said instead.
"""

from __future__ import annotations

import streamlit as st

from page import address, customer_view, first_view, freshness
from page.book import Book, Closed, book
from page.published import Published, Replaced, Unreadable, newest
from page.settings import Settings, settings
from page.words import LANGUAGES, Words, plain
from publish.reader import NoPublication

LOOK_AGAIN_SECONDS = 60


def main() -> None:
    """Draw the page once, for whoever asks now."""
    st.set_page_config(page_title="Customer 360", page_icon=":material/hub:", layout="wide")
    words = _words()
    try:
        _shown(settings(), words)
    except ValueError as error:
        st.error(words.say("misconfigured", error=plain(error)))
    except Replaced:
        # Everything so far came from the publication before.
        st.rerun()


def _words() -> Words:
    title, switch = st.columns([4, 1], vertical_alignment="center")
    language, changed = address.one("lang", (st.context.locale or "").split("-")[0])
    with switch:
        chosen = st.segmented_control(
            "Language / 言語",
            list(LANGUAGES),
            default=language if language in LANGUAGES else "en",
            required=True,
            format_func=lambda language: LANGUAGES[language],
            key="lang",
            on_change=changed,
            label_visibility="collapsed",
        )
    words = Words(str(chosen))
    title.title(words.say("title"), anchor=False)
    return words


def _shown(told: Settings, words: Words) -> None:
    try:
        allowed = book(told, st.context.headers.get_all(told.user_header or ""))
        published = newest(told.publish_dir)
    except Closed as closed:
        st.error(words.say(closed.why, **{k: plain(v) for k, v in closed.facts.items()}))
        return
    except NoPublication:
        st.info(words.say("no_publication", folder=plain(told.publish_dir)), icon=":material/info:")
        _look_again(told, None)
        return
    except Unreadable as error:
        st.error(words.say("unreadable", error=plain(error)))
        _look_again(told, None)
        return
    _ages(published, told, words)
    _look_again(told, published.version)
    try:
        _view(published, allowed, words)
    except Closed as closed:
        st.error(words.say(closed.why, **{k: plain(v) for k, v in closed.facts.items()}))


def _view(published: Published, allowed: Book, words: Words) -> None:
    if allowed.is_limited:
        st.caption(words.say("limited", user=plain(allowed.user)))
    if account := st.query_params.get("account"):
        customer_view.show(published, allowed, words, account)
    else:
        first_view.show(published, allowed, words)
    if missing := published.missing():
        st.caption(words.say("older_publication", missing=", ".join(map(plain, missing))))


def _ages(published: Published, told: Settings, words: Words) -> None:
    # Ages go on while nobody touches the page.
    st.fragment(freshness.head, run_every=LOOK_AGAIN_SECONDS)(published, told, words)


def _look_again(told: Settings, version: str | None) -> None:
    is_drawn = False

    @st.fragment(run_every=LOOK_AGAIN_SECONDS)
    def look() -> None:
        nonlocal is_drawn
        if not is_drawn:
            # Asked a moment ago, for what is being drawn.
            is_drawn = True
            return
        try:
            found = newest(told.publish_dir).version
        except (NoPublication, Unreadable, Replaced):
            return
        if found != version:
            st.rerun()

    look()


main()
