"""When a build may be left out, because readers have what it would make."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ingestion import pipeline, settings
from orchestration import environment, unchanged


@pytest.fixture(autouse=True)
def empty_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("C360_PUBLISH_DIR", str(tmp_path / "published"))
    monkeypatch.setenv("C360_AS_OF", "2026-05-04T06:00:00Z")
    monkeypatch.setenv("SOURCES__ENABLED", "hubspot,stripe,mixpanel")
    for source in settings.enabled_sources():
        pipeline.ensure_tables(source)


def note_load(source: str, load_id: str, status: int) -> None:
    with duckdb.connect(str(settings.raw_database(source))) as raw:
        raw.execute(
            f"insert into raw_{source}.raw_{source}._dlt_loads"
            f" values ('{load_id}', '{source}', {status}, now(), 'hash')"
        )


def test_the_same_rows_on_the_same_day_are_the_same_inputs(monkeypatch) -> None:
    before = unchanged.inputs()
    monkeypatch.setenv("C360_AS_OF", "2026-05-04T23:59:00Z")
    assert unchanged.inputs() == before


def test_another_reporting_day_is_another_input(monkeypatch) -> None:
    before = unchanged.inputs()
    monkeypatch.setenv("C360_AS_OF", "2026-05-05T00:00:00Z")
    assert unchanged.inputs() != before


def test_a_completed_load_of_any_source_is_another_input_and_a_broken_one_is_not() -> None:
    for source in settings.enabled_sources():
        before = unchanged.inputs()
        note_load(source, "9999999998.0", status=1)
        assert unchanged.inputs() == before, source
        note_load(source, "9999999999.0", status=0)
        assert unchanged.inputs() != before, source


def test_a_source_switched_off_is_another_input(monkeypatch) -> None:
    before = unchanged.inputs()
    monkeypatch.setenv("SOURCES__ENABLED", "stripe,mixpanel")
    assert unchanged.inputs() != before


def test_a_changed_model_is_another_input(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "TRANSFORM", tmp_path / "transform")
    (tmp_path / "transform" / "models").mkdir(parents=True)
    (tmp_path / "transform" / "dbt_project.yml").write_text("vars: {reporting_time_zone: UTC}")
    model = tmp_path / "transform" / "models" / "m.sql"
    model.write_text("select 1")
    before = unchanged.inputs()
    model.write_text("select 2")
    assert unchanged.inputs() != before


def test_a_build_of_some_models_does_not_count_as_built(tmp_path: Path) -> None:
    assert unchanged.built_from() == ""
    environment.build_inputs().parent.mkdir(parents=True)
    unchanged.note_built_from("print")
    assert unchanged.built_from() == "print"
    environment.fresh_build_target()
    assert unchanged.built_from() == ""


def test_past_days_that_were_scored_again_are_another_input() -> None:
    before = unchanged.inputs()
    environment.dbt_target().mkdir(parents=True, exist_ok=True)
    environment.last_rescoring().write_text("2026-05-04T07:00:00Z")
    assert unchanged.inputs() != before
