"""What `make run` says: progress step by step, then what came in, what passed, whom to call."""

from __future__ import annotations

import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg

from ingestion import settings
from orchestration import environment
from orchestration.assets.publication import PUBLICATION, SOURCES_COMPLETE
from orchestration.assets.sources import PULLED
from orchestration.incidents import reason
from publish import reader


@dataclass
class Progress:
    """Follows a run's events, prints a line for every step, and keeps what the summary needs."""

    say: Callable[[str], None]
    started: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rejected: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    checks: Counter[str] = field(default_factory=Counter)
    failed_pulls: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    is_unchanged: bool = False

    def show(self, event: dg.DagsterEvent) -> None:
        """Take one event in; print when it starts, retries or ends a step."""
        match event.event_type:
            case dg.DagsterEventType.STEP_START:
                self.started[event.step_key or ""] = time.monotonic()
                self.say(f"  {'':9} {event.step_key} ...")
            case dg.DagsterEventType.STEP_SUCCESS:
                source = (event.step_key or "").removeprefix("pull_")
                why = self.failed_pulls.get(source)
                self._end(event, "FAILED" if why else "done", why)
            case dg.DagsterEventType.STEP_FAILURE:
                self._end(event, "FAILED", reason(event))
            case dg.DagsterEventType.STEP_UP_FOR_RETRY:
                self._end(event, "retries")
            case dg.DagsterEventType.STEP_SKIPPED:
                self._end(event, "unchanged" if self.is_unchanged else "skipped")
            case dg.DagsterEventType.ASSET_MATERIALIZATION:
                self._materialized(event)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                self._checked(event)
            case dg.DagsterEventType.ASSET_OBSERVATION:
                self.is_unchanged |= event.asset_key == PUBLICATION

    def _end(self, event: dg.DagsterEvent, word: str, why: str | None = None) -> None:
        step = event.step_key or ""
        seconds = time.monotonic() - self.started.get(step, time.monotonic())
        self.say(f"  {word:9} {step}  {seconds:.1f} s")
        if why:
            self.say(textwrap.indent(textwrap.fill(why, 96), " " * 12))

    def _materialized(self, event: dg.DagsterEvent) -> None:
        key = event.asset_key
        if key is None or not key.path[0].startswith("raw_"):
            return
        metadata = event.step_materialization_data.materialization.metadata
        source = key.path[0].removeprefix("raw_")
        self.rows[source] += _number(metadata, "rows_new_or_changed")
        self.rejected[source] += _number(metadata, "rows_rejected")

    def _checked(self, event: dg.DagsterEvent) -> None:
        result = event.asset_check_evaluation_data
        if result.passed:
            self.checks["passed"] += 1
            return
        warned = result.severity == dg.AssetCheckSeverity.WARN
        word = "warned" if warned else "failed"
        self.checks[word] += 1
        if result.check_name == PULLED:
            source = result.asset_key.path[0].removeprefix("raw_")
            self.failed_pulls[source] = str(result.metadata["reason"].value)
        elif result.check_name != SOURCES_COMPLETE:
            name = f"{result.asset_key.to_user_string()}: {result.check_name}"
            self.troubles.append(f"{word}: {name}. {result.description or ''}".strip())


def summary(progress: Progress, run_id: str) -> str:
    """The report of a run that ended: a text of some forty lines."""
    parts = [_pulled(progress), _checked(progress), _published(progress, run_id)]
    return "\n\n".join([*parts, _calls(), NEXT_STEPS])


def _pulled(progress: Progress) -> str:
    lines = ["Pulled"]
    for source in settings.enabled_sources():
        if source not in progress.rows:
            why = progress.failed_pulls.get(source, "its step did not end")
            lines.append(f"  {source:12} failed: {why}")
            continue
        rows, rejected = progress.rows[source], progress.rejected[source]
        changed = f"{rows:,} rows new or changed" if rows else "nothing new"
        quarantined = f", {rejected:,} in quarantine" if rejected else ""
        lines.append(f"  {source:12} {changed}{quarantined}")
    return "\n".join(lines)


def _checked(progress: Progress) -> str:
    counts = progress.checks
    lines = [
        f"Checks\n  {counts['passed']} passed, {counts['warned']} warned, {counts['failed']} failed"
    ]
    lines += [f"  {trouble}" for trouble in sorted(progress.troubles)]
    return "\n".join(lines)


def _published(progress: Progress, run_id: str) -> str:
    try:
        publication = reader.publication(environment.publish_dir())
    except reader.NoPublication as error:
        return f"Published\n  nothing: {error}"
    lines = ["Published"]
    hours = publication.age_hours()
    if progress.is_unchanged:
        lines.append(f"  unchanged: nothing is new since the publication of {hours:.1f} h ago")
    elif publication.run_id != run_id:
        lines.append(f"  NOT by this run: readers still get the publication of {hours:.1f} h ago")
    lines.append(f"  {publication.path}  ({len(publication.marts)} marts, Parquet beside it)")
    lines += [
        f"  {age.source:12} newest record {_age(age.data_age_hours)},"
        f" last pulled {_age(age.pull_age_hours)}"
        for age in publication.sources
    ]
    return "\n".join(lines)


def _calls() -> str:
    try:
        with reader.connect(environment.publish_dir()) as published:
            accounts = published.execute(FIRST_CALLS).fetchall()
    except reader.NoPublication:
        return "Whom to call first\n  nothing is published yet"
    lines = ["Whom to call first"]
    for rank, account in enumerate(accounts, 1):
        name, band, score, arr, currency, renewal, csm, *reasons = account
        renews = f", renews {renewal}" if renewal else ""
        owner = f", {csm}" if csm else ""
        lines.append(
            f"  {rank:2}. {name}: {band} {score:.0f}, ARR {arr:,.0f} {currency}{renews}{owner}"
        )
        lines += [f"        {told}" for told in reasons if told]
    return "\n".join(lines if accounts else [*lines, "  no account has a score yet"])


FIRST_CALLS = """
    select
        account_name, health_band, health_score, arr, currency, renewal_on, csm_name,
        reason_1, reason_2, reason_3
    from marts.customer_360
    where priority is not null
    order by priority desc, account_id
    limit 10
"""

NEXT_STEPS = """Next
  make dev                             the graph with its ages and checks, on http://127.0.0.1:3000
  make query SQL="from marts.customer_360 limit 5"
                                       the marts; or open published/c360.duckdb read-only"""


def _number(metadata: Mapping[str, dg.MetadataValue], key: str) -> int:
    entry = metadata.get(key)
    return entry.value if isinstance(entry, dg.IntMetadataValue) and entry.value else 0


def _age(hours: float | None) -> str:
    if hours is None:
        return "never"
    return f"{hours * 60:.0f} min ago" if hours < 1 else f"{hours:.1f} h ago"
