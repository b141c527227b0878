"""The files of docs/deploy: what starts is the same in both ways, and only the proxy is open."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
OURS = ("code", "daemon", "webserver", "webserver-readonly", "page")


def unit(name: str) -> dict[str, list[str]]:
    """The settings of one unit: each may stand several times."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / f"c360-{name}.service").read_text().splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def program(command: list[str]) -> list[str]:
    """A command without the folder of its program and the address that it listens on."""
    words = [Path(command[0]).name, *command[1:]]
    for flag in ("-h", "--server.address"):
        if flag in words:
            del words[words.index(flag) : words.index(flag) + 2]
    return words


@pytest.mark.parametrize("name", OURS)
def test_compose_and_systemd_start_the_same(name: str) -> None:
    by_compose = SERVICES[name]["command"]
    if by_compose[0] == "sh":
        prepare, by_compose = by_compose[2].split(" && exec ")
        assert [program(c.split()) for c in unit(name)["ExecStartPre"]] == [prepare.split()]
        by_compose = by_compose.split()
    assert program(by_compose) == program(unit(name)["ExecStart"][0].split())


def test_only_the_proxy_has_a_port_and_everything_else_listens_to_this_machine_alone() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    for name in ("code", "webserver", "webserver-readonly"):
        words = unit(name)["ExecStart"][0].split()
        assert words[words.index("-h") + 1] == "127.0.0.1", name
    assert "--server.address 127.0.0.1" in unit("page")["ExecStart"][0]


def test_credentials_of_the_sources_reach_the_code_and_nobody_else() -> None:
    assert [name for name, one in SERVICES.items() if "env_file" in one] == ["code"]
    told = {name: unit(name).get("EnvironmentFile", []) for name in (*OURS, "backup")}
    assert [name for name, files in told.items() if "/etc/c360/sources.env" in files] == ["code"]
    assert told["page"] == [], "the page needs neither a credential nor the storage"
    mounted = {volume.split(":")[0] for volume in SERVICES["page"]["volumes"]}
    assert mounted == {"published"}


def test_the_class_that_the_settings_of_dagster_name_is_found_by_every_service() -> None:
    named = yaml.safe_load((ROOT / "dagster.yaml").read_text())["run_launcher"]["module"]
    assert (ROOT / f"{named.replace('.', '/')}.py").exists()
    for name in ("code", "daemon", "webserver", "webserver-readonly"):
        assert f"PYTHONPATH={unit(name)['WorkingDirectory'][0]}" in unit(name)["Environment"], name
    image = (DEPLOY / "Containerfile").read_text()
    (folder,) = re.findall(r"^WORKDIR (\S+)$", image, re.MULTILINE)
    assert f"PYTHONPATH={folder} " in image


def test_the_webserver_for_everybody_is_read_only() -> None:
    assert "--read-only" in SERVICES["webserver-readonly"]["command"]
    assert "--read-only" in unit("webserver-readonly")["ExecStart"][0]


def test_every_file_and_volume_that_compose_mounts_is_in_the_repository_or_declared() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    # Made by whoever installs it; never in the repository.
    secret = {"./nginx/users", "./nginx/admins", "./nginx/tls"}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source in secret:
                assert f"/docs/deploy/{source.removeprefix('./')}" in ignored
            elif source.startswith("."):
                assert (DEPLOY / source).exists(), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"
    assert "/docs/deploy/sources.env" in ignored
    assert ".env" in ignored


def test_the_image_holds_every_folder_that_the_code_imports_and_no_secret() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    taken = {source for line in copied for source in line.split()}
    assert all((ROOT / source).exists() for source in taken)
    assert not taken & {".", ".dlt", "data", "published", "drops"}
    unsent = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert {".dlt/secrets.toml", "data", "docs/deploy/sources.env"} <= set(unsent)
    assert not taken & set(unsent)
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    needed = {
        name.split(".")[0]
        for folder in taken & folders
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert needed & folders <= taken


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("python", "dagster", "dagster-daemon", "dagster-webserver"):
        (bin_ / name).write_text("#!/bin/sh\n")
        (bin_ / name).chmod(0o755)
    for path in UNITS:
        text = path.read_text().replace("/opt/customer-360/.venv/bin", str(bin_))
        (tmp_path / path.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / path.name for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    # It speaks of other units of the machine too.
    said = [line for line in checked.stderr.splitlines() if "c360" in line]
    assert said == []


def test_the_proxy_asks_for_a_password_everywhere_and_names_the_user_itself() -> None:
    conf = (DEPLOY / "nginx" / "c360.conf").read_text()
    settings = [line.split("#")[0].split() for line in conf.splitlines()]
    assert ["auth_basic_user_file", "/etc/nginx/c360/users;"] in settings
    assert not [s for s in settings if s[:2] == ["auth_basic", "off;"]]
    assert ["proxy_set_header", "X-Forwarded-User", "$remote_user;"] in settings
    # A header of its own in a location would drop those that are inherited.
    assert conf.index("proxy_set_header") < conf.index("location")
    assert "proxy_set_header" not in conf[conf.index("location") :]
    called = set(re.findall(r"proxy_pass http://(\w+);", conf))
    for place in ("compose", "systemd"):
        upstreams = (DEPLOY / "nginx" / f"upstreams.{place}.conf").read_text()
        assert set(re.findall(r"upstream (\w+)", upstreams)) == called
