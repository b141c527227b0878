"""The project builds before there is a row."""

from __future__ import annotations

from pathlib import Path

from .raw import write_raw
from .warehouse import Dbt, connect


def test_it_builds_before_any_source_has_a_row(dbt: Dbt, tmp_path: Path) -> None:
    write_raw(tmp_path, {})
    dbt.build(tmp_path, empty=True, data_tests=False)
    dbt.build(tmp_path)
    with connect(tmp_path) as con:
        assert con.execute("select count(*) from marts.identity_map").fetchone() == (0,)
        assert con.execute(
            "select source, kind, data_age_hours from marts.source_freshness order by source"
        ).fetchall() == [
            ("hubspot", "crm", None),
            ("mixpanel", "product", None),
            ("stripe", "billing", None),
        ]
