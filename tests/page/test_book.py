"""A user header of an authenticating proxy limits the book, and is closed when in doubt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from page import figures
from page.book import book
from page.published import newest
from page.settings import settings
from tests.page.conftest import Look, listed, metrics, sound, told
from tests.page.small_publication import publish_at


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch, look: Look) -> Look:
    """As `look`, with the limit configured."""
    monkeypatch.setenv("C360_PAGE_USER_HEADER", "X-Forwarded-User")
    return look


def test_a_user_sees_the_own_customers_and_nothing_of_others(limited: Look) -> None:
    page = limited(headers=["Sato"])
    assert listed(page) == ["Acme", "Cove"]
    # 120,000 + 6,000; NRR, GRR and cohorts are of the whole company.
    assert metrics(page) == {
        "Customers": "2",
        "MRR (USD)": "10.5k",
        "ARR (USD)": "126k",
        "Red ARR": "120k",
        "Unknown ARR": "0",
    }
    assert page.multiselect(key="csm").options == ["Sato"]
    page.toggle(key="others").set_value(True).run()
    assert listed(page) == ["Acme", "Cove", "Left"]
    everything = str([element.proto for element in page.get("vega_lite_chart")]) + told(page)
    assert "Limited to the customers of Sato" in everything
    assert "Vogel" not in everything
    # Movements are those of Acme and of Left: 700 and -50, not Bolt's 300.
    assert "Bolt" not in everything


def test_a_link_to_somebody_elses_customer_is_a_link_to_nobody(limited: Look) -> None:
    page = limited(headers=["Sato"], account="hubspot:bolt")
    assert "There is no account" in told(page)
    assert metrics(page) == {}
    assert [header.value for header in page.header] == []


def test_relatives_outside_the_book_are_not_named(limited: Look) -> None:
    page = limited(headers=["Sato"], account="hubspot:acme")
    assert "Acme" in [header.value for header in page.header]
    assert [button for button in page.button if "relative" in str(button.key)] == []
    # Bolt belongs to somebody else; Cove, below Bolt, does not.
    (group,) = [t.value for t in page.dataframe if "parent_name" in t.value.columns]
    assert set(group.parent_name) == {""}
    assert "Bolt" not in str(group.values)


def test_who_sees_all_sees_all(limited: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_PAGE_SEES_ALL", "Boss, Chief")
    assert metrics(limited(headers=["Chief"]))["Customers"] == "5"
    assert metrics(limited(headers=["Sato"]))["Customers"] == "2"


@pytest.mark.parametrize(
    "headers", [[], [""], ["  "], ["Sato", "Vogel"], ["Sato", "Sato"]], ids=str
)
def test_a_request_that_does_not_name_one_user_sees_nothing(
    headers: list[str], limited: Look
) -> None:
    page = limited(headers=headers)
    assert "Closed" in told(page)
    assert metrics(page) == {}
    assert len(page.dataframe) == 0


@pytest.mark.parametrize("user", ["sato", "Sat", "%", "' or true --", "(none)", "None"])
def test_only_the_very_name_opens_a_book(user: str, published: Path) -> None:
    limit = replace(settings(), user_header="X-Forwarded-User")
    assert figures.totals(newest(published), book(limit, ["Sato"])).accounts == 2
    assert figures.totals(newest(published), book(limit, [user])).accounts == 0


def test_a_limit_that_is_half_configured_shows_nothing(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_PAGE_BOOK_COLUMN", "csm_name")
    page = look(headers=["Sato"])
    assert "C360_PAGE_USER_HEADER does not name" in told(page).replace("\\", "")
    assert metrics(page) == {}


def test_a_column_that_the_publication_lacks_closes_the_page(
    limited: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_PAGE_BOOK_COLUMN", "region")
    page = limited(headers=["Sato"])
    assert "limited by column region" in told(page)
    assert metrics(page) == {}


def test_any_column_can_limit_and_names_beyond_latin_arrive(
    limited: Look, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("C360_PAGE_BOOK_COLUMN", "Team Lead")
    folder = publish_at(
        tmp_path,
        'alter table marts.customer_360 add column "Team Lead" varchar',
        """update marts.customer_360 set "Team Lead" = '佐藤' where account_name = 'Bolt'""",
    )
    # As a server hands over the UTF-8 bytes that a proxy sent.
    page = limited(folder, headers=["佐藤".encode().decode("latin-1")])
    assert listed(sound(page)) == ["Bolt"]
