"""Sentences that the marts hold in English, in another language: reasons of scores, tiers, stages.

A sentence is one of the templates of labels.csv under `reason`, filled in. What fits none of them,
such as a reason that somebody wrote, is shown as it is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from page.words import Words, is_known, labels

MARTS_SPEAK = "en"
_FIELD = re.compile(r"\\\{(\w+)\\\}")


@cache
def _templates() -> list[tuple[re.Pattern[str], dict[str, str]]]:
    """What an English sentence looks like, and its template in every language."""
    templates = [texts for key, texts in labels().items() if key.partition(".")[0] == "reason"]
    # The one that leaves the least open comes first.
    templates.sort(key=lambda texts: -len(re.sub(r"\{\w+\}", "", texts["en"])))
    return [
        (re.compile(_FIELD.sub(r"(?P<\1>.+?)", re.escape(texts["en"]))), texts)
        for texts in templates
    ]


def said(words: Words, sentence: Any) -> str:
    """The sentence in the language of `words`; empty for NULL."""
    if not is_known(sentence) or words.language == MARTS_SPEAK:
        return str(sentence) if is_known(sentence) else ""
    return _said(str(sentence), words.language)


@lru_cache(maxsize=20_000)
def _said(sentence: str, language: str) -> str:
    for pattern, texts in _templates():
        if found := pattern.fullmatch(sentence):
            words = Words(language)
            facts = {name: words.code("health_band", v) for name, v in found.groupdict().items()}
            return texts[language].format(**facts)
    return sentence
