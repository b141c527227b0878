"""No publication yet, an old one, a broken one, one replaced while somebody looks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import page.published
from page.expected import EXPECTED
from page.published import Replaced, newest
from tests.page.conftest import Look, listed, metrics, sound, told
from tests.page.small_publication import bare, empty, publish_at, without

CUSTOMER_MARTS = {
    "customer_health_history",
    "account_hierarchy",
    "account_subscriptions",
    "account_invoices",
    "account_tickets",
    "account_survey_answers",
    "account_timeline",
    "health_score_drivers",
    "account_usage_daily",
    "mrr_monthly",
    "renewals",
    "identity_map",
}
FIRST_VIEW_MARTS = {
    "health_bands_now",
    "customer_health_history",
    "mrr_movements",
    "cohort_retention",
    "health_backtest",
}


def test_without_a_publication_the_page_says_what_to_do_and_then_shows_it(
    look: Look, tmp_path: Path
) -> None:
    view = look(tmp_path / "published")
    assert "make run" in told(view)
    assert metrics(view) == {}
    publish_at(tmp_path)
    assert metrics(sound(view.run()))["Customers"] == "5"


def test_a_new_publication_shows_at_the_next_touch_and_from_one_source_only(
    look: Look, tmp_path: Path
) -> None:
    view = look(publish_at(tmp_path))
    publish_at(tmp_path, "delete from marts.customer_360 where account_name = 'Bolt'")
    assert metrics(sound(view.run()))["Customers"] == "4"
    assert listed(view)[:2] == ["Acme", "Cove"]


def test_an_emptied_folder_that_begins_anew_shows_nothing_of_before(
    look: Look, tmp_path: Path
) -> None:
    folder = publish_at(tmp_path)
    view = look(folder)
    shutil.rmtree(folder)
    publish_at(tmp_path, "delete from marts.customer_360 where account_name = 'Bolt'")
    # The file has the name of the one before.
    assert (folder / "c360-0001.duckdb").exists()
    assert metrics(sound(view.run()))["Customers"] == "4"


def test_a_publication_that_is_replaced_between_two_queries_answers_no_more(
    tmp_path: Path,
) -> None:
    before = newest(publish_at(tmp_path))
    publish_at(tmp_path)
    with pytest.raises(Replaced):
        before.ask("select count(*) from marts.customer_360")


def test_a_view_that_a_new_publication_interrupts_is_drawn_anew(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publish_at(tmp_path)
    first = [newest(folder)]
    publish_at(tmp_path, "delete from marts.customer_360 where account_name = 'Bolt'")

    def sometimes_late(folder: Path) -> page.published.Published:
        return first.pop() if first else newest(folder)

    monkeypatch.setattr(page.published, "newest", sometimes_late)
    view = look(folder)
    assert first == []
    assert metrics(view)["Customers"] == "4"


def test_a_publication_as_it_is_made_today_lacks_nothing(published: Path) -> None:
    assert newest(published).missing() == []


@pytest.mark.parametrize("account", [None, "hubspot:acme"])
def test_marts_that_an_old_publication_lacks_are_sentences(
    account: str | None, look: Look, tmp_path: Path
) -> None:
    gone = [mart for mart in EXPECTED if mart != "customer_360"]
    address = {"account": account} if account else {}
    view = look(publish_at(tmp_path, *without(gone)), **address)
    said = told(view).replace("\\", "")
    assert f"and parts of this page are therefore empty: {', '.join(gone)}." in said
    assert {mart for mart in gone if f"no mart {mart}" in said} == (
        CUSTOMER_MARTS if account else FIRST_VIEW_MARTS
    )
    assert metrics(view)["ARR (USD)"] == ("120k" if account else "187k")


@pytest.mark.parametrize("account", [None, "hubspot:acme"])
def test_without_customers_the_page_still_stands(
    account: str | None, look: Look, tmp_path: Path
) -> None:
    address = {"account": account} if account else {}
    view = look(publish_at(tmp_path, *without(["customer_360"])), **address)
    assert "no mart customer_360" in told(view).replace("\\", "")


@pytest.mark.parametrize("changes", [bare, empty])
def test_marts_with_hardly_a_column_or_without_a_row_break_nothing(
    changes: Callable[[], list[str]], look: Look, tmp_path: Path
) -> None:
    folder = publish_at(tmp_path, *changes())
    assert metrics(look(folder))
    assert told(look(folder, account="hubspot:acme"))


def test_a_column_that_an_old_publication_lacks_is_named_and_the_rest_shows(
    look: Look, tmp_path: Path
) -> None:
    gone = ("domain", "csm_name", "reason_3")
    folder = publish_at(
        tmp_path, *[f"alter table marts.customer_360 drop column {name}" for name in gone]
    )
    view = look(folder)
    assert listed(view)[0] == "Acme"
    named = "customer_360.domain, customer_360.csm_name, customer_360.reason_3"
    assert named in told(view).replace("\\", "")
    assert listed(look(folder, search="acme")) == ["Acme"]


def test_a_file_that_is_no_publication_is_named_as_that(look: Look, tmp_path: Path) -> None:
    folder = publish_at(tmp_path)
    file = folder / "c360-0001.duckdb"
    file.chmod(0o644)
    file.write_bytes(b"not a database" * 1000)
    view = look(folder)
    assert "The publication cannot be read" in told(view)
    assert "make run" in told(view)


def test_what_is_old_is_said_with_what_to_do(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = look()
    assert [warning.value for warning in view.warning] == []
    # Stripe was pulled two hours before.
    monkeypatch.setenv("C360_PAGE_STALE_HOURS", "1.5")
    (warning,) = view.run().warning
    assert "stripe" in warning.value
    assert "hubspot" not in warning.value
    monkeypatch.setenv("C360_PAGE_STALE_HOURS", "0")
    (warning,) = view.run().warning
    assert "Nothing was published for" in warning.value
    assert "make dev" in warning.value
    monkeypatch.setenv("C360_PAGE_STALE_HOURS", "a day")
    assert "configured wrongly" in told(sound(view.run()))


def test_marts_that_turn_late_after_the_publication_are_named_with_their_source(
    look: Look, tmp_path: Path
) -> None:
    ages = """
        create table marts.asset_freshness as select * from (values
            ('marts/customer_360', 'marts', 'stripe', timestamp '2026-03-10 {hour}'),
            ('marts/renewals', 'marts', 'stripe', timestamp '2026-03-12 12:00'),
            ('raw_stripe/invoices', 'raw', 'stripe', timestamp '2026-03-09 12:00')
        ) t(asset_key, layer, data_source, data_late_at)
    """
    # The publication calls noon of the 10th now.
    view = look(publish_at(tmp_path, ages.format(hour="11:59")))
    assert "behind: stripe: customer_360. " in told(view).replace("\\", "")
    view = look(publish_at(tmp_path, ages.format(hour="13:00")))
    assert "The data of all 2 marts are as young as they should be." in told(view)


def test_a_source_that_never_sent_anything_is_named(look: Look, tmp_path: Path) -> None:
    never = "update marts.source_freshness set newest_record_at = null, data_age_hours = null"
    view = look(publish_at(tmp_path, f"{never} where source = 'stripe'"))
    assert "never sent a record: stripe" in told(view)


def test_without_a_billing_source_nobody_is_called_a_customer_or_left_out(
    look: Look, tmp_path: Path
) -> None:
    unknown = "update marts.customer_360 set is_customer = null, mrr = null, arr = null"
    view = look(publish_at(tmp_path, unknown))
    assert metrics(view)["Customers"] == "–"
    assert metrics(view)["ARR (USD)"] == "–"
    assert len(listed(view)) == 6
