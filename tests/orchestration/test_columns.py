"""From which columns a column is made, as the graph shows it from mart to raw."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from orchestration import columns, environment

TABLES = {("crm", "accounts"): ["id", "name", "seats"], ("billing", "lines"): ["id", "amount"]}
ID, NAME, SEATS = (("crm", "accounts", column) for column in ("id", "name", "seats"))
LINE, AMOUNT = (("billing", "lines", column) for column in ("id", "amount"))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id as account from file.crm.accounts", {"account": [ID]}),
        ("select 1 as one, now() as at from crm.accounts", {"one": [], "at": []}),
        (
            "with a as (select * from crm.accounts), b as (select *, seats + 1 as more from a)"
            " select name, more from b",
            {"name": [NAME], "more": [SEATS]},
        ),
        (
            "select a.name, sum(l.amount) / max(a.seats) as per_seat"
            " from crm.accounts as a left join billing.lines as l on a.id = l.id group by 1",
            {"name": [NAME], "per_seat": [AMOUNT, SEATS]},
        ),
        (
            "select id, name from crm.accounts union all select id, 'line' from billing.lines",
            {"id": [LINE, ID], "name": [NAME]},
        ),
        (
            "select name, (select max(amount) from billing.lines where lines.id = a.id) as most"
            " from crm.accounts as a",
            {"name": [NAME], "most": [AMOUNT]},
        ),
        (
            "select row_number() over (partition by name order by seats) as place"
            " from crm.accounts",
            {"place": [NAME, SEATS]},
        ),
        # Two columns of one name: the star stays, and is looked through.
        (
            "with both as (select a.*, l.id from crm.accounts as a, billing.lines as l),"
            " all_of as (select * from both) select name, id from all_of",
            {"name": [NAME], "id": [LINE, ID]},
        ),
        (
            "with recursive up as (select id, name from crm.accounts union all"
            " select up.id, up.name from up) select name from up",
            {"name": [NAME]},
        ),
    ],
    ids=[
        "renamed",
        "from nothing",
        "through stars",
        "joined and summed",
        "by position in a union",
        "from a subquery",
        "in a window",
        "a name twice",
        "recursive",
    ],
)
def test_a_column_comes_from_the_columns_its_value_is_made_of(
    sql: str, expected: dict[str, list[columns.Origin]]
) -> None:
    assert columns.lineage(sql, TABLES) == expected


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """A model of the project whose SQL was compiled to something short, and the folder of that."""
    manifest = json.loads(environment.manifest().read_text())
    (unique_id,) = [one for one in manifest["nodes"] if one.endswith(".source_freshness")]
    project, path = (
        manifest["metadata"]["project_name"],
        manifest["nodes"][unique_id]["original_file_path"],
    )
    compiled = tmp_path / "build" / "compiled" / project / path
    compiled.parent.mkdir(parents=True)
    compiled.write_text("select source, newest_record_at as at from raw_hubspot.companies")
    monkeypatch.setattr(environment, "manifest", lambda: tmp_path / "manifest.json")
    monkeypatch.setattr(environment, "dbt_target", lambda: tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return unique_id, tmp_path / "build"


def told(unique_id: str, target: Path, remember: bool = False) -> list[dg.Output]:
    lineage = columns.Columns(target)
    events = [
        dg.Output(None, output_name="model", metadata={"unique_id": unique_id}),
        dg.Output(None, output_name="seed", metadata={"unique_id": "seed.project.tiers"}),
    ]
    found = list(lineage.add_to(events))
    if remember:
        lineage.remember()
    return found


def test_events_of_models_carry_the_lineage_and_later_builds_remember_it(
    built: tuple[str, Path],
) -> None:
    unique_id, target = built
    model, seed = told(unique_id, target, remember=True)
    assert model.metadata[columns.KEY].value.deps_by_column == {
        "source": [dg.TableColumnDep(dg.AssetKey(["raw_hubspot", "companies"]), "source")],
        "at": [dg.TableColumnDep(dg.AssetKey(["raw_hubspot", "companies"]), "newest_record_at")],
    }
    assert model.metadata["unique_id"].value == unique_id
    assert columns.KEY not in seed.metadata
    for file in target.rglob("*.sql"):
        file.write_text("select nothing at all")
    again, _ = told(unique_id, target)
    assert again.metadata[columns.KEY] == model.metadata[columns.KEY]


def test_sql_that_cannot_be_read_stops_nothing(built: tuple[str, Path]) -> None:
    unique_id, target = built
    for file in target.rglob("*.sql"):
        file.write_text("The work is done by a plugin.")
    model, _ = told(unique_id, target)
    assert columns.KEY not in model.metadata
