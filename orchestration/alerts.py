"""Tells people: a line in the alert log, and whatever webhooks and mailboxes their owner has.

A webhook gets JSON with a `text`, which is what Slack, Mattermost and others like them take, and
the alert's own fields beside it. Nothing here knows what an incident is about.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal
from urllib.parse import unquote, urlsplit

from orchestration import environment

# The destination that every alert has.
LOG = "log"
SECONDS = 10


@dataclass(frozen=True)
class Alert:
    """One message: that an incident began, or that it has healed.

    `key` is the same at both ends. `details` are lines for people; they hold no record of a
    customer.
    """

    key: str
    event: Literal["began", "healed"]
    owner: str
    title: str
    details: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The alert in one line."""
        return f"{'Healed' if self.event == 'healed' else 'Alert'}: {self.title}"

    @property
    def text(self) -> str:
        """The alert in plain words."""
        return "\n".join([self.subject, *self.details])

    def fields(self) -> dict[str, object]:
        """The alert as JSON holds it."""
        return {
            "incident": self.key,
            "event": self.event,
            "owner": self.owner,
            "title": self.title,
            "details": list(self.details),
        }


def destinations(owner: str) -> tuple[str, ...]:
    """Names of where this owner's alerts go, the log first. A name is never a secret: it is an
    address from the table, or the environment variable that holds one."""
    routes = environment.alert_routes()
    chosen = _usable(routes, owner) or _usable(routes, "*")
    return (LOG, *chosen)


def _usable(routes: Mapping[str, list[str]], owner: str) -> list[str]:
    return [name for name in routes.get(owner, []) if environment.alert_address(name)]


def send(alert: Alert, destination: str) -> None:
    """Hand the alert to one of `destinations`. Raises OSError or ValueError when it does not take
    it; what is raised does not hold the address."""
    if destination == LOG:
        _log(alert)
        return
    address = environment.alert_address(destination) or ""
    if address.startswith(("https://", "http://")):
        _post(alert, address)
    elif address.startswith("mailto:"):
        _mail(alert, unquote(urlsplit(address).path))
    else:
        raise ValueError(f"{destination} is neither https://... nor mailto:...")


def _log(alert: Alert) -> None:
    log = environment.alert_log()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as lines:
        lines.write(json.dumps({"at": environment.as_of().isoformat(), **alert.fields()}) + "\n")


def _post(alert: Alert, url: str) -> None:
    request = urllib.request.Request(
        url,
        data=json.dumps({"text": alert.text, **alert.fields()}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=SECONDS):
        pass


def _mail(alert: Alert, to: str) -> None:
    server = environment.mail_server()
    if server is None:
        raise ValueError("C360_SMTP_URL is not set, so no mail can be sent")
    message = EmailMessage()
    message["From"] = environment.mail_sender()
    message["To"] = to
    message["Subject"] = alert.subject
    message.set_content("\n".join([alert.title, "", *alert.details]))
    host, port = server.hostname or "localhost", server.port
    if server.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            host, port or 465, timeout=SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = smtplib.SMTP(host, port or 25, timeout=SECONDS)
    with connection as smtp:
        if server.scheme == "smtp+tls":
            smtp.starttls(context=ssl.create_default_context())
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)
