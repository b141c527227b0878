"""What a company is called, which part of a host is its own, and how sure a name makes us."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from .raw import TRANSFORM

sys.path.append(str(TRANSFORM / "plugins"))

from company_names import beginning, name_key, scored
from registrable_domain import registrable_domain


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Alder Analytics, Inc.", "alder analytics"),
        ("  MÜLLER   Rail GmbH ", "muller rail"),
        ("Foo L.L.C.", "foo"),
        ("Smith & Jones Co. KG", "smith and jones"),
        ("Smith & Co. KG", "smith"),
        ("Yarrow Water Gesellschaft mbH", "yarrow water"),
        ("株式会社アクメ", "アクメ"),
        ("ＡＣＭＥ Kabushiki Kaisha", "acme"),
        ("Limited", "limited"),
        (" - ", ""),
        (None, ""),
    ],
)
def test_a_name_is_compared_without_case_accents_punctuation_and_legal_form(
    name: str | None, key: str
) -> None:
    assert name_key(name) == key


def test_a_beginning_survives_abbreviation_and_one_word_has_none() -> None:
    assert beginning(name_key("Alder Analytics Ltd")) == beginning(name_key("Alder Anal."))
    assert beginning("alder") is None


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("mail.acme.co.uk", "acme.co.uk"),
        ("acme.example", "acme.example"),
        ("acme.github.io", "acme.github.io"),
        ("co.uk", None),
        ("10.0.0.1", None),
        ("shop.müller.de", "müller.de"),
        (None, None),
    ],
)
def test_the_registrable_domain_is_what_one_party_registered(
    host: str | None, domain: str | None
) -> None:
    assert registrable_domain(host) == domain


def owner(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"source": "crm", "source_id": str(number), "name": name, "country": "Germany",
            "match_domain": f"d{number}.test", "place": 1} | more  # fmt: skip


def seeker(name: str, **more: Any) -> dict[str, Any]:
    return {"source": "billing", "source_id": name, "name": name, "country": "DE",
            "match_domain": None, "place": 3} | more  # fmt: skip


CROWD = [owner(100 + n, f"Firm{n} Holding") for n in range(200)]


def found(
    seekers: list[dict[str, Any]], owners: list[dict[str, Any]]
) -> dict[str, dict[str, float]]:
    pairs: dict[str, dict[str, float]] = {}
    for row in scored(seekers, owners).to_pylist():
        pairs.setdefault(row["source_id"], {})[row["owner_source_id"]] = row["probability"]
    return pairs


def test_an_equal_name_is_surer_than_an_abbreviation_and_a_country_counts() -> None:
    seekers = [
        seeker("Alder Analytics GmbH"),
        seeker("Birken Analytics", country="US"),
        seeker("Cedar Anal."),
        seeker("Dalton Whatever"),
    ]
    owners = [
        owner(1, "alder analytics"),
        owner(2, "Birken Analytics"),
        owner(3, "Cedar Analytics"),
    ]
    pairs = found(seekers, [*owners, *CROWD])
    assert set(pairs) == {"Alder Analytics GmbH", "Birken Analytics", "Cedar Anal."}
    equal = pairs["Alder Analytics GmbH"]["1"]
    assert equal > 0.99
    assert pairs["Birken Analytics"]["2"] < 0.95
    assert pairs["Cedar Anal."]["3"] < equal


def test_names_that_companies_share_are_believed_less() -> None:
    twins = [owner(n, f"Twin{n // 2} Works") for n in range(20)]
    unique = found([seeker("Alder Works")], [owner(50, "Alder Works"), *CROWD])
    common = found([seeker("Alder Works")], [owner(50, "Alder Works"), *twins, *CROWD])
    assert common["Alder Works"]["50"] < unique["Alder Works"]["50"]


def test_one_word_is_believed_less_than_two_and_two_domains_speak_against() -> None:
    singles = [owner(n, f"Word{n // 2}") for n in range(20)]
    owners = [owner(50, "Alder Works"), owner(51, "Alder"), *singles, *CROWD]
    seekers = [seeker("Alder"), seeker("Alder Works Ltd", match_domain="other.test")]
    pairs = found([seeker("Alder Works"), *seekers], owners)
    assert pairs["Alder"]["51"] < pairs["Alder Works"]["50"]
    assert pairs["Alder Works Ltd"]["50"] < pairs["Alder Works"]["50"]


def test_a_record_is_only_held_against_kinds_before_its_own() -> None:
    assert found([seeker("Alder Works", place=3)], [owner(1, "Alder Works", place=3)]) == {}


def test_what_too_many_companies_are_called_makes_no_pairs() -> None:
    same = [owner(n, "Summit Services") for n in range(21)]
    assert found([seeker("Summit Services")], same) == {}
    assert len(found([seeker("Summit Services")], same[:20])["Summit Services"]) == 20
