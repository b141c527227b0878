"""Tells people that a run failed: one line in a log file, and a webhook when one is configured."""

import json
import urllib.request
from typing import Any

import dagster as dg

from orchestration import environment


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes each failed run to the alert log and posts it to the webhook.",
)
def tell_of_failure(context: dg.RunFailureSensorContext) -> None:
    """Report the run, the steps that failed and why; the reasons hold no record of a customer."""
    alert = {
        "job": context.dagster_run.job_name,
        "run_id": context.dagster_run.run_id,
        "failed_steps": {
            event.step_key: reason(event) for event in context.get_step_failure_events()
        },
        "message": context.failure_event.message,
    }
    write(alert)
    post(alert)


def write(alert: dict[str, Any]) -> None:
    """Append the alert to the log as one line of JSON."""
    log = environment.alert_log()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as lines:
        lines.write(json.dumps(alert) + "\n")


def post(alert: dict[str, Any]) -> None:
    """Post the alert to the configured webhook, if any; a dead webhook raises, and is retried."""
    url = environment.alert_webhook()
    if url is None:
        return
    failed = ", ".join(alert["failed_steps"]) or "no step"
    text = f"{alert['job']} failed in {failed}. Run {alert['run_id']}."
    request = urllib.request.Request(
        url,
        data=json.dumps({"text": text, **alert}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def reason(event: dg.DagsterEvent) -> str:
    """Why a step failed, in the words of the error that began it."""
    error = event.step_failure_data.error
    while error and error.cause:
        error = error.cause
    return (error.message if error else event.message or "").strip()[:500]
