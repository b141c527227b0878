"""Whether a build would make what readers already have: same inputs, same code, same day.

Every model depends on its inputs, on the project and on `as_of`, most of them only on its day. A
run that finds all three as they were at the last publication leaves it in place.
"""

import hashlib
import json
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import yaml

from ingestion import settings
from orchestration import environment
from orchestration.assets.sources import PULLED, PULLED_REASON
from publish import reader

INPUTS = "inputs"


def inputs() -> str:
    """A print of everything that a build is made from: raw rows, project, publisher, day."""
    rescored = environment.last_rescoring()
    state = {
        "rescored": rescored.read_text() if rescored.exists() else "",
        "project": environment.project_hash(),
        "publisher": environment.hash_of(environment.ROOT / "publish", "py"),
        "day": _reporting_day(),
        "raw": {source: _last_load(source) for source in settings.enabled_sources()},
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def note_built_from(print_: str) -> None:
    """Remember what the whole build that just ended was made from."""
    environment.build_inputs().write_text(print_)


def built_from() -> str:
    """What the build in the warehouse was made from; empty when only a part of it was built."""
    path = environment.build_inputs()
    return path.read_text() if path.exists() else ""


def is_published(instance: dg.DagsterInstance, publication: dg.AssetKey, print_: str) -> bool:
    """Whether what readers get was built from inputs with that print."""
    made = instance.get_latest_materialization_event(publication)
    materialization = made.asset_materialization if made else None
    if made is None or materialization is None:
        return False
    try:
        served = reader.publication(environment.publish_dir()).run_id == made.run_id
    except reader.NoPublication:
        return False
    found = materialization.metadata.get(INPUTS)
    return served and found is not None and found.value == print_ != ""


def failed_pulls(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Why each source that this run could not pull was not pulled."""
    logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [log.get_dagster_event().asset_check_evaluation_data for log in logs]
    return {
        check.asset_key.path[0].removeprefix("raw_"): str(check.metadata[PULLED_REASON].value)
        for check in checks
        if check.check_name == PULLED and not check.passed
    }


def _reporting_day() -> str:
    project = yaml.safe_load((environment.TRANSFORM / "dbt_project.yml").read_text())
    zone = ZoneInfo(project["vars"]["reporting_time_zone"])
    return environment.as_of().astimezone(zone).date().isoformat()


def _last_load(source: str) -> str | None:
    """The newest completed load. A pull that brought nothing makes none."""
    with duckdb.connect(settings.raw_database(source), read_only=True) as raw:
        found = raw.sql(
            f"select max(load_id) from raw_{source}.raw_{source}._dlt_loads where status = 0"
        )
        return found.fetchall()[0][0]
