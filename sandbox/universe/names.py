"""Invented names of companies and people, and the ways in which people write a company."""

from __future__ import annotations

import re
import unicodedata

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Alder Amber Arden Aster Balsam Basalt Beacon Birken Bluefin Borealis Bramble Brightwell "
    "Calder Canopy Cedar Cinder Cobalt Copper Coral Crestline Dalton Delta Drift Ember Esker "
    "Fathom Fennel Fjord Flint Gable Garnet Glacier Granite Halcyon Harbor Hazel Heron Hollow "
    "Indigo Ironwood Juniper Kestrel Kite Lantern Larch Ledger Linden Lumen Maple Marlow Meadow "
    "Meridian Mistral Müller Nimbus Nordlicht Oakline Obsidian Orchard Osprey Paragon Pebble "
    "Pinecrest Quarry Quill Raven Redstart Ridgeway Saffron Sakura Sélune Silvan Solstice Sparrow "
    "Summit Tallow Tamarind Thistle Tidewater Umber Vantage Verdant Walnut Willow Yarrow Zephyr"
)
_SECOND = _words(
    "Analytics Apparel Automation Bank Biotech Brands Capital Catering Chemicals Clinics Cloud "
    "Construction Consulting Credit Data Dental Design Diagnostics Digital Dynamics Education "
    "Electric Energy Engineering Farms Finance Foods Freight Games Glass Health Holdings Homes "
    "Hotels Insurance Interiors Instruments Kitchens Labs Legal Logistics Machines Marine Markets "
    "Media Medical Metals Mobility Motors Networks Optics Packaging Paper Partners Pharma Power "
    "Press Properties Rail Research Robotics Security Semiconductors Services Shipping Software "
    "Solar Sports Steel Studios Systems Textiles Tools Travel Ventures Water Works"
)
_GIVEN = _words(
    "Aiko Alma Amir Anna Ayumi Bea Bruno Carla Chen Clara Dana David Elif Emma Enzo Eva Felix "
    "Finn Grace Hana Haruto Ines Ivan Jana Jonas Jun Kai Kenji Lara Lena Leo Lina Lucas Maja "
    "Marco Maya Mei Mia Milan Nadia Nils Noah Nora Olga Omar Oscar Paula Priya Rafael Ren Rosa "
    "Sam Sara Sofia Sora Tariq Theo Tom Uma Vera Victor Wei Yara Yuki Zoe"
)
_FAMILY = _words(
    "Abe Almeida Andersen Bauer Becker Bernard Brandt Carter Castro Chang Costa Dubois Duval "
    "Endo Fischer Fontana Fujita Garcia Girard Gupta Hansen Hayashi Hoffmann Hughes Ito Ivanova "
    "Jensen Kato Keller Khan Kim Kimura Klein Kobayashi Lang Larsen Lehmann Lopez Martin Meyer "
    "Mori Moreau Nakamura Nguyen Nowak Okada O'Neill Ota Park Patel Peters Petit Quinn Ricci "
    "Romero Rossi Saito Sanders Sato Schmidt Silva Singh Suzuki Takeda Tanaka Torres Ueda Vogel "
    "Wagner Weber Wood Yamada Yilmaz Young"
)
_LEGAL = {
    "US": (("Inc.", "Incorporated"), ("LLC", "L.L.C."), ("Corp.", "Corporation")),
    "GB": (("Ltd", "Limited"), ("PLC", "plc")),
    "DE": (("GmbH", "Gesellschaft mbH"), ("AG", "Aktiengesellschaft")),
    "FR": (("SAS", "S.A.S."), ("SARL", "S.A.R.L.")),
    "NL": (("B.V.", "BV"),),
    "JP": (("K.K.", "Kabushiki Kaisha"), ("Co., Ltd.", "Company Limited")),
}
FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "gmx.de", "yahoo.co.jp", "icloud.com")
TITLES = (
    "Chief Executive Officer", "VP Operations", "Head of Data", "IT Manager", "Product Manager",
    "Operations Analyst", "Finance Manager", "Customer Success Lead", "Team Lead", "Consultant",
)  # fmt: skip


def company_names(count: int, rng: np.random.Generator) -> list[str]:
    """Return `count` different two-word names; a number follows when the words run out."""
    pairs = len(_FIRST) * len(_SECOND)
    order = rng.permutation(pairs)
    names = []
    for position in range(count):
        first, second = divmod(int(order[position % pairs]), len(_SECOND))
        again = position // pairs
        names.append(f"{_FIRST[first]} {_SECOND[second]}" + (f" {again + 1}" if again else ""))
    return names


def person(rng: np.random.Generator) -> tuple[str, str]:
    """Return a given name and a family name."""
    return (
        _GIVEN[int(rng.integers(len(_GIVEN)))],
        _FAMILY[int(rng.integers(len(_FAMILY)))],
    )


def legal_forms(country: str, rng: np.random.Generator) -> tuple[str, str]:
    """Return one legal form of a country, short and long."""
    forms = _LEGAL[country]
    return forms[int(rng.integers(len(forms)))]


def slug(text: str) -> str:
    """Return lower-case ASCII letters and digits joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def written(name: str, short: str, long: str, style: int) -> str:
    """Return one way in which people write a company; styles 0 to 7, from exact to abbreviated."""
    words = name.split()
    return (
        f"{name} {short}",
        name,
        f"{name} {long}",
        f"{name.upper()} {short.upper()}",
        f"{name}, {short}",
        name.lower(),
        f"  {name}  {short} ",
        f"{words[0]} {words[1][:4]}." if len(words[1]) > 5 else words[0],
    )[style]
