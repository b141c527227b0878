"""The raw contracts against the tables that ingestion makes before any vendor has answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.runner import raw_contracts, verify
from ingestion import pipeline, settings

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("source", settings.known_sources())
def test_every_raw_table_is_under_contract_and_every_contract_fits(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path))
    pipeline.ensure_tables(source)
    contracts = raw_contracts(source)
    assert {path.stem for path in contracts} == set(pipeline.table_names(source))
    for path in contracts:
        found = verify(path, settings.raw_database(source), {}, as_of=NOON)
        assert not [check.message for check in found if check.stops], path
        assert "NOT_EVALUATED" not in {check.outcome for check in found}, path
