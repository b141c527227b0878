"""The freshness table covers everything, and a failure reaches people."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from orchestration import policies, sensors


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        (["raw_mixpanel", "events"], "raw_mixpanel"),
        (["marts", "customer_360"], "marts"),
        (["staging", "stg_stripe__invoices"], ""),
        (["published", "c360"], "published"),
    ],
)
def test_the_first_matching_row_of_the_table_wins(key: list[str], prefix: str) -> None:
    assert policies.policy_for(dg.AssetKey(key)) is policies.POLICIES[prefix]


def test_something_is_late_before_it_is_stale() -> None:
    for policy in policies.POLICIES.values():
        for window in (policy.made_within, policy.data_within):
            assert 0 < window.warn <= window.fail


@dg.op
def breaks() -> None:
    raise dg.Failure("stripe refused its key")


@dg.job
def nightly() -> None:
    breaks()


def failed_run(instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    result = nightly.execute_in_process(instance=instance, raise_on_error=False)
    return dg.build_run_status_sensor_context(
        sensor_name="tell_of_failure",
        dagster_run=result.dagster_run,
        dagster_instance=instance,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()


def test_a_failed_run_is_written_to_the_log_and_posted_to_the_webhook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[dict] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("C360_ALERT_LOG", str(tmp_path / "alerts.log"))
    monkeypatch.setenv("C360_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/hook")
    with dg.DagsterInstance.ephemeral() as instance:
        sensors.tell_of_failure(failed_run(instance))
    server.shutdown()

    (line,) = (tmp_path / "alerts.log").read_text().splitlines()
    assert json.loads(line)["job"] == "nightly"
    assert "stripe refused its key" in json.loads(line)["failed_steps"]["breaks"]
    assert received[0]["text"].startswith("nightly failed in breaks")


def test_without_a_webhook_the_log_alone_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_ALERT_LOG", str(tmp_path / "alerts.log"))
    monkeypatch.delenv("C360_ALERT_WEBHOOK", raising=False)
    with dg.DagsterInstance.ephemeral() as instance:
        sensors.tell_of_failure(failed_run(instance))
    assert (tmp_path / "alerts.log").read_text().count("\n") == 1
