"""What the settings say, and who wins."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion import settings
from ingestion.errors import PullError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLT_PROJECT_DIR", str(tmp_path))
    (tmp_path / ".dlt").mkdir()
    return tmp_path / ".dlt"


def test_the_environment_wins_over_secrets_which_win_over_the_configuration(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "config.toml").write_text('[sources.stripe]\napi_key = "from config"\n')
    assert settings.credential("stripe", "api_key") == "from config"
    (project / "secrets.toml").write_text('[sources.stripe]\napi_key = "from secrets"\n')
    assert settings.credential("stripe", "api_key") == "from secrets"
    monkeypatch.setenv("SOURCES__STRIPE__API_KEY", "from environment")
    assert settings.credential("stripe", "api_key") == "from environment"


def test_an_empty_credential_is_a_missing_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__MIXPANEL__SERVICE_ACCOUNT", "")
    monkeypatch.setenv("SOURCES__MIXPANEL__PROJECT_ID", "42")
    assert settings.missing_credentials("mixpanel") == ["service_account", "service_secret"]
    assert not settings.has_credentials("mixpanel")
    with pytest.raises(PullError, match="SOURCES__MIXPANEL__SERVICE_SECRET"):
        settings.credential("mixpanel", "service_secret")


@pytest.mark.parametrize("text", ["stripe, hubspot", '["stripe", "hubspot"]'])
def test_sources_can_be_switched_off(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    assert settings.enabled_sources() == settings.known_sources()
    monkeypatch.setenv("SOURCES__ENABLED", text)
    assert settings.enabled_sources() == ("stripe", "hubspot")


def test_a_source_nobody_knows_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__ENABLED", "stripe,strype")
    with pytest.raises(ValueError, match="strype"):
        settings.enabled_sources()


def test_now_is_utc_whatever_the_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for text in ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00", "2026-03-01T13:00:00+01:00"):
        monkeypatch.setenv("C360_AS_OF", text)
        assert settings.now() == noon
    monkeypatch.delenv("C360_AS_OF")
    assert abs((settings.now() - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.parametrize(("key", "code"), [("", 1), ("sk_test_1", 0)])
def test_the_command_tells_whether_any_source_has_credentials(
    project: Path, key: str, code: int
) -> None:
    variables = {**os.environ, "SOURCES__STRIPE__API_KEY": key}
    done = subprocess.run(
        [sys.executable, "-m", "ingestion.settings", "credentials"],
        env=variables,
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert ("stripe" in done.stdout) is (code == 0)


def test_a_source_that_needs_no_credentials_does_not_keep_the_sandbox_away(project: Path) -> None:
    (project / "config.toml").write_text('[sources]\nenabled = ["files", "stripe"]\n')
    assert settings.has_credentials("files")
    done = subprocess.run(
        [sys.executable, "-m", "ingestion.settings", "credentials"],
        env={**os.environ, "DLT_PROJECT_DIR": str(project.parent)},
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "files" not in done.stdout


def test_the_example_of_the_secrets_names_every_credential() -> None:
    example = tomllib.loads((settings.ROOT / ".dlt" / "secrets.example.toml").read_text())
    named = {source: tuple(keys) for source, keys in example["sources"].items()}
    assert named == settings.CREDENTIALS
