"""Every variable that is read stands in the one table of docs/operations.md, and no other does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = [
    re.compile(r"\b(C360_[A-Z0-9_]*[A-Z0-9])(?![A-Z0-9_])"),
    re.compile(r"""environ(?:\.get|\.setdefault)?[\[(]["']([A-Z][A-Z0-9_]+)["']"""),
    re.compile(r"""env_var\(["']([A-Z][A-Z0-9_]+)["']"""),
]
# Set for a tool that is started, never read.
SET = {"SODA_CORE_TELEMETRY_ENABLED"}
CODE = {".py", ".sql", ".yml", ".yaml", ".toml", ".service", ".example", ""}


def table() -> list[str]:
    """The names in the first cells of the table under the heading Settings."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def read_by_the_code() -> set[str]:
    """Names in whatever runs: the product, its recipes, its deployment."""
    # What is not committed yet will be.
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    names: set[str] = set()
    for line in listed.stdout.splitlines():
        path = Path(line)
        runs = path.suffix in CODE and path.parts[0] not in ("tests", "bench", "drops")
        if runs and (ROOT / path).is_file() and (path.parts[0] != "docs" or "deploy" in path.parts):
            text = (ROOT / path).read_text("utf-8", errors="ignore")
            names |= {name for pattern in READ for name in pattern.findall(text)}
    return names - SET


def test_every_variable_that_is_read_stands_in_the_table() -> None:
    assert sorted(read_by_the_code() - set(table())) == []


def test_every_variable_of_the_table_is_read_and_stands_there_once() -> None:
    listed = table()
    assert sorted(name for name in listed if listed.count(name) > 1) == []
    # A pattern for every source, not a name.
    assert "SOURCES__<SOURCE>__<KEY>" in listed
    assert sorted({n for n in listed if not n.startswith("SOURCES__")} - read_by_the_code()) == []
