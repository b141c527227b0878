"""How likely a record is the company of another one, by name and country, with Splink on DuckDB.

Nothing is trained: what share of namesakes is chance is counted among the companies themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

RESULT = pa.schema(
    [
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("owner_source", pa.string()),
        ("owner_source_id", pa.string()),
        ("name_key", pa.string()),
        ("probability", pa.float64()),
    ]
)

LEGAL_FORMS = frozenset({
    "ab", "ag", "aktiengesellschaft", "aps", "as", "bv", "co", "company", "corp", "corporation",
    "eirl", "gesellschaft", "gmbh", "inc", "incorporated", "kabushiki", "kaisha", "kft", "kg", "kk",
    "limited", "llc", "llp", "lp", "ltd", "mbh", "nv", "oy", "oyj", "plc", "pte", "pty", "sa",
    "sarl", "sas", "sl", "spa", "srl", "ug",
})  # fmt: skip
LEGAL_FORMS_IN_JAPANESE = re.compile("株式会社|有限会社|合同会社|[(（][株有同][)）]")
COUNTRIES = {
    "united states": "us", "united states of america": "us", "usa": "us", "u.s.": "us",
    "u.s.a.": "us", "america": "us", "uk": "gb", "united kingdom": "gb", "great britain": "gb",
    "england": "gb", "germany": "de", "deutschland": "de", "deu": "de", "france": "fr", "fra": "fr",
    "netherlands": "nl", "the netherlands": "nl", "nederland": "nl", "holland": "nl", "nld": "nl",
    "japan": "jp", "jpn": "jp", "日本": "jp", "canada": "ca", "australia": "au", "austria": "at",
    "switzerland": "ch", "spain": "es", "españa": "es", "italy": "it", "italia": "it",
    "ireland": "ie", "belgium": "be", "sweden": "se", "denmark": "dk", "norway": "no",
    "finland": "fi", "poland": "pl", "portugal": "pt", "brazil": "br", "brasil": "br",
    "mexico": "mx", "india": "in", "china": "cn", "south korea": "kr", "korea": "kr",
    "singapore": "sg", "new zealand": "nz",
}  # fmt: skip
# A beginning that more companies share tells nothing, and would cost the square of them.
MAX_SHARED = 20
# Of so many pairs of companies one is taken to share a name before any is counted.
PAIRS_PER_NAMESAKE = 100_000
# Share of records without any key that are of a company we know.
KNOWN_SHARE = 0.5


def name_key(name: str | None) -> str:
    """A name as people would say it: no accents, case, punctuation or legal form; may be empty."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name or "")).casefold()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    # "L.L.C." is one word, "Smith.Jones" two.
    plain = re.sub(r"\b((?:\w\.){2,})", lambda found: found[1].replace(".", ""), plain)
    plain = LEGAL_FORMS_IN_JAPANESE.sub(" ", plain)
    words = re.sub(r"[\W_]+", " ", plain.replace("&", " and ")).split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
        if len(words) > 1 and words[-1] == "and":
            words.pop()
    return " ".join(words)


def beginning(key: str) -> str | None:
    """First word and four letters of the second, which survive abbreviation; None for one word."""
    words = key.split()
    return f"{words[0]} {words[1][:4]}" if len(words) > 1 else None


def country_code(country: str | None) -> str | None:
    """A country as two letters where it is written in a known way, else as it is written."""
    plain = (country or "").strip().casefold()
    return COUNTRIES.get(plain, plain) or None


@dataclass(frozen=True, slots=True)
class Named:
    """One record: `id` is its row number, `domain` the company's, where it is known."""

    id: int
    key: str
    stem: str | None
    country: str | None
    domain: str | None


def scored(seekers: Iterable[Mapping[str, Any]], owners: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Pairs of a seeker and a company with the same or nearly the same name, by RESULT.

    Both have source, source_id, name, country, match_domain, place. A pair is made only where the
    owner's place comes before the seeker's. The cost is linear in both.
    """
    wanted, known = list(seekers), list(owners)
    left = list(_named(wanted))
    right = list(_named(known))
    pairs = _blocked(left, right, wanted, known)
    if not pairs:
        return RESULT.empty_table()
    found = _by_splink(left, right, pairs)
    rows = [
        {
            "source": wanted[one]["source"],
            "source_id": wanted[one]["source_id"],
            "owner_source": known[other]["source"],
            "owner_source_id": known[other]["source_id"],
            "name_key": right[other].key,
            "probability": probability,
        }
        for one, other, probability in found
    ]
    return pa.Table.from_pylist(rows, schema=RESULT)


def _named(records: list[Mapping[str, Any]]) -> Iterator[Named]:
    for number, record in enumerate(records):
        key = name_key(record["name"])
        domain = record.get("match_domain")
        yield Named(number, key, beginning(key), country_code(record["country"]), domain)


def _blocked(
    left: list[Named],
    right: list[Named],
    wanted: list[Mapping[str, Any]],
    known: list[Mapping[str, Any]],
) -> list[tuple[int, int]]:
    """Pairs with the same key or the same beginning, none for what too many companies share."""
    pairs: set[tuple[int, int]] = set()
    for kind in ("key", "stem"):
        holders: dict[str, list[int]] = defaultdict(list)
        for one in right:
            value = getattr(one, kind)
            if value:
                holders[value].append(one.id)
        for one in left:
            same = holders.get(getattr(one, kind) or "", [])
            if len(same) <= MAX_SHARED:
                pairs.update(
                    (one.id, other)
                    for other in same
                    if known[other]["place"] < wanted[one.id]["place"]
                )
    return sorted(pairs)


def _chance(named: Iterable[tuple[str | None, str | None]]) -> float:
    """How likely two companies share a value, of (value, domain) where domains tell them apart."""
    told_apart = [(value, domain) for value, domain in named if value and domain]
    total = len({domain for _, domain in told_apart})
    domains: dict[str, set[str]] = defaultdict(set)
    for value, domain in told_apart:
        domains[value].add(domain)
    sizes = Counter(len(found) for found in domains.values())
    same = sum(count * size * (size - 1) / 2 for size, count in sizes.items())
    return float((same + 1) / (total * (total - 1) / 2 + PAIRS_PER_NAMESAKE))


def _by_splink(
    left: list[Named], right: list[Named], pairs: list[tuple[int, int]]
) -> list[tuple[int, int, float]]:
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_level_library as levels
    from splink import comparison_library as comparisons

    # A single word, often what is left of a longer name, is shared far more often than two.
    words = _chance((one.key, one.domain) for one in right if one.stem)
    word = _chance((one.key, one.domain) for one in right if not one.stem)
    stem = _chance((one.stem, one.domain) for one in right)
    equal = "name_key_l = name_key_r"
    alike = "starts_with(name_key_l, name_key_r) or starts_with(name_key_r, name_key_l)"
    name = comparisons.CustomComparison(
        output_column_name="name_key",
        comparison_levels=[
            levels.NullLevel("name_key"),
            levels.CustomLevel(f"{equal} and contains(name_key_l, ' ')").configure(
                m_probability=0.8, u_probability=words
            ),
            levels.CustomLevel(equal).configure(m_probability=0.05, u_probability=word),
            levels.CustomLevel(alike).configure(m_probability=0.1, u_probability=stem),
            levels.ElseLevel().configure(m_probability=0.05, u_probability=1 - words - word - stem),
        ],
    )
    country = comparisons.CustomComparison(
        output_column_name="country",
        comparison_levels=[
            levels.NullLevel("country"),
            levels.ExactMatchLevel("country").configure(m_probability=0.95, u_probability=0.3),
            levels.ElseLevel().configure(m_probability=0.05, u_probability=0.7),
        ],
    )
    # Who has the same domain needs no name to be found; two domains of one company are rare.
    domain = comparisons.CustomComparison(
        output_column_name="domain",
        comparison_levels=[
            levels.NullLevel("domain"),
            levels.ExactMatchLevel("domain").configure(m_probability=0.9, u_probability=0.001),
            levels.ElseLevel().configure(m_probability=0.1, u_probability=0.999),
        ],
    )
    settings = SettingsCreator(
        link_type="link_only",
        probability_two_random_records_match=KNOWN_SHARE / max(len(right), 1),
        comparisons=[name, country, domain],
        blocking_rules_to_generate_predictions=[block_on("pair")],
        unique_id_column_name="unique_id",
        retain_matching_columns=False,
    )
    # Each pair is a block of its own: who may meet whom was decided before.
    rows_left = [(f"{one}-{n}", n, left[one]) for n, (one, _) in enumerate(pairs)]
    rows_right = [(f"{other}-{n}", n, right[other]) for n, (_, other) in enumerate(pairs)]
    with duckdb.connect() as connection:
        api = DuckDBAPI(connection)
        tables = [
            api.register(_table(rows), dataset_display_name=label)
            for label, rows in (("a_seekers", rows_left), ("b_companies", rows_right))
        ]
        linker = Linker(tables, settings, log_level=None, validate_settings=False)
        predicted = linker.inference.predict(warning_mode="never").as_dict()
    return sorted(
        (int(str(one).split("-")[0]), int(str(other).split("-")[0]), float(probability))
        for one, other, probability in zip(
            predicted["unique_id_l"],
            predicted["unique_id_r"],
            predicted["match_probability"],
            strict=True,
        )
    )


def _table(rows: list[tuple[str, int, Named]]) -> pa.Table:
    return pa.table(
        {
            "unique_id": pa.array([identity for identity, _, _ in rows], pa.string()),
            "pair": pa.array([pair for _, pair, _ in rows], pa.int64()),
            "name_key": pa.array([named.key for _, _, named in rows], pa.string()),
            "country": pa.array([named.country for _, _, named in rows], pa.string()),
            "domain": pa.array([named.domain for _, _, named in rows], pa.string()),
        }
    )
