"""Every label of the page stands in one table, in both languages."""

from __future__ import annotations

import ast
import csv
import string
from pathlib import Path
from typing import Any

import pytest
import yaml

from page.expected import EXPECTED
from page.reasons import said as said_in
from page.words import LANGUAGES, Words, labels, plain

ROOT = Path(__file__).resolve().parents[2]
PAGE, MARTS = ROOT / "page", ROOT / "transform" / "models" / "marts"
SEEDS = ROOT / "transform" / "seeds"

# Where the values of a column of a mart are said in words.
GROUPS = {
    "touch_tier": "touch_tier",
    "lifecycle_stage": "lifecycle_stage",
    "health_band": "health_band",
    "health_null_reason": "null_reason",
    "movement": "movement",
    "outcome": "outcome",
    "rule": "rule",
    "entity": "entity",
    "null_reason": "null_reason",
    "kind": "event",
    "state": "subscription_state",
    "instrument": "instrument",
    "bucket": "bucket",
    "priority": "priority",
    "target": "target_of",
    "evidence": "evidence",
}
# The same name means another thing in another mart.
GROUPS_OF = {
    ("account_invoices", "status"): "invoice_status",
    ("account_tickets", "status"): "ticket_status",
}


def constants() -> set[str]:
    """Every string that stands in the code of the page."""
    return {
        node.value
        for path in PAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def said() -> set[str]:
    """Every key that the code says by name."""
    return {
        node.args[0].value
        for path in PAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "say"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_a_text_in_every_language(language: str) -> None:
    assert [key for key, texts in labels().items() if not (texts.get(language) or "").strip()] == []


def test_the_texts_of_a_key_take_the_same_facts() -> None:
    differing = [
        key
        for key, texts in labels().items()
        if len({frozenset(fields(t)) for t in texts.values()}) > 1
    ]
    assert differing == []


def test_no_key_stands_twice() -> None:
    lines = (PAGE / "labels.csv").read_text().splitlines()
    keys = [line.split(",")[0] for line in lines]
    assert sorted(set(keys)) == sorted(keys)


def test_everything_that_the_code_says_has_a_text() -> None:
    assert said() - set(labels()) == set()


def test_no_text_is_left_that_nothing_says() -> None:
    used = constants()
    built = {f"{band}_arr{end}" for band in ("red", "unknown") for end in ("", "_help")}
    keys = {key for key in labels() if "." not in key} - built
    groups = {key.split(".")[0] for key in labels() if "." in key}
    assert (keys | groups) - used == set()


def test_every_value_that_a_mart_may_hold_has_a_word() -> None:
    models = [m for p in MARTS.rglob("*.yml") for m in yaml.safe_load(p.read_text())["models"]]
    missing = [
        f"{group}.{value}"
        for model in models
        for column in model.get("columns", [])
        if column["name"] in EXPECTED.get(model["name"], {})
        and (group := GROUPS_OF.get((model["name"], column["name"])) or GROUPS.get(column["name"]))
        for value in accepted(column.get("data_tests", []))
        if f"{group}.{value}" not in labels()
    ]
    # A new value of a mart needs a row in page/labels.csv.
    assert missing == []


def test_every_sentence_of_a_score_tier_or_stage_is_said_in_japanese() -> None:
    columns = {
        "health/health_reasons.csv": ("risk_text", "strength_text"),
        "health/health_caps.csv": ("cap_text",),
        "segments/tiers.csv": ("reason",),
        "segments/lifecycle.csv": ("reason",),
    }
    sentences = {
        row[column]
        for file, names in columns.items()
        for row in csv.DictReader((SEEDS / file).open())
        for column in names
    }
    assert len(sentences) > 40
    # A new sentence of a seed needs a row in page/labels.csv.
    assert sentences - {texts["en"] for key, texts in labels().items() if "reason." in key} == set()


@pytest.mark.parametrize(
    ("sentence", "japanese"),
    [
        (
            "Only 20 % of paid seats were used in 28 days (risk below 76 %)",
            "28日間に使われた契約席は 20 % のみ(76 % 未満でリスク)",
        ),
        (
            "ARR 60000 USD is at least 50000 and complexity 3 at least 2",
            "ARR 60000 USD が 50000 以上、複雑度 3 が 2 以上",
        ),
        ("The CSM sees it yellow", "担当CSMの評価:黄"),
        (
            "Set by hand to red until 2026-04-01: It is (not) well: {x}",
            "2026-04-01 まで手動で 赤 に設定:It is (not) well: {x}",
        ),
        ("A sentence of our own", "A sentence of our own"),
        (None, ""),
    ],
)
def test_reasons_are_said_in_the_language_of_the_reader(
    sentence: str | None, japanese: str
) -> None:
    assert said_in(Words("ja"), sentence) == japanese
    assert said_in(Words("en"), sentence) == (sentence or "")


def test_every_measure_and_group_of_the_scorecards_has_a_word() -> None:
    rows = list(csv.DictReader((SEEDS / "health/health_measures.csv").open()))
    caps = list(csv.DictReader((SEEDS / "health/health_caps.csv").open()))
    wanted = {f"measure.{row['measure']}" for row in rows}
    wanted |= {f"score_group.{row['score_group']}" for row in rows}
    wanted |= {f"cap.{row['cap']}" for row in caps}
    assert wanted - set(labels()) == set()


def accepted(tests: list[Any]) -> list[str]:
    return [
        value
        for test in tests
        if isinstance(test, dict) and "accepted_values" in test
        for value in test["accepted_values"]["arguments"]["values"]
    ]


@pytest.mark.parametrize(
    ("amount", "english", "japanese"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (10_000, "10.0k", "1.00万"),
        (-15_600, "-15.6k", "-1.56万"),
        (1_234_567, "1.23M", "123万"),
        (123_456_789, "123M", "1.23億"),
        (None, "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_amounts_are_short_as_each_language_writes_them(
    amount: float | None, english: str, japanese: str
) -> None:
    assert (Words("en").money(amount), Words("ja").money(amount)) == (english, japanese)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.394, "share", "39%"),
        (-0.2, "change", "-20%"),
        (35, "days", "35 days"),
        (8.24, "points", "8.2"),
        (0, "colour", "Red"),
        (1, "colour", "Yellow"),
        # A limit between two colours is where the better one begins.
        (0.5, "colour", "Yellow"),
        (1.5, "colour", "Green"),
        (3, "count", "3"),
        (None, "share", "–"),
    ],
)
def test_a_measure_is_said_in_its_unit(value: float | None, unit: str, said: str) -> None:
    assert Words("en").measured(value, unit) == said


def test_ages_are_in_the_unit_that_tells_them_apart() -> None:
    words = Words("en")
    assert [words.age(hours) for hours in (None, 0.5, 3, 47, 48)] == [
        "never",
        "30 min",
        "3 h",
        "47 h",
        "2 days",
    ]


def test_markdown_in_data_is_text() -> None:
    assert plain("a *b* [c](d)\n$e$") == "a \\*b\\* \\[c\\]\\(d\\) \\$e\\$"
