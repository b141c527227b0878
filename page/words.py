"""What the page says, in the reader's language: every word of it stands in labels.csv."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

LANGUAGES = {"en": "English", "ja": "日本語"}
NOTHING = "–"

# Streamlit reads Markdown, colour and icon directives and formulas in most of its texts.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=@/])")


@cache
def labels() -> dict[str, dict[str, str]]:
    """Key -> language -> text."""
    with Path(__file__).with_name("labels.csv").open(encoding="utf-8", newline="") as file:
        return {row.pop("key"): row for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Words:
    """The texts of one language, and numbers as its readers write them."""

    language: str

    def say(self, key: str, **facts: Any) -> str:
        """The text of a key; facts go in as they are. Raises KeyError for a key without text."""
        return labels()[key][self.language].format(**facts)

    def code(self, group: str, value: Any, otherwise: Any = None) -> str:
        """The text of a value of the marts, such as band `red`; a value without one as it is."""
        if not is_known(value):
            return NOTHING
        text = labels().get(f"{group}.{value}")
        return text[self.language] if text else str(otherwise or value)

    def money(self, amount: Any) -> str:
        """An amount without its currency, short: 1.23M, or 123万."""
        if not is_known(amount):
            return NOTHING
        steps = {"en": [(1e9, "B"), (1e6, "M"), (1e3, "k")], "ja": [(1e8, "億"), (1e4, "万")]}
        for size, unit in steps[self.language]:
            scaled = abs(amount) / size
            if scaled >= 1 and abs(amount) >= 1e4:
                digits = 2 if scaled < 10 else 1 if scaled < 100 else 0
                return f"{amount / size:,.{digits}f}{unit}"
        return f"{amount:,.0f}"

    def age(self, hours: float | None) -> str:
        """An age in the largest unit that tells it apart."""
        if hours is None:
            return self.say("age_never")
        if hours < 1:
            return self.say("age_minutes", n=f"{hours * 60:.0f}")
        if hours < 48:
            return self.say("age_hours", n=f"{hours:.0f}")
        return self.say("age_days", n=f"{hours / 24:.0f}")

    def measured(self, value: Any, unit: Any) -> str:
        """A value of a health measure in its unit: share, change, days, count, points or colour
        (0 red, 1 yellow, 2 green).
        """
        if not is_known(value):
            return NOTHING
        match unit:
            case "share":
                return f"{value:.0%}"
            case "change":
                return f"{value:+.0%}"
            case "days":
                return self.say("age_days", n=f"{value:,.0f}")
            case "points":
                return f"{value:.1f}"
            case "colour":
                # Limits lie between two colours: from there on it is the better one.
                return self.code("health_band", ["red", "yellow", "green"][round(value + 0.01)])
            case _:
                return f"{value:,.0f}"


def is_known(value: Any) -> bool:
    """Whether a cell of an answer holds something; NULL comes as None, NaN, NaT or NA."""
    return not pd.isna(value)


def percent(share: Any) -> str:
    """A ratio as percent, one digit."""
    return NOTHING if not is_known(share) else f"{share:.1%}"


def number(value: Any) -> str:
    """A whole number."""
    return NOTHING if not is_known(value) else f"{value:,.0f}"


def day(value: date | datetime | None) -> str:
    """A date as ISO 8601."""
    return NOTHING if not is_known(value) else f"{value:%Y-%m-%d}"


def moment(value: datetime | None) -> str:
    """A time as ISO 8601 to the minute, UTC."""
    return NOTHING if not is_known(value) else f"{value:%Y-%m-%d %H:%M} UTC"


def plain(text: Any) -> str:
    """The text so that Markdown shows it as it is: names come from outside."""
    if not is_known(text):
        return NOTHING
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
