"""The product from empty folder to publication, as `make run` does it, over several days.

One sandbox and one data folder live through the module, so the tests run in the order they stand.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import pytest
import requests

from sandbox import Sandbox
from tests.e2e import personal
from tests.e2e.harness import ROOT, Product, kill_everything

SMALL = {"companies": 60, "months": 8, "seed": 11, "now": datetime(2026, 5, 4, 6, tzinfo=UTC)}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(**SMALL) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def product(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Product:
    return Product(tmp_path_factory.mktemp("product"), sandbox.environment())


@pytest.fixture(scope="module")
def first_day(product: Product) -> tuple[str, dict]:
    """Output of the first run, and the marts it published."""
    code, output = product.run()
    assert code == 0, output[-3500:]
    return output, product.marts()


def test_the_first_run_says_what_came_in_what_passed_and_whom_to_call(first_day) -> None:
    output, marts = first_day
    for source in ("hubspot", "stripe", "mixpanel"):
        assert f"  {source:12}" in output
    assert "rows new or changed" in output
    assert " 0 failed" in output, output
    assert "Whom to call first" in output
    assert "  1. " in output
    assert "make dev" in output
    assert len(marts["customer_360"]) > 0


def test_there_is_one_row_per_account_and_the_best_known_customers_are_scored(
    product: Product, first_day
) -> None:
    assert product.read("select count(*) - count(distinct account_id) from marts.customer_360") == [
        (0,)
    ]
    scored, unknown = product.read(
        "select count(health_score), count(*) filter (health_band = 'unknown')"
        " from marts.customer_360 where is_customer"
    )[0]
    assert scored > unknown


def test_raw_holds_each_company_that_the_crm_shows_once(
    product: Product, sandbox: Sandbox, first_day
) -> None:
    pulled = [row[0] for row in product.raw("hubspot", "select id from raw_hubspot.companies")]
    made_up = {str(one) for ids in sandbox.truth.companies["hubspot_ids"] for one in ids}
    assert len(pulled) == len(set(pulled))
    assert set(pulled) <= made_up
    environment = sandbox.environment()
    for hidden in made_up - set(pulled):
        answer = requests.get(
            f"{environment['SOURCES__HUBSPOT__BASE_URL']}/crm/v3/objects/companies/{hidden}",
            headers={"Authorization": f"Bearer {environment['SOURCES__HUBSPOT__ACCESS_TOKEN']}"},
            timeout=10,
        )
        found = answer.json().get("id") if answer.ok else None
        assert found != hidden, "a company that the CRM shows was not pulled"


def test_a_second_run_finds_nothing_new_and_leaves_the_publication_as_it_is(
    product: Product, first_day
) -> None:
    _, before = first_day
    served = (product.published / "c360.duckdb").resolve()
    code, output = product.run()
    assert code == 0, output[-3500:]
    for source in ("stripe", "mixpanel"):
        assert f"  {source:12} nothing new" in output, output
    assert "unchanged: nothing is new since the publication" in output
    assert (product.published / "c360.duckdb").resolve() == served
    assert product.marts() == before


def test_killed_anywhere_and_run_again_the_result_is_that_of_a_quiet_run(
    sandbox: Sandbox, first_day, tmp_path
) -> None:
    _, undisturbed = first_day
    product = Product(tmp_path, sandbox.environment())
    for step in ("pull_stripe", "transform", "published__c360"):
        process = product.start()
        assert process.stdout is not None
        for line in process.stdout:
            if f"{step} ..." in line:
                break
        kill_everything(process)
    code, output = product.run()
    assert code == 0, output[-3500:]
    assert "was killed before it ended" in output
    assert product.marts() == undisturbed


@pytest.fixture(scope="module")
def bad_day(product: Product, sandbox: Sandbox, first_day) -> tuple[int, str]:
    """A day later: HubSpot does not answer, Stripe refuses the key, Mixpanel is well."""
    sandbox.advance(days=1)
    product.vendors = sandbox.environment()
    sandbox.fault("hubspot", "down", times=None)
    try:
        # Vendors ask for seconds between two tries; here they need not be waited for.
        return product.run(
            SOURCES__STRIPE__API_KEY="rk_live_wrong", RUNTIME__REQUEST_BACKOFF_FACTOR="0.01"
        )
    finally:
        sandbox.clear_faults()


def test_a_refused_key_names_the_source_and_the_setting_and_stops_nobody_else(bad_day) -> None:
    code, output = bad_day
    assert code == 1
    assert "stripe       failed" in output, output[-3500:]
    assert "SOURCES__STRIPE__API_KEY" in output
    assert "rk_live_wrong" not in output
    assert "NOT by this run" not in output, "the marts are published all the same"


def test_a_vendor_that_is_down_keeps_what_was_loaded_and_shows_its_age(
    product: Product, bad_day, first_day
) -> None:
    _, output = bad_day
    assert "hubspot      failed" in output, output[-3500:]
    ages = dict(product.read("select source, pull_age_hours from marts.source_freshness"))
    assert ages["hubspot"] > 12
    assert ages["stripe"] > 12
    assert ages["mixpanel"] < 12
    accounts = product.read("select count(*) from marts.customer_360")[0][0]
    assert accounts >= len(first_day[1]["customer_360"])


def test_only_the_new_day_of_events_came_in(product: Product, bad_day, first_day) -> None:
    loads = product.raw(
        "mixpanel",
        "select count(distinct event_date), max(event_date) from raw_mixpanel.events"
        " where _dlt_load_id = (select max(_dlt_load_id) from raw_mixpanel.events)",
    )
    days, newest = loads[0]
    assert newest == date(2026, 5, 5)
    assert days <= 9, "a day is loaded again only when late events changed it"
    total, keys = product.raw(
        "mixpanel",
        "select count(*), count(distinct (event, distinct_id, time, insert_id, properties))"
        " from raw_mixpanel.events where insert_id is not null",
    )[0]
    assert total < 1.05 * keys, "the vendor's own repeats, and no more"


def test_a_mart_that_fails_its_audit_leaves_the_last_publication_in_place(
    product: Product, bad_day
) -> None:
    good = (product.published / "c360.duckdb").resolve()
    with duckdb.connect(product.data / "warehouse.duckdb") as warehouse:
        warehouse.execute("delete from marts.customer_360 where account_id > 'hubspot:2100003'")
    result = subprocess.run(
        [sys.executable, "-m", "tests.e2e.audit_and_publish"],
        cwd=ROOT,
        env=product.environment(),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert result.returncode == 1, result.stderr[-2000:]
    assert "published__c360" not in result.stdout
    assert (product.published / "c360.duckdb").resolve() == good


def test_logs_and_events_of_all_these_runs_hold_no_person(
    product: Product, sandbox: Sandbox, bad_day
) -> None:
    persons = personal.persons(product, sandbox.truth.users["email"].dropna())
    assert min(len(persons.addresses), len(persons.names)) > 100
    scanned = dict(personal.left_behind(product.data))
    assert any(
        "raw_hubspot" in text and "ASSET_MATERIALIZATION" in text for text in scanned.values()
    )
    assert product.data / "logs" / "run.log" in scanned
    found = {
        str(path.relative_to(product.data)): sorted(who)[:3]
        for path, text in scanned.items()
        if (who := persons.found_in(text))
    }
    assert found == {}
    (someone, *_) = persons.addresses
    assert persons.found_in(f"cannot cast '{someone.upper()}'") == {someone}, "it would be seen"
