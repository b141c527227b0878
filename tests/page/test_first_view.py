from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from tests.page.conftest import Look, listed, metrics, sound, told
from tests.page.small_publication import EVIL, publish_at

Rows = list[dict[str, Any]]


def test_the_book_stands_in_seven_figures(look: Look) -> None:
    # 120,000 + 24,000 + 6,000 + 36,000 + 1,200 = 187,200, a twelfth of it 15,600. The month that
    # is not over says nothing about NRR.
    assert metrics(look()) == {
        "Customers": "5",
        "MRR (USD)": "15.6k",
        "ARR (USD)": "187k",
        "Red ARR": "120k",
        "Unknown ARR": "36.0k",
        "NRR (12 months)": "104.0%",
        "GRR (12 months)": "91.0%",
    }


def test_red_and_unknown_are_shares_of_the_arr_of_their_own(look: Look) -> None:
    # 120,000 / 187,200 and 36,000 / 187,200
    deltas = {metric.label: metric.delta for metric in look().metric}
    assert deltas["Red ARR"] == "64.1% of ARR"
    assert deltas["Unknown ARR"] == "19.2% of ARR"


def test_the_data_are_as_old_as_the_oldest_source_which_is_named(look: Look) -> None:
    page = look()
    assert "Data as of **2026-03-09 16:00 UTC** (oldest: stripe, 20 h old)." in told(page)
    ages = page.dataframe[0].value
    assert ages[["source", "data_age", "pull_age"]].values.tolist() == [
        ["hubspot", "3 h", "1 h"],
        ["stripe", "20 h", "2 h"],
    ]


def test_whom_to_call_first_is_by_priority_and_those_without_one_come_last(look: Look) -> None:
    page = look()
    assert listed(page) == ["Acme", "Bolt", "Cove", EVIL, "Dusk"]
    cards = [button.label for button in page.button if str(button.key).startswith("open ")]
    assert cards[0] == "**Acme**"
    first = told(page).replace("\\", "")
    assert ":red-badge[Red 30 (-12 in 28 days)] · ARR 120k USD · renews 2026-04-01" in first
    assert "(22 days) · Sato · Priority 126k · :red-badge[1 urgent tickets open]" in first
    # Nothing is said of a change that rounds to nothing, nor of no urgent ticket.
    assert ":green-badge[Green 90] · ARR 6,000 USD" in first
    assert first.count("urgent tickets open") == 1
    assert "No core use for 19 days" in first
    assert "no record in that system is known to be this account" in first


def test_a_filter_narrows_the_list_and_stands_in_the_address(look: Look) -> None:
    page = look()
    for name, values, names in (
        ("band", ["red", "yellow"], ["Acme", "Bolt"]),
        ("csm", ["Sato"], ["Acme", "Cove"]),
        ("csm", ["(none)"], ["Dusk"]),
        ("tier", ["tech"], ["Cove", EVIL]),
        ("stage", ["onboarding"], ["Dusk"]),
    ):
        sound(page.multiselect(key=name).set_value(values).run())
        assert listed(page) == names
        chosen = page.query_params[name]
        assert ([chosen] if isinstance(chosen, str) else chosen) == values
        page.multiselect(key=name).set_value([])
    # The first figures are of the whole book still.
    assert metrics(page)["Customers"] == "5"


def test_filters_stay_while_others_are_chosen_and_when_the_language_changes(look: Look) -> None:
    page = look()
    page.multiselect(key="csm").set_value(["Sato"]).run()
    page.multiselect(key="band").set_value(["green"]).run()
    page.segmented_control(key="lang").set_value("ja").run()
    assert listed(sound(page)) == ["Cove"]
    assert "カスタマー360" in [title.value for title in page.title]
    page.multiselect(key="band").set_value([]).run()
    assert listed(sound(page)) == ["Acme", "Cove"]
    assert "band" not in page.query_params


def test_a_link_carries_filters_and_language_and_drops_what_is_not_there(look: Look) -> None:
    page = look(csm=["Sato", "Nobody"], band="green", lang="ja")
    assert listed(page) == ["Cove"]
    assert "顧客数" in metrics(page)


def test_a_search_finds_names_domains_and_ids_in_any_case(look: Look) -> None:
    page = look()
    for text, names in (("ACM", ["Acme"]), ("cove.ex", ["Cove"]), ("hubspot:bo", ["Bolt"])):
        page.text_input(key="search").set_value(text).run()
        assert listed(sound(page)) == names
    page.text_input(key="search").set_value("100%_").run()
    assert "No account fits" in told(sound(page))


def test_who_left_is_listed_when_asked_for(look: Look) -> None:
    page = look()
    assert "Left" not in listed(page)
    page.toggle(key="others").set_value(True).run()
    assert "Left" in listed(sound(page))


def test_health_by_week_is_of_the_last_day_stored_in_each_and_of_the_version_in_force(
    look: Look,
) -> None:
    page = look()
    _, rows = drawn(page, "week")
    shares = {(row["week"], row["band"]): row["share"] for row in rows(0)}
    # Thursday and Sunday are of one week; the Monday after and two more days of the next.
    assert shares == {
        ("2026-03-01", "Yellow"): pytest.approx(100 / 124),
        ("2026-03-01", "Unknown"): pytest.approx(24 / 124),
        ("2026-03-08", "Red"): pytest.approx(120 / 144),
        ("2026-03-08", "Yellow"): pytest.approx(24 / 144),
        ("2026-03-10", "Red"): pytest.approx(120 / 144),
        ("2026-03-10", "Yellow"): pytest.approx(24 / 144),
    }
    # The rule of the new version.
    assert [row["week"] for row in rows(1)] == ["2026-03-08"]
    page.segmented_control(key="weeks_of").set_value("customers").run()
    _, rows = drawn(sound(page), "week")
    assert {row["share"] for row in rows(0)} == {0.5}


def drawn(page: AppTest, field: str) -> tuple[dict[str, Any], Callable[[int], Rows]]:
    """The one chart that draws the field: its spec, and the rows of each of its layers."""
    (chart,) = [c.proto for c in page.get("vega_lite_chart") if f'"{field}"' in c.proto.spec]
    spec = json.loads(chart.spec)
    data = {d.name: pa.ipc.open_stream(d.data.data).read_all().to_pylist() for d in chart.datasets}
    return spec, lambda layer: data[spec["layer"][layer]["data"]["name"]]


def test_movements_are_summed_by_kind_and_gains_and_losses_have_their_own_colours(
    look: Look,
) -> None:
    page = look()
    charts = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    (movements,) = [c for c in charts if "MRR (USD)" in json.dumps(c) and "layer" in c]
    scale = movements["layer"][0]["encoding"]["color"]["scale"]
    colours = dict(zip(scale["domain"], scale["range"], strict=True))
    assert list(colours) == ["Expansion", "Contraction", "Churn for unpaid invoices"]
    assert len(set(colours.values())) == 3
    assert "1 movements are not in it, for want of an exchange rate." in told(page)


def test_a_backtest_without_enough_losses_claims_nothing(look: Look, tmp_path: Path) -> None:
    said = told(look())
    assert "Not enough evidence: 1 customers were lost so far" in said
    assert "Version v2: 50 observations of 5 customers from 2025-01-31 to 2025-11-30" in said
    none = "update marts.health_backtest set observations = 0"
    assert "Nothing can be held against it yet" in told(look(publish_at(tmp_path, none)))
    enough = """
        update marts.health_backtest set evidence = 'enough', lost_customers = 40, auc = 0.8125,
            auc_low = 0.71, auc_high = 0.9, lift_top_decile = 3.25, captured_arr_20_pct = 55,
            warned_pct = 62.5, green_before_pct = 10, red_hit_pct = 30
        where health_version = 'v2'
    """
    page = look(publish_at(tmp_path, enough))
    shown = metrics(page)
    assert (shown["AUC"], shown["Lift, worst tenth"]) == ("0.81", "3.25×")
    assert shown["Lost ARR in the worst fifth"] == "55 %"
    assert "Not enough evidence" not in told(page)
    assert "0.71 – 0.90" in str([metric.help for metric in page.metric])


def test_names_from_outside_are_shown_as_they_are(look: Look) -> None:
    page = look()
    (label,) = [b.label for b in page.button if b.key == "open hubspot:evil"]
    assert "](" not in label
    assert ":red[" not in label
    assert "<b>" not in label


def test_a_card_opens_its_customer(look: Look) -> None:
    page = look(band="red", lang="ja")
    page.button(key="open hubspot:acme").click().run()
    assert "Acme" in [header.value for header in sound(page).header]
    assert page.query_params["account"] == "hubspot:acme"
    page.button(key="back").click().run()
    # As it was left.
    assert listed(sound(page)) == ["Acme"]
    assert "account" not in page.query_params
