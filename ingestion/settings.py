"""What the environment and `.dlt/*.toml` say. Nothing else in this package reads either.

An environment variable wins over `.dlt/secrets.toml`, which wins over `.dlt/config.toml`, as in
dlt; so does the spelling: `[sources.hubspot] access_token` is `SOURCES__HUBSPOT__ACCESS_TOKEN`.
"""

import json
import os
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.errors import PullError

ROOT = Path(__file__).resolve().parents[1]

# dlt looks for .dlt in the working directory, which under a scheduler can be anywhere.
os.environ.setdefault("DLT_PROJECT_DIR", str(ROOT))

CREDENTIALS: dict[str, tuple[str, ...]] = {
    "hubspot": ("access_token",),
    "stripe": ("api_key",),
    "segment": ("bucket_url",),
    "heap": ("bucket_url",),
    "mixpanel": ("service_account", "service_secret", "project_id"),
    "amplitude": ("api_key", "secret_key"),
    "intercom": ("access_token",),
    "posthog": ("personal_api_key", "project_id"),
    "delighted": ("api_key",),
    "zendesk": ("client_id", "client_secret"),
    "salesforce": ("client_id", "client_secret"),
    # Files lie in a folder here; the keys of an object store are given when there is one.
    "files": (),
}

# Keys that do instead, where a vendor takes both.
INSTEAD: dict[str, tuple[str, ...]] = {
    "zendesk": ("email", "api_token"),
    "hubspot": ("client_id", "client_secret", "refresh_token"),
    "salesforce": ("client_id", "username", "private_key"),
}


def known_sources() -> tuple[str, ...]:
    """Every source there is code for."""
    return tuple(CREDENTIALS)


def enabled_sources() -> tuple[str, ...]:
    """The sources switched on by `[sources] enabled`, in that order.

    Raises ValueError for a name there is no code for.
    """
    listed = value("sources.enabled", list(known_sources()))
    names = tuple(dict.fromkeys(_as_list(listed)))
    unknown = [name for name in names if name not in CREDENTIALS]
    if unknown:
        raise ValueError(
            f"[sources] enabled names {', '.join(unknown)}; known are {', '.join(CREDENTIALS)}"
        )
    return names


def missing_credentials(source: str) -> list[str]:
    """The credential keys of `source` that are empty or not set anywhere."""
    instead = INSTEAD.get(source, ())
    if instead and all(value(f"sources.{source}.{key}") for key in instead):
        return []
    return [key for key in CREDENTIALS[source] if not value(f"sources.{source}.{key}")]


def has_credentials(source: str) -> bool:
    """Whether every credential of `source` is set. It may still be wrong."""
    return not missing_credentials(source)


def credential(source: str, key: str) -> str:
    """One credential. Raises PullError (credentials) when it is not set."""
    found = value(f"sources.{source}.{key}")
    if not found:
        raise PullError(source, "credentials", f"{key} is not set. {where_to_put(source, key)}")
    return str(found)


def where_to_put(source: str, *keys: str) -> str:
    """The sentence that tells a person where the credentials of `source` belong."""
    names = keys or CREDENTIALS[source]
    variables = ", ".join(_variable(f"sources.{source}.{key}") for key in names)
    return (
        f"Put {', '.join(names)} under [sources.{source}] in .dlt/secrets.toml, or set {variables}."
    )


def option(source: str, key: str, default: str) -> str:
    """A public setting of one source, as text."""
    return str(value(f"sources.{source}.{key}", default))


def options(source: str, key: str) -> tuple[str, ...]:
    """A public setting of one source that is a list; in the environment, separated by commas."""
    return tuple(_as_list(value(f"sources.{source}.{key}", [])))


def value(dotted: str, default: Any = None) -> Any:
    """The value of a dotted key, from the environment, the secrets or the configuration."""
    from_environment = os.environ.get(_variable(dotted))
    if from_environment is not None:
        return from_environment
    for name in ("secrets.toml", "config.toml"):
        found: Any = _toml(name)
        for part in dotted.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return found
    return default


def data_dir() -> Path:
    """`C360_DATA_DIR`, or `data` beside this package."""
    return Path(os.environ.get("C360_DATA_DIR") or ROOT / "data").resolve()


def raw_database(source: str) -> Path:
    """The DuckDB file that only `source` is loaded into."""
    return data_dir() / "raw" / f"raw_{source}.duckdb"


def now() -> datetime:
    """The moment every pull window ends: `C360_AS_OF` (ISO 8601, UTC assumed) or the real clock."""
    as_of = os.environ.get("C360_AS_OF")
    if not as_of:
        return datetime.now(UTC)
    moment = datetime.fromisoformat(as_of)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _variable(dotted: str) -> str:
    return dotted.upper().replace(".", "__")


def _toml(name: str) -> dict[str, Any]:
    path = Path(os.environ["DLT_PROJECT_DIR"]) / ".dlt" / name
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def _as_list(listed: Any) -> list[str]:
    if isinstance(listed, str):
        listed = json.loads(listed) if listed.startswith("[") else listed.split(",")
    return [name for name in (str(item).strip() for item in listed) if name]


if __name__ == "__main__":
    if sys.argv[1:] != ["credentials"]:
        sys.exit("usage: python -m ingestion.settings credentials")
    # A source that needs none says nothing about whether this is somebody's real setting.
    with_credentials = [n for n in enabled_sources() if CREDENTIALS[n] and has_credentials(n)]
    print(", ".join(with_credentials) or "no source has credentials")
    sys.exit(0 if with_credentials else 1)
