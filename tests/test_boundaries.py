"""The layer rules of docs/architecture.md, read off the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each folder may import of the others, and the libraries that belong to somebody else.
MAY_IMPORT = {
    "ingestion": set(),
    "checks": set(),
    "publish": set(),
    "page": {"publish"},
    "sandbox": set(),
    "orchestration": {"ingestion", "checks", "publish"},
}
FOREIGN = {
    "ingestion": {"dagster", "dagster_dbt", "dbt", "soda_core", "soda_duckdb"},
    "checks": {"dagster", "dagster_dbt", "dbt", "dlt"},
    "publish": {"dagster", "dagster_dbt", "dbt", "dlt", "soda_core", "soda_duckdb"},
    "page": {"dagster", "dagster_dbt", "dbt", "dlt", "soda_core", "soda_duckdb"},
    "sandbox": {"dagster", "dagster_dbt", "dbt", "dlt", "soda_core", "soda_duckdb"},
    "orchestration": {"dlt", "soda_core", "soda_duckdb"},
}
# The one module that carries what is published somewhere else through dlt.
EXCEPTED = {"publish/postgres_load.py": {"dlt"}}


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_a_folder_imports_only_what_it_may_know(folder: str) -> None:
    forbidden = (set(MAY_IMPORT) - MAY_IMPORT[folder] - {folder}) | FOREIGN[folder]
    modules = list((ROOT / folder).rglob("*.py"))
    assert modules
    broken = {
        name: sorted(found)
        for path in modules
        for name in [str(path.relative_to(ROOT))]
        if (found := imported(path) & forbidden - EXCEPTED.get(name, set()))
    }
    assert not broken


def test_the_page_knows_nothing_of_publishing_but_its_reader() -> None:
    known = {
        f"{node.module}.{name.name}"
        for path in (ROOT / "page").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "publish"
        for name in node.names
    }
    assert known
    assert {name for name in known if not name.startswith("publish.reader")} == set()


def test_only_the_settings_modules_look_at_the_environment() -> None:
    allowed = {
        "ingestion/settings.py",
        "orchestration/environment.py",
        "page/settings.py",
        "sandbox/__main__.py",
        "publish/postgres_load.py",  # sets what dlt reads at import; reads nothing
        "checks/runner.py",  # sets what Soda reads at import; reads nothing
    }
    asking = {
        str(path.relative_to(ROOT))
        for folder in MAY_IMPORT
        for path in (ROOT / folder).rglob("*.py")
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text()
    }
    assert asking <= allowed
