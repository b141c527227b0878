"""People hear once of what is wrong, and once that it has healed, each only of what is theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from orchestration import alerts, incidents, policies, sensors
from orchestration.assets.publication import PUBLICATION, SOURCES_COMPLETE
from tests.orchestration import receivers

STRIPE = dg.AssetKey(["raw_stripe", "pulls"])
MRR = dg.AssetKey(["marts", "mrr_monthly"])
CHECKS = {
    "pulled": dg.AssetCheckSpec("pulled", asset=STRIPE),
    "audit": dg.AssetCheckSpec("soda_row_count", asset=MRR),
    "match": dg.AssetCheckSpec(
        "soda_metric_matched_fall_points", asset=dg.AssetKey(["marts", "identity_map"])
    ),
    "red": dg.AssetCheckSpec(
        "soda_metric_red_rise_points", asset=dg.AssetKey(["marts", "customer_health"])
    ),
    "complete": dg.AssetCheckSpec(SOURCES_COMPLETE, asset=PUBLICATION),
}
LATE, AUDIT, FALL, JUMP, RUN = (
    "late raw_stripe",
    "audit marts/mrr_monthly",
    "match rate",
    "red share",
    "run nightly",
)


class Graph:
    """A job whose checks end as `bad` says, the sensor, and the sensor's memory."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.cursor = instance, None
        self.bad: set[str] = set()
        self.warned: set[str] = set()
        self.breaks = False

        @dg.multi_asset_check(name="checks", specs=list(CHECKS.values()))
        def checks() -> Iterator[dg.AssetCheckResult]:
            for name, spec in CHECKS.items():
                yield dg.AssetCheckResult(
                    check_name=spec.name,
                    asset_key=spec.asset_key,
                    passed=name not in self.bad | self.warned,
                    severity=dg.AssetCheckSeverity.WARN
                    if name in self.warned
                    else dg.AssetCheckSeverity.ERROR,
                    description=f"{name} is not as it should be",
                    metadata={"reason": "stripe refused its key"} if name == "pulled" else {},
                )
            if self.breaks:
                raise dg.Failure("no space left on device")

        job = dg.define_asset_job("nightly", selection=dg.AssetSelection.checks(checks))
        self.defs = dg.Definitions(
            assets=[
                dg.AssetsDefinition(specs=[dg.AssetSpec(s.asset_key)]) for s in CHECKS.values()
            ],
            asset_checks=[checks],
            jobs=[job],
            sensors=[sensors.tell_people],
        )

    def run(
        self, *bad: str, warned: str = "", breaks: bool = False, job: str = "nightly", **tags: str
    ) -> None:
        self.bad, self.warned, self.breaks = set(bad), set(warned.split()), breaks
        self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, raise_on_error=False, tags=tags
        )

    def look(self) -> str:
        """Evaluate the sensor once; what it says."""
        context = dg.build_sensor_context(
            self.instance, self.cursor, repository_def=self.defs.get_repository_def()
        )
        tick = sensors.tell_people.evaluate_tick(context)
        self.cursor = tick.cursor
        return tick.skip_message or ""

    def stale(self, key: dg.AssetKey, state: FreshnessState) -> None:
        self.instance._report_runless_asset_event(
            FreshnessStateChange(
                key=key,
                previous_state=FreshnessState.UNKNOWN,
                new_state=state,
                state_change_timestamp=0.0,
            )
        )


@pytest.fixture
def graph() -> Iterator[Graph]:
    with dg.DagsterInstance.local_temp() as instance:
        yield Graph(instance)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("WEBHOOK", "MAIL", "WEBHOOK_CUSTOMER_SUCCESS", "MAIL_CUSTOMER_SUCCESS"):
        monkeypatch.delenv(f"C360_ALERT_{name}", raising=False)
    monkeypatch.setenv("C360_ALERT_LOG", str(tmp_path / "alerts.log"))
    return tmp_path / "alerts.log"


def told(log: Path) -> list[tuple[str, str]]:
    """What was told since the last call, as (incident, began or healed)."""
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return [(line["incident"], line["event"]) for line in lines]


def test_each_incident_is_told_once_and_its_healing_once(
    graph: Graph, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = (LATE, AUDIT, FALL, JUMP, RUN)
    with receivers.webhook() as (hook, posted), receivers.mail_server() as (smtp, mails):
        monkeypatch.setenv("C360_ALERT_WEBHOOK", hook)
        monkeypatch.setenv("C360_ALERT_MAIL_CUSTOMER_SUCCESS", "mailto:cs@c360.example")
        monkeypatch.setenv("C360_SMTP_URL", smtp)

        graph.run("pulled", "audit", "match", "red", "complete", breaks=True)
        graph.look()
        assert sorted(told(log)) == sorted((key, "began") for key in everything)

        graph.run("pulled", "audit", "match", "red", "complete", breaks=True)
        graph.look()
        assert told(log) == [], "the same again is no news"

        graph.run()
        graph.look()
        graph.look()
        assert sorted(told(log)) == sorted((key, "healed") for key in everything)

    # Each owner has heard of what is theirs, where the table says, at both ends.
    platform = [(one["incident"], one["event"]) for one in posted]
    assert sorted(platform) == sorted((k, e) for k in (LATE, RUN) for e in ("began", "healed"))
    (late,) = [one for one in posted if one["incident"] == LATE and one["event"] == "began"]
    assert late["text"] == "Alert: stripe is late\nstripe refused its key"
    assert sorted(str(mail["Subject"]) for mail in mails) == sorted(
        f"{word}: {title}"
        for word in ("Alert", "Healed")
        for title in (
            "marts/mrr_monthly failed its audit",
            *(title for _, title in incidents.OF_THEIR_OWN.values()),
        )
    )
    assert {mail["To"] for mail in mails} == {"cs@c360.example"}
    assert "audit is not as it should be" in "".join(mail.get_content() for mail in mails)


def test_a_source_that_nobody_pulls_is_late_without_any_run(graph: Graph, log: Path) -> None:
    graph.stale(STRIPE, FreshnessState.FAIL)
    graph.look()
    assert told(log) == [(LATE, "began")]
    graph.stale(STRIPE, FreshnessState.PASS)
    graph.look()
    assert told(log) == [(LATE, "healed")]


def test_a_warning_a_retry_to_come_and_what_somebody_does_by_hand_alarm_nobody(
    graph: Graph, log: Path
) -> None:
    graph.run(warned="audit red")
    graph.run(breaks=True, **{"dagster/will_retry": "true"})
    graph.run(breaks=True, job="__ASSET_JOB")
    assert graph.look() == "Nothing is wrong"
    assert told(log) == []


def test_what_could_not_be_delivered_is_tried_again_without_telling_others_twice(
    graph: Graph, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.run("pulled")
    with receivers.webhook(status=503) as (down, _):
        monkeypatch.setenv("C360_ALERT_WEBHOOK", down)
        said = graph.look()
    assert "stripe is late -> $C360_ALERT_WEBHOOK: HTTPError 503" in said
    assert "secret" not in said
    with receivers.webhook() as (up, posted):
        monkeypatch.setenv("C360_ALERT_WEBHOOK", up)
        graph.look()
        graph.look()
    assert [one["incident"] for one in posted] == [LATE]
    assert told(log) == [(LATE, "began")]


def test_a_destination_that_does_not_answer_is_waited_for_once_a_look(log: Path) -> None:
    tried: list[str] = []

    def send(alert: alerts.Alert, destination: str) -> None:
        tried.append(destination)
        raise TimeoutError

    memory = incidents.Memory(failed_jobs={"daily": ["disk full"], "hourly": ["disk full"]})
    now = incidents.present(memory, stale=[])
    assert len(incidents.tell(memory, now, send)) == 1
    assert tried == [alerts.LOG]
    assert incidents.tell(memory, now, lambda alert, destination: None) == []
    assert {tuple(heard["to"]) for heard in memory.told.values()} == {(alerts.LOG,)}


def test_a_check_that_the_project_no_longer_has_does_not_alarm_for_ever(log: Path) -> None:
    memory = incidents.Memory(failing={"marts/gone:soda_row_count": "0"}, failed_jobs={"old": []})
    memory.keep_only(checks=[CHECKS["audit"].key], jobs=["nightly"])
    assert incidents.present(memory, stale=[]) == {}


def test_every_owner_of_the_table_has_a_route() -> None:
    from orchestration import environment

    owners = {policy.owner for policy in policies.POLICIES.values()}
    assert owners | {"*"} == set(environment.alert_routes())


def test_an_address_stands_in_the_table_or_in_the_environment_and_own_tables_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "routes.toml"
    table.write_text('"team:data-platform" = ["mailto:a@c360.example", "$NOT_SET"]\n"*" = ["$SET"]')
    monkeypatch.setenv("C360_ALERT_ROUTES", str(table))
    monkeypatch.setenv("SET", "https://hooks.example/1")
    assert alerts.destinations("team:data-platform") == ("log", "mailto:a@c360.example")
    assert alerts.destinations("team:somebody-new") == ("log", "$SET")


def test_without_a_mail_server_mail_is_refused_with_the_setting_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("C360_SMTP_URL", raising=False)
    alert = alerts.Alert("run x", "began", policies.DATA_PLATFORM, "x failed")
    with pytest.raises(ValueError, match="C360_SMTP_URL"):
        alerts.send(alert, "mailto:a@c360.example")


def test_a_step_that_failed_is_told_in_the_words_of_the_error_that_began_it() -> None:
    begun = SimpleNamespace(message="stripe refused its key\n", cause=None)
    error = SimpleNamespace(message="step failed", cause=begun)
    event = SimpleNamespace(step_failure_data=SimpleNamespace(error=error), message="")
    assert incidents.reason(event) == "stripe refused its key"
