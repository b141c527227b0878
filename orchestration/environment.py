"""Where the graph reads and writes, and what the tools it drives take from the environment.

The one module of this package that looks at environment variables:

| variable            | meaning                                            | default              |
| ------------------- | -------------------------------------------------- | -------------------- |
| `C360_DATA_DIR`     | raw files, warehouse, state of the tools           | `data/`              |
| `C360_PUBLISH_DIR`  | what readers get                                   | `published/`         |
| `C360_AS_OF`        | the "now" of a run, ISO 8601                       | the clock            |
| `C360_ALERT_ROUTES` | who is told of what, and where                     | `alerts.toml` here   |
| `C360_ALERT_...`    | addresses that the routes name                     | none                 |
| `C360_ALERT_LOG`    | every alert is appended there                      | `data/alerts.log`    |
| `C360_SMTP_URL`     | `smtp[+tls]://` or `smtps://user:password@host`    | none: no mail        |
| `C360_MAIL_FROM`    | sender of the alerts                               | `customer360@<host>` |
| `C360_DOCS_URL`     | where `make docs` is served; assets link there     | the file itself      |
| `C360_REREAD_DAYS`  | sources read so many days again, beyond cursors    | what each does       |
| `C360_ACCEPT_CHANGE`| publish although the marts changed suspiciously    | no                   |
| `DAGSTER_HOME`      | Dagster's own storage                              | `data/dagster`       |
| `C360_DAGSTER_POSTGRES` | PostgreSQL that keeps Dagster's runs and events | files in the above   |
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from ingestion import settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

ROOT = Path(__file__).resolve().parents[1]
TRANSFORM = ROOT / "transform"
CONTRACTS = ROOT / "checks"

# Every tool of the stack phones home unless told not to.
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    # Everything that dbt calls debugging would take a quarter of a build to write.
    "DBT_LOG_LEVEL_FILE": "info",
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SODA_CORE_TELEMETRY_ENABLED": "false",
}


def data_dir() -> Path:
    """Folder of everything a run keeps for itself."""
    return settings.data_dir()


def warehouse() -> Path:
    """The private DuckDB file that dbt builds. Nothing that shows data reads it."""
    return data_dir() / "warehouse.duckdb"


def publish_dir() -> Path:
    """Folder that BI tools, the page and exports read."""
    return Path(os.environ.get("C360_PUBLISH_DIR") or ROOT / "published").resolve()


def dagster_home() -> Path:
    """Folder of Dagster's runs, schedules and event log."""
    return Path(os.environ.get("DAGSTER_HOME") or data_dir() / "dagster").resolve()


def as_of() -> datetime:
    """The instant that this run calls now: aware, UTC."""
    return settings.now()


def alert_routes() -> dict[str, list[str]]:
    """Owner -> names of destinations, as the table of routes has them."""
    own = os.environ.get("C360_ALERT_ROUTES")
    path = Path(own) if own else Path(__file__).with_name("alerts.toml")
    return tomllib.loads(path.read_text("utf-8"))


def alert_address(name: str) -> str | None:
    """The address behind a name of the routes: itself, or what the variable holds that it names."""
    return os.environ.get(name[1:]) or None if name.startswith("$") else name


def alert_log() -> Path:
    """File that alerts are appended to."""
    return Path(os.environ.get("C360_ALERT_LOG") or data_dir() / "alerts.log")


def mail_server() -> SplitResult | None:
    """The mail server with its credentials, when one is configured."""
    url = os.environ.get("C360_SMTP_URL")
    return urlsplit(url) if url else None


def mail_sender() -> str:
    """The address that alerts come from."""
    return os.environ.get("C360_MAIL_FROM") or f"customer360@{socket.gethostname()}"


def docs_url() -> str:
    """Where people open the dbt docs."""
    return os.environ.get("C360_DOCS_URL") or docs_file().as_uri()


def docs_file() -> Path:
    """The page that `make docs` writes."""
    return data_dir() / "docs" / "index.html"


def reread_days() -> int | None:
    """How many past days this run reads again, when a person asks for more than usual."""
    days = os.environ.get("C360_REREAD_DAYS")
    return int(days) if days else None


@contextmanager
def source_options(source: str, options: Mapping[str, str]) -> Iterator[None]:
    """Settings of one source for a while, above whatever is configured, in this process."""
    names = {f"SOURCES__{source}__{key}".upper(): value for key, value in options.items()}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def live_in(home: Path, moment: str) -> None:
    """Make this process work in the data folder `home` as if it were `moment`, in ISO 8601."""
    os.environ["C360_DATA_DIR"] = str(home)
    os.environ["C360_AS_OF"] = moment


def accepts_change() -> bool:
    """Whether a person lets this run publish far fewer rows, or far more red, than the last."""
    return os.environ.get("C360_ACCEPT_CHANGE", "") not in ("", "0", "false")


def dbt_target() -> Path:
    """dbt's artifacts; outside `transform/`, so that two data folders never share a manifest."""
    return data_dir() / "dbt"


def manifest() -> Path:
    """The parsed dbt project. Raises FileNotFoundError, and says what to do, when there is none."""
    path = dbt_target() / "manifest.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: the dbt project is parsed before Dagster starts, not by every"
            " process of it. `make dev` and `make run` do that; by hand it is"
            " `python -m orchestration.prepare`."
        )
    return path


def fresh_build_target() -> Path:
    """dbt's artifacts of the build under way: nothing of the last one, but the parsed project.

    A folder of its own, because the definitions are made from the manifest in `dbt_target`.
    """
    target = dbt_target() / "build"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    parsed = dbt_target() / "partial_parse.msgpack"
    if parsed.exists():
        shutil.copy2(parsed, target)
    return target


def build_inputs() -> Path:
    """File with the print of what the last whole build was made from; gone while one is made."""
    return dbt_target() / "build" / "inputs.sha256"


def last_rescoring() -> Path:
    """File that says when past days were last scored again; missing when they never were."""
    return dbt_target() / "rescored_at"


def dbt_vars() -> dict[str, object]:
    """The variables that every dbt call of the graph gets; the same ones, or dbt parses anew."""
    return {"sources": list(settings.enabled_sources())}


def prepare() -> None:
    """Make the folders, hand the tools their settings, and parse the dbt project if it changed.

    Idempotent. Call it once before Dagster starts; the processes it starts inherit the result.
    """
    os.environ.update(QUIET)
    os.environ["C360_DATA_DIR"] = str(data_dir())
    os.environ["C360_PUBLISH_DIR"] = str(publish_dir())
    os.environ["DAGSTER_HOME"] = str(dagster_home())
    for folder in (data_dir() / "raw", dbt_target(), dagster_home()):
        folder.mkdir(parents=True, exist_ok=True)
    (dagster_home() / "dagster.yaml").write_text(instance_settings())
    _parse_if_changed()


def instance_settings() -> str:
    """The settings of the Dagster instance; its storage in PostgreSQL when a variable says where.

    The address holds a password, so the file names the variable and not what is in it. Raises
    ValueError when that is no address of the right kind.
    """
    settings_of_all = (ROOT / "dagster.yaml").read_text()
    storage = os.environ.get("C360_DAGSTER_POSTGRES")
    if not storage:
        return settings_of_all
    if not storage.startswith("postgresql+psycopg2://"):
        # SQLAlchemy 2.1 takes a bare postgresql:// for another driver, which is not installed.
        raise ValueError("C360_DAGSTER_POSTGRES has to begin with postgresql+psycopg2://")
    return settings_of_all + (
        "\nstorage:\n  postgres:\n    postgres_url:\n      env: C360_DAGSTER_POSTGRES\n"
    )


def export_as_of() -> None:
    """Settle this process's "now", so that everything it starts agrees on it."""
    os.environ["C360_AS_OF"] = as_of().isoformat()


def _parse_if_changed() -> None:
    """Write the manifest that the definitions are made from, unless it fits the project already."""
    stamp = dbt_target() / "manifest.sha256"
    wanted = project_hash()
    if stamp.exists() and stamp.read_text() == wanted and (dbt_target() / "manifest.json").exists():
        return
    result = dbt("parse")
    if not result.success:
        raise RuntimeError(f"The dbt project does not parse: {result.exception}")
    stamp.write_text(wanted)


def dbt(
    *command: str,
    target: Path | None = None,
    variables: Mapping[str, object] | None = None,
    manifest: Any = None,
) -> dbtRunnerResult:
    """Run one dbt command on this project in this process, with the variables of the graph.

    `variables` come on top of them; a `manifest`, the result of a parse, saves parsing again.
    """
    # Importing dbt takes a second that a process with a fitting manifest need not spend.
    from dbt.cli.main import dbtRunner

    arguments = [
        "--quiet",
        *command,
        *("--project-dir", str(TRANSFORM)),
        *("--profiles-dir", str(TRANSFORM)),
        *("--target-path", str(target or dbt_target())),
        *("--log-path", str(data_dir() / "logs")),
        *("--vars", json.dumps(dbt_vars() | dict(variables or {}))),
    ]
    return dbtRunner(manifest=manifest).invoke(arguments)


def project_hash() -> str:
    """A print of the dbt project and of the variables that it is built with."""
    variables = json.dumps(dbt_vars(), sort_keys=True)
    return variables + hash_of(TRANSFORM, "sql", "yml", "csv", "md", "py")


def hash_of(folder: Path, *suffixes: str) -> str:
    """A print of the files with these endings under a folder: names and contents."""
    digest = hashlib.sha256()
    paths = (path for suffix in suffixes for path in folder.rglob(f"*.{suffix}"))
    for path in sorted(paths):
        inside = path.relative_to(folder)
        if not {"target", "logs", "__pycache__"} & set(inside.parts):
            digest.update(str(inside).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
