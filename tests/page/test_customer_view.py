from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.page.conftest import Look, metrics, told
from tests.page.small_publication import EVIL


def table(page: AppTest, column: str) -> list[dict[str, object]]:
    """The rows of the table that has the column."""
    (found,) = [t.value for t in page.dataframe if column in t.value.columns]
    return found.to_dict("records")


def test_a_link_opens_a_customer(look: Look) -> None:
    page = look(account="hubspot:acme")
    assert [header.value for header in page.header] == ["Acme"]
    assert metrics(page) == {
        "ARR (USD)": "120k",
        "MRR (USD)": "10.0k",
        "Renewal": "2026-04-01",
        "Users and seats": "20 / 80 / 100",
        "Last two-way contact": "2026-02-20",
        "Days overdue": "0",
        "Tickets open / urgent": "3 / 1",
    }
    said = told(page)
    # 12.4 points less than 28 days before.
    assert "Red 30 (-12 in 28 days)" in said.replace("\\", "")
    assert "The measures come to 40; held at 30 by: payment overdue." in said
    assert "No core use for 19 days" in said
    assert "Pays on time" in said


def test_every_driver_shows_its_value_between_its_limits(look: Look) -> None:
    page = look(account="hubspot:acme")
    rows = {row["label"]: row for row in table(page, "points_lost")}
    use = rows["Days since core use"]
    assert (use["value"], use["green"], use["red"]) == ("19 days", "7 days", "14 days")
    assert (use["score"], use["weight_used"], use["points"]) == (32.1, 60, 19.3)
    seats = rows["Active users per paid seat"]
    assert (seats["value"], seats["green"], seats["red"]) == ("20%", "76%", "60%")
    # A measure that the page has no word for keeps the mart's; what is unknown says why.
    own = rows["A measure of our own"]
    assert (own["value"], own["why"]) == ("–", "the source is not switched on")


def test_the_drivers_are_bars_in_the_colour_of_their_band(look: Look) -> None:
    page = look(account="hubspot:acme")
    charts = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    (drivers,) = [chart for chart in charts if '"place"' in json.dumps(chart)]
    zones, bars, values = drivers["layer"]
    assert zones["mark"]["type"] == "rect"
    assert bars["mark"]["type"] == "bar"
    assert bars["encoding"]["x"]["field"] == "place"
    assert values["encoding"]["text"]["field"] == "shown"


def test_identities_say_which_record_of_which_system_by_which_rule(look: Look) -> None:
    page = look(account="hubspot:acme")
    rows = [(row["source"], row["source_id"], row["rule"]) for row in table(page, "evidence")]
    assert rows == [
        ("hubspot", "acme", "is the CRM record"),
        ("stripe", "cus_1", "domain of the billing address"),
        ("stripe", "cus_0", "name in billing"),
    ]
    # Of what belongs to it now.
    assert "hubspot: account 1 · stripe: account 1" in told(page)


def test_usage_renewals_and_revenue_are_there(look: Look) -> None:
    page = look(account="hubspot:acme")
    (renewal,) = table(page, "outcome")
    assert (renewal["product_name"], renewal["outcome"]) == ("Platform", "Expanded")
    assert "Of 1 days the product source does not tell: gaps, not zeros." in told(page)
    assert "The dashed line: 100 seats paid for." in told(page)
    # Score, drivers, use, MRR, answers.
    assert len(page.get("vega_lite_chart")) == 5


def test_parents_and_children_lead_to_each_other(look: Look) -> None:
    page = look(account="hubspot:acme")
    page.button(key="relative hubspot:bolt").click().run()
    assert [header.value for header in page.header] == ["Bolt"]
    near = [b.label for b in page.button if "relative" in str(b.key)]
    assert near == ["Parent: Acme", "Child: Cove"]


def test_a_group_of_companies_is_shown_from_its_top_with_what_it_pays(look: Look) -> None:
    page = look(account="hubspot:bolt")
    # 120,000 + 24,000 + 6,000.
    (group,) = [e.label for e in page.expander if "Group" in e.label]
    assert group == "Group of 3 companies: ARR 150k USD, 1 of them red"
    rows = [(row["name"], row["parent_name"]) for row in table(page, "parent_name")]
    assert rows == [("Acme", ""), ("\u3000→ Bolt", "Acme"), ("\u3000\u3000Cove", "Bolt")]


def test_a_customer_of_whom_nothing_is_known_has_sentences_and_no_tables(look: Look) -> None:
    page = look(account="hubspot:dusk")
    said = told(page)
    assert "No score: no record in that system is known to be this account." in said
    for sentence in (
        "No day of it is stored yet",
        "No measure applies",
        "its use is unknown",
        "never paid",
        "no subscription that billing tells of",
        "There is no invoice",
        "its tickets are unknown",
        "Nobody of it has answered",
        "Nothing is known to have happened",
        "No record is",
    ):
        assert sentence in said
    assert len(page.dataframe) == 1  # how old each source is


@pytest.mark.parametrize("account", ["hubspot:nobody", "' or 1=1 --", "[x](http://evil.example)"])
def test_a_link_to_nobody_says_so(account: str, look: Look) -> None:
    said = told(look(account=account))
    assert "There is no account" in said
    assert "](" not in said


def test_a_name_from_outside_is_shown_as_it_is(look: Look) -> None:
    (header,) = look(account="hubspot:evil").header
    # Every character that means something to Markdown has a backslash.
    assert header.value.replace("\\", "") == EVIL
    assert "\\[pay\\]\\(http" in header.value
    assert "\\:red\\[" in header.value
