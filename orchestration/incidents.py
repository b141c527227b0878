"""What is wrong now, grouped as people would speak of it, and what of that they have been told.

An incident is one thing that is wrong, however many checks say so and however often: a source that
is late, a mart that failed its audit, a job that fails. It begins once and heals once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg

from orchestration import alerts, policies
from orchestration.assets.ages import DATA_AGE
from orchestration.assets.publication import SOURCES_COMPLETE
from orchestration.assets.sources import PULLED, PULLED_REASON

# Checks that say how old something is, or why nothing newer came.
ABOUT_AGE = {PULLED, DATA_AGE, "soda_freshness"}

# Checks that are incidents of their own: what fell or rose is the news, not the table it is in.
OF_THEIR_OWN = {
    ("marts/identity_map", "soda_metric_matched_fall_points"): (
        "match rate",
        "The match rate has fallen",
    ),
    ("marts/customer_health", "soda_metric_red_rise_points"): (
        "red share",
        "The share of red customers has jumped",
    ),
}
MOST_DETAILS = 8


@dataclass(frozen=True)
class Incident:
    """One thing that is wrong. `key` names it for as long as it lasts."""

    key: str
    owner: str
    title: str
    details: tuple[str, ...] = ()


@dataclass
class Memory:
    """What has been seen and told so far.

    `through` is the change stamp of the last run that was looked at (seconds), `failing` the newest
    words of every check that fails, `failed_jobs` why the last run of a job failed, `told` the
    incidents people know of, with the destinations that have heard.
    """

    through: float = 0.0
    failing: dict[str, str] = field(default_factory=dict)
    failed_jobs: dict[str, list[str]] = field(default_factory=dict)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str | None) -> Memory:
        """From what `dump` made; an empty one from nothing."""
        return cls(**json.loads(text)) if text else cls()

    def dump(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    def keep_only(self, checks: Iterable[dg.AssetCheckKey], jobs: Iterable[str]) -> None:
        """Forget checks and jobs that the project no longer has: nothing would ever heal them."""
        known = {_name(key.asset_key, key.name) for key in checks}
        self.failing = {name: told for name, told in self.failing.items() if name in known}
        self.failed_jobs = {job: why for job, why in self.failed_jobs.items() if job in set(jobs)}

    def evaluated(self, check: dg.AssetCheckEvaluation) -> None:
        """Take in how a check ended. A warning is seen in the UI and told to nobody."""
        name = _name(check.asset_key, check.check_name)
        if check.passed or check.severity == dg.AssetCheckSeverity.WARN:
            self.failing.pop(name, None)
            return
        reason = check.metadata.get(PULLED_REASON)
        told = reason.value if reason is not None else check.description
        self.failing[name] = str(told or check.check_name)


def _name(asset: dg.AssetKey, check: str) -> str:
    return f"{asset.to_user_string()}:{check}"


def reason(event: dg.DagsterEvent) -> str:
    """Why a step failed, in the words of the error that began it."""
    error = event.step_failure_data.error
    while error and error.cause:
        error = error.cause
    return (error.message if error else event.message or "").strip()[:500]


def present(memory: Memory, stale: Iterable[dg.AssetKey]) -> dict[str, Incident]:
    """Everything that is wrong now, by key. `stale` are assets that nobody made in time."""
    late: dict[dg.AssetKey, list[str]] = defaultdict(list)
    audits: dict[dg.AssetKey, list[str]] = defaultdict(list)
    found = []
    for name, told in memory.failing.items():
        asset, check = name.rsplit(":", 1)
        key = dg.AssetKey.from_user_string(asset)
        if (asset, check) in OF_THEIR_OWN:
            short, title = OF_THEIR_OWN[asset, check]
            found.append(Incident(short, policies.policy_for(key).owner, title, (told,)))
        elif check in ABOUT_AGE:
            late[_whole(key)].append(told)
        elif check != SOURCES_COMPLETE:  # it repeats what `pulled` says
            audits[key].append(told)
    for key in stale:
        late[_whole(key)].append(f"{key.to_user_string()} was not made in time.")
    for key, details in late.items():
        name = key.to_user_string()
        title = f"{name.removeprefix('raw_')} is late"
        found.append(_incident(f"late {name}", policies.policy_for(key).owner, title, details))
    for key, details in audits.items():
        name = key.to_user_string()
        title = f"{name} failed its audit"
        found.append(_incident(f"audit {name}", policies.policy_for(key).owner, title, details))
    for job, details in memory.failed_jobs.items():
        title = f"{job} failed"
        found.append(_incident(f"run {job}", policies.DATA_PLATFORM, title, details))
    return {incident.key: incident for incident in found}


def _whole(key: dg.AssetKey) -> dg.AssetKey:
    """The source of a raw table, because all of it is late together; the marts as one."""
    return dg.AssetKey(key.path[0]) if key.path[0].startswith(("raw_", "marts")) else key


def _incident(key: str, owner: str, title: str, details: Iterable[str]) -> Incident:
    listed = list(dict.fromkeys(details))
    more = len(listed) - MOST_DETAILS
    shown = listed[:MOST_DETAILS] + ([f"... and {more} more."] if more > 0 else [])
    return Incident(key, owner, title, tuple(shown))


def tell(
    memory: Memory,
    now: Mapping[str, Incident],
    send: Callable[[alerts.Alert, str], None] = alerts.send,
) -> list[str]:
    """Tell each destination once that an incident began, and once that it has healed.

    Returns what could not be delivered, and why; that is tried again at the next call.
    """
    troubles = []
    # One that does not answer is not waited for again: Dagster ends a look after a minute, and what
    # others were told in it would be forgotten.
    unreachable = set()

    def deliver(alert: alerts.Alert, destination: str) -> bool:
        if destination in unreachable:
            return False
        try:
            send(alert, destination)
        except (OSError, ValueError) as error:
            unreachable.add(destination)
            troubles.append(f"{alert.subject} -> {destination}: {_safe(error)}")
            return False
        return True

    for key, incident in now.items():
        heard = memory.told.setdefault(key, {"owner": incident.owner, "to": []})
        heard["title"] = incident.title
        alert = alerts.Alert(key, "began", incident.owner, incident.title, incident.details)
        for destination in alerts.destinations(incident.owner):
            if destination not in heard["to"] and deliver(alert, destination):
                heard["to"].append(destination)
    for key in sorted(memory.told.keys() - now.keys()):
        heard = memory.told[key]
        alert = alerts.Alert(key, "healed", heard["owner"], heard["title"])
        heard["to"] = [one for one in heard["to"] if not deliver(alert, one)]
        if not heard["to"]:
            del memory.told[key]
    return troubles


def _safe(error: Exception) -> str:
    """An error in words without the address that it may quote."""
    return f"{type(error).__name__} {getattr(error, 'code', '') or ''}".strip()
