"""Companies whose contracts move from one to the other, and a customer that two companies claim."""

from __future__ import annotations

from typing import Any

from tests.transform.warehouse import DEFAULT_SOURCES

from .billing import Billing, price
from .past import bill, months_between

# One set of sources for all builds of this folder: the project is parsed once.
SOURCES = (*DEFAULT_SOURCES, "files")
GIVER, TAKER = "hubspot:71", "hubspot:72"
# What a person wrote down: from 10 September on the contract belongs to the other company.
DECISIONS = [
    {
        "file_name": "decisions.csv",
        "row_number": 2,
        "record_source": "stripe",
        "record_id": "cus_handed_over",
        "account": TAKER,
        "action": "link",
        "author": "kim",
        "reason": "sold to the sister company",
        "valid_from": "2026-09-10",
    }
]


def companies() -> list[dict[str, Any]]:
    """CRM records: giver, taker, and two that name the same customer of billing."""
    claimed = {"properties__billing_customer_id": "cus_two_accounts"}
    return [
        {"id": number, "archived": False, "created_at": "2025-01-01", "updated_at": "2025-01-01"}
        | {"properties__name": f"Company {number}"}
        | more
        for number, more in [("71", {}), ("72", {}), ("73", claimed), ("74", claimed)]
    ]


def add_owned(b: Billing) -> None:
    """Customers of giver and taker, with invoices from July on.

    The giver pays 100 + 40. The 100 grow to 120 on 1 September and go to the taker, who pays 30, on
    10 September.
    """
    for case, company, amount in [
        ("handed_over", "71", 10000),
        ("kept_by_giver", "71", 4000),
        ("kept_by_taker", "72", 3000),
    ]:
        b.customer(case, metadata__hubspot_company_id=company)
        grown = 12000 if case == "handed_over" else amount
        subscription = b.subscribe(case, price(grown))
        bill(b, case, subscription, months_between("2026-07-01", "2026-08-01"), amount)
        bill(b, case, subscription, months_between("2026-09-01", "2026-11-01"), grown)
