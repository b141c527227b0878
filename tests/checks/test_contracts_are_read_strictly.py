from __future__ import annotations

from pathlib import Path

import pytest

from checks.contract import CONTRACTS, ContractError, contract_checks, mart_contracts, raw_contracts

ALL = sorted(CONTRACTS.rglob("*.yml"))

SOUND = """
dataset: raw/s/t
variables:
  HOURS: {default: 3}
checks:
  - schema: {allow_extra_columns: true, attributes: {blocking: true}}
  - row_count: {name: there are rows, threshold: {level: warn, must_be_greater_than: 5}}
  - freshness:
      column: seen_at
      threshold:
        unit: hour
        must_be_between: {greater_than_or_equal: -1, less_than: 9}
        additional:
          level: warn
          must_be_between: {greater_than_or_equal: -1, less_than: "${var.HOURS}"}
columns:
  - name: id
    checks:
      - missing: {attributes: {blocking: true}}
  - {name: seen_at}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "t.yml"
    path.write_text(text)
    return path


def test_a_contract_tells_its_checks_without_a_database(tmp_path: Path) -> None:
    specs = contract_checks(written(tmp_path, SOUND))
    assert [(s.name, s.column, s.path, s.blocking, s.level, s.description) for s in specs] == [
        ("soda_schema", None, "checks.schema", True, "fail", "schema"),
        ("soda_row_count", None, "checks.row_count", False, "warn", "there are rows"),
        ("soda_freshness", None, "checks.freshness", False, "fail", "freshness"),
        ("soda_id_missing", "id", "columns.id.checks.missing", True, "fail", "missing of id"),
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("threshold: {level", "thresold: {level", "unknown key thresold"),
        ("must_be_greater_than: 5", "must_be_bigger_than: 5", "unknown key must_be_bigger_than"),
        ("level: warn, must", "lvel: warn, must", "unknown key lvel"),
        ("level: warn, must", "level: warning, must", "a level is fail or warn"),
        ("additional:", "aditional:", "unknown key aditional"),
        ("{blocking: true}}\n  - row", "{bloking: true}}\n  - row", "unknown key bloking"),
        ("- missing: {attributes", "- missing: {attribute", "unknown key attribute"),
        ("allow_extra_columns", "allow_extra_colums", "unknown key allow_extra_colums"),
        ("- row_count:", "- row_counts:", "no check type row_counts"),
        ("column: seen_at", "colum: seen_at", "unknown key colum"),
        ("less_than: 9", "lesser_than: 9", "one lower and one upper bound"),
        (
            "must_be_between: {greater_than_or_equal: -1, less_than: 9}",
            "must_be_less_than: 9",
            "freshness must stand between two bounds",
        ),
        ("${var.HOURS}", "${var.HOUR}", "${var.HOUR} is not declared"),
        ("${var.HOURS}", "${env.HOURS}", "${env.HOURS} is not declared"),
        ("{default: 3}", "{defualt: 3}", "variable HOURS needs a default"),
        ("columns:\n", "colums:\n", "unknown key colums"),
        ("{name: seen_at}", "{name: id}", "column id is named 2 times"),
        ("{name: seen_at}", "{nmae: seen_at}", "a column without a name"),
        ("{name: seen_at}", "{name: seen_at, data_typ: date}", "unknown key data_typ"),
        ("raw/s/t", "s.t", "dataset must read"),
        ("- row_count:", "- schema:\n  - row_count:", "checks.schema stands 2 times"),
        ("level: warn, must_be_greater_than: 5", "must_be: 1, must_not_be: 2", "one comparison"),
        (
            "- row_count:",
            "- metric: {expression: count(*)}\n  - row_count:",
            "name and a qualifier",
        ),
        ("checks:\n  - schema", "checks:\nchecks:\n  - schema", "duplicate key"),
        ("checks:\n  - schema", "checks:\n - [", "while parsing"),
    ],
)
def test_what_soda_would_ignore_is_refused(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert right in SOUND
    with pytest.raises(ContractError, match=r"t\.yml") as refused:
        contract_checks(written(tmp_path, SOUND.replace(right, wrong, 1)))
    assert said in str(refused.value)


def test_two_checks_of_one_type_in_one_place_need_a_qualifier(tmp_path: Path) -> None:
    twice = SOUND.replace("- row_count:", "- row_count:\n  - row_count:")
    with pytest.raises(ContractError, match="give each a qualifier"):
        contract_checks(written(tmp_path, twice))
    qualified = SOUND.replace("- row_count:", "- row_count: {qualifier: any}\n  - row_count:")
    assert len(contract_checks(written(tmp_path, qualified))) == 5


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(CONTRACTS)))
def test_every_contract_of_the_project_is_sound(path: Path) -> None:
    specs = contract_checks(path)
    assert all(spec.name.isidentifier() for spec in specs)


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(CONTRACTS)))
def test_a_contract_stands_where_the_table_that_it_is_about_says(path: Path) -> None:
    first_line = next(x for x in path.read_text().splitlines() if x.startswith("dataset:"))
    layer, *source = path.relative_to(CONTRACTS).parent.parts
    schema = f"raw_{source[0]}" if source else layer
    database = "raw" if source else "warehouse"
    assert first_line == f"dataset: {database}/{schema}/{path.stem}"


@pytest.mark.parametrize("source", ["hubspot", "stripe", "mixpanel"])
def test_a_vendor_stops_what_follows_by_its_schema_and_its_keys_only(source: str) -> None:
    contracts = raw_contracts(source)
    assert contracts
    for path in contracts:
        stopping = [spec for spec in contract_checks(path) if spec.blocking]
        kinds = {spec.path.split("checks.")[-1].split(".")[0] for spec in stopping}
        assert "schema" in kinds
        assert "missing" in kinds
        assert kinds <= {"schema", "missing", "duplicate"}


def test_marts_have_contracts() -> None:
    assert {path.stem for path in mart_contracts()} >= {"customer_360", "source_freshness"}
