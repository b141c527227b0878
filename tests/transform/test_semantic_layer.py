"""Metrics asked by name say what the marts say.

The publication is written by hand, in the reporting currency; e pays in one that no rate converts,
and in February 2026 h hands its contract over to b:

| account | tier | health on 9 and 10 March | MRR 2025-02 | 2025-03 | 2026-02 | 2026-03 |
| ------- | ---- | ------------------------ | ----------- | ------- | ------- | ------- |
| a       | high | yellow 60, red 30        | 100         | 100     | 150     | 200     |
| b       | tech | green 90, green 90       |             | 40      | 120     | 110     |
| c       | tech | none, unknown            |             |         |         | 20      |
| d       | -    |                          |             | 60      | 0       | 0       |
| e       | -    |                          |             |         |         | ?       |
| h       | -    |                          |             | 80      | 0       | 0       |
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner

from publish.publication import publish
from publish.reader import query

from .contracts import MARTS, contract, create_marts
from .raw import TRANSFORM
from .warehouse import close_warehouse

pytest.importorskip("dbt_metricflow", reason="the environment is older than requirements.lock")

SEMANTIC = sorted((TRANSFORM / "models" / "semantic").glob("*.yml"))

ROWS = """
    insert into marts.customer_360 by name select * from (values
        ('a', true, 'high', 2400, 40, 100, 30), ('b', true, 'tech', 360, 200, 10, 9),
        ('c', true, 'tech', 240, null, null, 7), ('d', false, null, 0, null, null, null),
        ('e', true, null, null, 10, 5, null)
    ) t(account_id, is_customer, touch_tier, arr, days_to_renewal, licensed_seats, active_users_28d);
    update marts.customer_360 set as_of = timestamp '2026-03-10 12:00';

    insert into marts.mrr_monthly by name
    select *, mrr as mrr_reporting, 12 * mrr as arr_reporting,
        12 * mrr + case when account_id = 'a' then 200 else 0 end as carr_reporting,
        transfer_mrr as transfer_mrr_reporting,
        case when movement = 'new' then mrr - opening_mrr else 0 end as new_mrr_reporting,
        0 as reactivation_mrr_reporting,
        case when movement = 'expansion' then mrr - opening_mrr else 0 end
            as expansion_mrr_reporting,
        case when movement = 'contraction' then mrr - opening_mrr else 0 end
            as contraction_mrr_reporting,
        case when movement = 'churn' then mrr - opening_mrr else 0 end as churn_mrr_reporting
    from (values
        ('a', date '2025-02-01', 'new', 0, 100, 0),
        ('a', date '2025-03-01', 'none', 100, 100, 0), ('b', date '2025-03-01', 'new', 0, 40, 0),
        ('d', date '2025-03-01', 'new', 0, 60, 0), ('h', date '2025-03-01', 'new', 0, 80, 0),
        ('a', date '2026-02-01', 'expansion', 100, 150, 0),
        ('b', date '2026-02-01', 'transfer', 40, 120, 80),
        ('d', date '2026-02-01', 'churn', 60, 0, 0), ('h', date '2026-02-01', 'transfer', 80, 0, -80),
        ('a', date '2026-03-01', 'expansion', 150, 200, 0), ('d', date '2026-03-01', 'none', 0, 0, 0),
        ('b', date '2026-03-01', 'contraction', 120, 110, 0),
        ('c', date '2026-03-01', 'new', 0, 20, 0), ('h', date '2026-03-01', 'none', 0, 0, 0)
    ) t(account_id, month_on, movement, opening_mrr, mrr, transfer_mrr);
    insert into marts.mrr_monthly by name
    select 'e' as account_id, date '2026-03-01' as month_on, 'new' as movement, 500 as mrr,
        0 as opening_mrr;

    insert into marts.mrr_movements by name select * from (values
        ('a', date '2026-02-01', 'expansion', 'upsell', 35), ('d', date '2026-02-01', 'churn', 'involuntary', -60),
        ('a', date '2026-02-01', 'expansion', 'cross_sell', 15), ('a', date '2026-03-01', 'expansion', 'upsell', 50)
    ) t(account_id, month_on, movement, sub_type, amount_reporting);

    insert into marts.renewals by name select * from (values
        ('a', date '2026-02-01', 'renewed', 1200, 1200), ('b', date '2026-03-01', 'contracted', 480, 360),
        ('c', date '2026-03-01', 'open', 240, null)
    ) t(account_id, due_month_on, outcome, arr_due_reporting, arr_renewed_reporting);

    insert into marts.kpi_monthly by name
    select *, coalesce(numerator / denominator, numerator) as value from (values
        ('nrr_12m', date '2026-02-01', 'all', 150, 100), ('nrr_12m', date '2026-03-01', 'all', 230, 200),
        ('nrr_12m', date '2026-03-01', 'high', 200, 100), ('grr_12m', date '2026-03-01', 'all', 130, 200),
        ('gross_mrr_churn', date '2026-02-01', 'all', 60, 200),
        ('gross_mrr_churn', date '2026-03-01', 'all', 10, 190),
        ('cac', date '2026-02-01', 'all', null, 3), ('cac', date '2026-03-01', 'all', 900, 2),
        ('ltv', date '2026-02-01', 'all', 4000, null), ('ltv', date '2026-03-01', 'all', 5000, null)
    ) t(metric, month_on, segment, numerator, denominator);

    insert into marts.customer_health_history by name select * from (values
        ('a', date '2026-03-09', true, 2400, 60, 'yellow'), ('b', date '2026-03-09', true, 360, 90, 'green'),
        ('a', date '2026-03-10', true, 2400, 30, 'red'), ('b', date '2026-03-10', true, 360, 90, 'green'),
        ('c', date '2026-03-10', true, 240, null, 'unknown'), ('a', date '2026-03-10', false, 2400, 95, 'green')
    ) t(account_id, day, is_in_force, arr, health_score, health_band);

    insert into marts.calendar by name
    select cast(d as date) as day from range(date '2024-01-01', date '2027-01-01', interval 1 day) r(d);
"""  # noqa: E501

Ask = Callable[..., dict[str, dict[str, float | None]]]


def declared(kind: str) -> list[dict[str, Any]]:
    """Every entry of this kind in the files of the semantic layer."""
    return [entry for path in SEMANTIC for entry in yaml.safe_load(path.read_text()).get(kind, [])]


def read_marts() -> list[str]:
    """The marts that metrics rest on, and the calendar."""
    read = {model["model"].split("'")[1] for model in declared("semantic_models")}
    return [*sorted(read), "calendar"]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The publication of the rows above; tables have the columns of their contracts."""
    folder = tmp_path_factory.mktemp("metrics")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        create_marts(connection, read_marts())
        connection.execute(ROWS)
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    publish(folder / "warehouse.duckdb", folder / "published", run_id="run-1", as_of=now)
    return folder / "published"


@pytest.fixture(scope="module")
def ask(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """`ask("mrr,arr", "metric_time__month")`: what it is cut by -> metric -> value.

    dbt parses the semantic layer alone, on stand-ins for the marts: parsing all takes longer than
    every question here together.
    """
    from dbt_metricflow.cli.cli_configuration import CLIConfiguration
    from dbt_metricflow.cli.main import query as mf_query

    project = tmp_path_factory.mktemp("project")
    models = project / "models"
    models.mkdir()
    (project / "dbt_project.yml").write_text("{name: customer_360, profile: customer_360}")
    for path in SEMANTIC:
        (models / path.name).write_text(path.read_text())
    for mart in read_marts():
        (models / f"{mart}.sql").write_text("{{ config(schema='marts') }} select 1 as one")
    spine = contract("calendar")
    for column in spine["columns"]:
        column.pop("data_tests", None)
    (models / "calendar.yml").write_text(yaml.safe_dump({"models": [spine]}))
    (project / "macros").mkdir()
    (project / "macros" / "schema.sql").write_text(
        "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}"
    )

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("C360_PUBLISH_DIR", str(published))
        environment.setenv("DBT_TARGET", "publication")
        close_warehouse()
        where = ["--project-dir", str(project), "--profiles-dir", str(TRANSFORM)]
        parsed = dbtRunner().invoke(["--quiet", "parse", *where])
        assert parsed.success, parsed.exception
        configuration = CLIConfiguration()
        configuration.setup(TRANSFORM, project, configure_file_logging=False)

        def run(metrics: str, by: str, *more: str) -> dict[str, dict[str, float | None]]:
            answer = project / "answer.csv"
            command = ["--metrics", metrics, "--group-by", by, *more, "--csv", str(answer)]
            mf_query.main([*command, "--quiet"], obj=configuration, standalone_mode=False)
            cuts = len(by.split(","))
            with answer.open() as file:
                head, *rows = csv.reader(file)
            return {
                ", ".join(row[:cuts]).removesuffix(" 00:00:00"): {
                    name: float(value) if value else None
                    for name, value in zip(head[cuts:], row[cuts:], strict=True)
                }
                for row in rows
            }

        yield run
        close_warehouse()


def test_balances_flows_and_quotients_by_month(ask: Ask) -> None:
    found = ask(
        "mrr,arr,carr,active_accounts,arpa,logo_churn,quick_ratio,new_accounts,renewal_rate,nrr_12m",
        "metric_time__month",
        *("--start-time", "2026-02-01", "--end-time", "2026-03-31"),
    )
    # e pays, so it is active; what it pays is in no sum, and it does not lower the ARPA.
    # a and c grew by 70, b shrank by 10. Of three that began February with what is theirs, d left:
    # what h hands over is no loss, and b had it already.
    assert found == {
        "2026-02-01": {
            "mrr": 270, "arr": 3240, "carr": 3440, "active_accounts": 2, "arpa": 135,
            "logo_churn": pytest.approx(1 / 3), "quick_ratio": pytest.approx(50 / 60),
            "new_accounts": 0, "renewal_rate": 1, "nrr_12m": 1.5,
        },
        "2026-03-01": {
            "mrr": 330, "arr": 3960, "carr": 4160, "active_accounts": 4, "arpa": 110,
            "logo_churn": 0, "quick_ratio": 7,
            "new_accounts": 2, "renewal_rate": 0.75, "nrr_12m": 1.15,
        },
    }  # fmt: skip


def test_a_quarter_has_the_balance_of_its_end_the_sum_of_its_flows_and_the_mean_of_its_rates(
    ask: Ask,
) -> None:
    metrics = "mrr,churn_mrr,expansion_mrr,logo_churn,nrr_12m,gross_mrr_churn,cac,ltv"
    found = ask(metrics, "metric_time__quarter", "--start-time", "2026-01-01")
    assert found == {
        "2026-01-01": {
            "mrr": 330, "churn_mrr": -60, "expansion_mrr": 100,
            "logo_churn": pytest.approx(1 / 5), "nrr_12m": 1.15,
            "gross_mrr_churn": pytest.approx(70 / 390),
            # The costs of February are unknown: it counts in neither side.
            "cac": 450, "ltv": 5000,
        }
    }  # fmt: skip


def test_any_metric_is_cut_by_what_the_account_is_now(ask: Ask) -> None:
    metrics = "mrr,customers,red_arr,unknown_arr,average_health,seat_use,arr_renewing_90d"
    found = ask(metrics, "account__touch_tier")
    # Of c the seats are unknown, of e the users: neither counts in the use of seats.
    assert found["high"] == {
        "mrr": 200, "customers": 1, "red_arr": 2400, "unknown_arr": 0, "average_health": 30,
        "seat_use": 0.3, "arr_renewing_90d": 2400,
    }  # fmt: skip
    assert found["tech"] == {
        "mrr": 130, "customers": 2, "red_arr": 0, "unknown_arr": 240, "average_health": 90,
        "seat_use": 0.9, "arr_renewing_90d": None,
    }  # fmt: skip


def test_health_has_a_past_and_counts_no_version_but_the_one_in_force(ask: Ask) -> None:
    found = ask("red_arr,average_health,weighted_health,red_arr_share", "metric_time__day")
    assert found["2026-03-09"] == {
        "red_arr": 0, "average_health": 75, "red_arr_share": 0,
        "weighted_health": pytest.approx((60 * 2400 + 90 * 360) / 2760),
    }  # fmt: skip
    assert found["2026-03-10"] == {
        "red_arr": 2400, "average_health": 60, "red_arr_share": 0.8,
        "weighted_health": pytest.approx((30 * 2400 + 90 * 360) / 2760),
    }  # fmt: skip


def test_growth_is_measured_against_the_same_month_a_year_before(ask: Ask) -> None:
    found = ask("mrr_growth_12m", "metric_time__month", "--end-time", "2026-03-31")
    grown = {month: row["mrr_growth_12m"] for month, row in found.items()}
    assert grown["2026-03-01"] == pytest.approx(330 / 280 - 1)
    assert grown["2026-02-01"] == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("metrics", "by", "sql"),
    [
        (
            "mrr,arr,new_mrr",
            "metric_time__month",
            "select cast(month_on as varchar), sum(mrr_reporting), sum(arr_reporting),"
            " sum(new_mrr_reporting) from marts.mrr_monthly group by 1",
        ),
        (
            "health_accounts,red_arr",
            "account__touch_tier",
            "select c.touch_tier, count(*), sum(case when h.health_band = 'red' then h.arr else 0"
            " end) from marts.customer_health_history h join marts.customer_360 c"
            " using (account_id) where day = date '2026-03-10' and is_in_force group by 1",
        ),
        (
            "mrr_change",
            "movement__sub_type",
            "select sub_type, sum(amount_reporting) from marts.mrr_movements group by 1",
        ),
    ],
)
def test_what_is_asked_by_name_is_what_sql_over_the_marts_says(
    metrics: str, by: str, sql: str, ask: Ask, published: Path
) -> None:
    wanted = {
        first: dict(zip(metrics.split(","), map(float, rest), strict=True))
        for first, *rest in query(published, sql).itertuples(index=False)
    }
    assert len(wanted) > 1
    assert ask(metrics, by) == wanted


def test_the_questions_of_the_guide_are_answered(ask: Ask) -> None:
    guide = (TRANSFORM.parent / "docs" / "bi" / "README.md").read_text()
    asked = re.findall(r'make metrics ASK="--metrics (\S+) --group-by (\S+)"', guide)
    assert len(asked) == guide.count("make metrics ASK=") > 2
    for metrics, by in asked:
        assert ask(metrics, by)


def test_every_metric_of_the_monthly_mart_can_be_asked_by_its_name() -> None:
    with (TRANSFORM / "seeds" / "revenue" / "kpi_metrics.csv").open() as file:
        monthly = {row["metric"] for row in csv.DictReader(file)}
    assert monthly <= {metric["name"] for metric in declared("metrics")}


def test_metrics_read_columns_of_public_marts_and_say_what_they_are() -> None:
    assert set(read_marts()) <= set(MARTS)
    names = [metric["name"] for metric in declared("metrics")]
    assert len(names) == len(set(names)) > 30
    assert all(metric["label"] and metric["description"] for metric in declared("metrics"))
