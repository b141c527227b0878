"""What the vendors' records become: money in major units, flags, dates and links."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse

AS_OF = "2026-11-01T00:00:00Z"
SELECT = "+path:models/intermediate/billing +path:models/intermediate/crm +source_freshness"


def price(number: str, currency: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "product": "prod_1",
        "currency": currency,
        "billing_scheme": "per_unit",
        "recurring__interval": "month",
        "recurring__interval_count": 1,
        "recurring__usage_type": "licensed",
    } | more


def item(number: str, price_id: str, **more: Any) -> dict[str, Any]:
    start, end = "2026-10-01", "2026-11-01"
    return {
        "id": number,
        "subscription": "sub_1",
        "price": price_id,
        "quantity": 3,
        "created": start,
        "current_period_start": start,
        "current_period_end": end,
    } | more


def invoice(number: str, currency: str, total: int) -> dict[str, Any]:
    return {"id": number, "customer": "cus_1", "currency": currency, "total": total,
            "status": "paid", "created": "2026-09-01", "finalized_at": "2026-09-02"}  # fmt: skip


TIERS = [
    {"up_to": 10, "unit_amount": 500, "unit_amount_decimal": "500", "flat_amount": None},
    {"up_to": None, "unit_amount_decimal": "12.5", "flat_amount": 10000},
]
OLD_DISCOUNT = {"id": "di_old", "coupon": {"id": "ten", "percent_off": 10.5, "duration": "once"},
                "start": 1790812800, "end": 1793491200}  # fmt: skip
NEW_DISCOUNT = {"id": "di_new", "source": {"type": "coupon", "coupon": "yen"}, "start": 1790812800}

RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "stripe": {
        "customers": [
            {"id": "cus_1", "email": "a@b.test", "created": "2025-01-01",
             "discount": {"id": "di_customer", "coupon": "yen", "start": 1790812800}},
            {"id": "cus_2", "created": "2025-01-01", "discount": "null", "deleted": True},
        ],
        "products": [
            {"id": "prod_1", "name": "Platform Team", "active": True,
             "metadata": {"seats": "true", "features": "reports,imports"}},
            {"id": "prod_2", "name": "Support Plus", "active": True, "metadata": '"text"'},
        ],
        "prices": [
            price("usd", "usd", unit_amount=1999, unit_amount_decimal="1999"),
            price("jpy", "jpy", unit_amount=1500),
            price("fine", "usd", unit_amount_decimal="0.0123456789"),
            price("odd", "xyz", unit_amount=100),
            price("pack", "usd", unit_amount=8000, product="prod_2",
                  transform_quantity={"divide_by": 5, "round": "up"}),
            price("tiered", "eur", billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS),
            price("meter", "usd", unit_amount=1, recurring__usage_type=None, recurring__meter="m"),
        ],
        "subscriptions": [
            {"id": "sub_1", "customer": "cus_1", "status": "active", "currency": "usd",
             "created": "2026-10-01", "start_date": "2026-10-01", "discounts": [OLD_DISCOUNT],
             "pause_collection": {"behavior": "void", "resumes_at": 1793491200}},
            {"id": "sub_2", "customer": "cus_2", "status": "canceled", "currency": "usd",
             "created": "2026-01-01", "start_date": "2026-01-01", "ended_at": "2026-02-01",
             "pause_collection": None, "discounts": []},
            {"id": "sub_late", "customer": "cus_1", "status": "active", "currency": "usd",
             "created": "2026-11-02", "start_date": "2026-11-02"},
        ],
        "subscription_items": [
            item("si_usd", "usd", discounts=[NEW_DISCOUNT]),
            item("si_jpy", "jpy") | {"current_period_start": "2026-06-01",
                                     "current_period_end": "2027-06-01"},
            item("si_fine", "fine"),
            item("si_odd", "odd"),
            item("si_pack", "pack"),
            item("si_tiered", "tiered"),
            item("si_meter", "meter"),
            item("si_embedded", "gone", price_object={
                "product": "prod_1", "billing_scheme": "tiered", "tiers_mode": "volume",
                "currency": "usd", "tiers": TIERS, "recurring": {"interval": "year",
                "interval_count": 1, "usage_type": "licensed"}}),
        ],
        "coupons": [
            {"id": "yen", "amount_off": 3000, "currency": "jpy", "duration": "forever",
             "applies_to": ["prod_1"]},
        ],
        "invoices": [
            invoice("in_usd", "usd", 123456), invoice("in_jpy", "jpy", 123456),
            invoice("in_kwd", "kwd", 123456), invoice("in_odd", "xyz", 123456),
            invoice("in_credit", "eur", -995),
        ],
        "invoice_lines": [
            {"id": "il_1", "invoice": "in_usd", "currency": "usd", "amount": 5000,
             "discount_amounts": [{"amount": 500, "discount": "d"}, {"amount": 250}]},
            {"id": "il_2", "invoice": "in_jpy", "currency": "jpy", "amount": 5000,
             "proration": True},
        ],
        "charges": [{"id": "ch_1", "customer": "cus_1", "invoice": "in_usd", "amount": 100,
                     "amount_refunded": 40, "currency": "usd", "created": "2026-09-02"}],
        "refunds": [{"id": "re_1", "charge": "ch_1", "amount": 40, "currency": "usd",
                     "created": "2026-09-03"}],
        "credit_notes": [{"id": "cn_1", "customer": "cus_1", "invoice": "in_usd", "amount": 100,
                          "total": 95, "currency": "usd", "created": "2026-09-03"}],
        "pulls": [
            {"pull_id": "1", "pulled_through": "2026-10-30T06:00:00Z"},
            {"pull_id": "2", "pulled_through": "2026-10-31T18:00:00Z"},
            {"pull_id": "3", "pulled_through": "2026-11-01T00:00:01Z"},
        ],
    },
    "hubspot": {
        "companies": [
            {"id": "1", "updated_at": "2026-10-31T00:00:00Z"},
            {"id": "2", "updated_at": "2099-01-01T00:00:00Z"},
        ],
        "contacts": [
            {"id": "c1", "properties__email": " A.B+x@Mail.Firm.TEST "},
            {"id": "c2", "properties__hs_calculated_merged_vids": "c2;c1:1650000000000"},
        ],
        "assoc_company_contact": [
            {"from_id": "1", "to_id": "c1", "type_id": "280"},
            {"from_id": "2", "to_id": "c1", "type_id": "280"},
            {"from_id": "2", "to_id": "c1", "type_id": "2", "label": "Primary"},
        ],
        "pipeline_stages": [
            {"pipeline_id": "p", "id": "won", "label": "Signed!", "is_closed": True,
             "probability": 1},
            {"pipeline_id": "p", "id": "lost", "label": "Gone", "is_closed": True,
             "probability": 0},
        ],
        "deals": [
            {"id": "d1", "properties__pipeline": "p", "properties__dealstage": "won",
             "properties__amount": "1234.56", "properties__deal_currency_code": "eur",
             "properties__dealtype": "newbusiness",
             "properties__closedate": "2026-03-31T22:30:00Z"},
            {"id": "d2", "properties__pipeline": "p", "properties__dealstage": "lost",
             "properties__hs_is_closed_won": "true", "properties__amount": "twelve",
             "properties__createdate": "not a date", "created_at": "2026-01-05T00:00:00Z"},
            {"id": "d3", "properties__dealstage": "unheard of"},
        ],
        "assoc_company_deal": [{"from_id": "1", "to_id": "d1", "type_id": "341"}],
        "meetings": [
            {"id": "m1", "properties__hs_meeting_outcome": "COMPLETED",
             "properties__hs_meeting_start_time": "2026-10-01T10:00:00+02:00"},
            {"id": "m2", "properties__hs_meeting_outcome": "NO_SHOW",
             "properties__hs_timestamp": "2026-10-02T10:00:00.000Z"},
            {"id": "m3"},
        ],
        "assoc_meeting_company": [
            {"from_id": "m1", "to_id": "1", "type_id": "188"},
            {"from_id": "m1", "to_id": "1", "type_id": "9"},
            {"from_id": "m1", "to_id": "2", "type_id": "188"},
            {"from_id": "m2", "to_id": "1", "type_id": "188"},
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = build_warehouse(tmp_path_factory.mktemp("staging"), RAW, as_of=AS_OF, select=SELECT)
    yield con
    con.close()


def read(
    con: duckdb.DuckDBPyConnection, model: str, columns: str, key: str = "source_id"
) -> dict[str, tuple[Any, ...]]:
    rows = con.execute(f"select {key}, {columns} from intermediate.int_{model}").fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_minor_units_become_major_units_by_the_currency_and_never_by_a_guess(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read(warehouse, "invoices", "total, currency") == {
        "in_usd": (Decimal("1234.56"), "USD"),
        "in_jpy": (Decimal("123456"), "JPY"),
        "in_kwd": (Decimal("123.456"), "KWD"),
        "in_odd": (None, "XYZ"),
        "in_credit": (Decimal("-9.95"), "EUR"),
    }
    assert read(warehouse, "invoice_lines", "amount, discount_amount, is_proration") == {
        "il_1": (Decimal(50), Decimal("7.5"), False),
        "il_2": (Decimal(5000), Decimal(0), True),
    }
    assert read(warehouse, "payments", "amount, amount_refunded") == {
        "ch_1": (Decimal(1), Decimal("0.4"))
    }
    assert read(warehouse, "refunds", "amount, account_source_id") == {
        "re_1": (Decimal("0.4"), "cus_1")
    }
    assert read(warehouse, "credit_notes", "amount") == {"cn_1": (Decimal("0.95"),)}


def test_unit_prices_keep_twelve_decimals(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert read(warehouse, "subscription_items", "unit_amount") == {
        "si_usd": (Decimal("19.99"),),
        "si_jpy": (Decimal(1500),),
        "si_fine": (Decimal("0.000123456789"),),
        "si_odd": (None,),
        "si_pack": (Decimal(80),),
        "si_tiered": (None,),
        "si_meter": (Decimal("0.01"),),
        "si_embedded": (None,),
    }


def test_items_know_product_terms_and_packs(warehouse: duckdb.DuckDBPyConnection) -> None:
    items = read(
        warehouse,
        "subscription_items",
        "product_name, is_seat_based, product_features, interval, usage_type,"
        " transform_divide_by, transform_round",
    )
    assert items["si_usd"] == (
        "Platform Team", True, "reports,imports", "month", "licensed", None, None
    )  # fmt: skip
    assert items["si_pack"] == ("Support Plus", False, None, "month", "licensed", 5, "up")
    assert items["si_meter"][4] == "metered"
    assert items["si_embedded"][3] == "year"


def test_tiers_are_rows_in_major_units(warehouse: duckdb.DuckDBPyConnection) -> None:
    tiers = warehouse.execute(
        "select price_source_id, tier_no, up_to, unit_amount, flat_amount, currency"
        " from intermediate.int_price_tiers order by all"
    ).fetchall()
    assert tiers == [
        ("gone", 1, 10, Decimal(5), Decimal(0), "USD"),
        ("gone", 2, None, Decimal("0.125"), Decimal(100), "USD"),
        ("tiered", 1, 10, Decimal(5), Decimal(0), "EUR"),
        ("tiered", 2, None, Decimal("0.125"), Decimal(100), "EUR"),
    ]


def test_discounts_of_both_api_shapes_and_all_three_places(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    discounts = read(
        warehouse,
        "discounts",
        "subscription_source_id, item_source_id, account_source_id, percent_off, amount_off,"
        " currency, duration, ends_at::varchar, applies_to_products",
    )
    assert discounts == {
        "di_old": ("sub_1", None, None, Decimal("10.5"), None, None, "once",
                   "2026-11-01 00:00:00", None),
        "di_new": ("sub_1", "si_usd", None, None, Decimal(3000), "JPY", "forever", None,
                   '["prod_1"]'),
        "di_customer": (None, None, "cus_1", None, Decimal(3000), "JPY", "forever", None,
                        '["prod_1"]'),
    }  # fmt: skip


def test_a_subscription_runs_as_long_as_its_longest_item(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        warehouse,
        "subscriptions",
        "current_period_start_at::varchar, current_period_end_at::varchar, pause_behavior,"
        " pause_resumes_at::varchar",
    ) == {
        "sub_1": ("2026-06-01 00:00:00", "2027-06-01 00:00:00", "void", "2026-11-01 00:00:00"),
        "sub_2": (None, None, None, None),
    }


def test_a_deal_is_won_by_its_own_flag_before_its_stage(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        warehouse, "opportunities", "amount, currency, stage, is_closed, is_won, type, account_id"
    ) == {
        "d1": (Decimal("1234.56"), "EUR", "Signed!", True, True, "new_business", "hubspot:1"),
        "d2": (None, None, "Gone", True, True, None, None),
        "d3": (None, None, "unheard of", False, False, None, None),
    }


def test_a_meeting_is_contact_with_every_company_that_took_part(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read(warehouse, "activities", "account_id, occurred_at::varchar, is_two_way") == {
        "m1/1": ("hubspot:1", "2026-10-01 08:00:00", True),
        "m1/2": ("hubspot:2", "2026-10-01 08:00:00", True),
        "m2/1": ("hubspot:1", "2026-10-02 10:00:00", False),
        "m3": (None, None, None),
    }


def test_a_contact_belongs_to_its_primary_company_and_a_merged_one_is_gone(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read(warehouse, "contacts", "email, email_domain, account_id, is_deleted") == {
        "c1": ("a.b+x@mail.firm.test", "mail.firm.test", "hubspot:2", True),
        "c2": (None, None, None, False),
    }


def test_the_future_makes_no_source_fresh(warehouse: duckdb.DuckDBPyConnection) -> None:
    ages = warehouse.execute(
        "select source, data_age_hours, pulled_at::varchar, pull_age_hours"
        " from marts.source_freshness order by source"
    ).fetchall()
    # billing: sub_1 of 1 October is the newest that is not in the future, 31 days before.
    assert ages == [
        ("hubspot", Decimal(24), None, None),
        ("mixpanel", None, None, None),
        ("stripe", Decimal(744), "2026-10-31 18:00:00", Decimal(6)),
    ]
