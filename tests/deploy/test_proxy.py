"""The proxy of docs/deploy, attacked: who is let in, where, and under which name."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NGINX = Path(__file__).resolve().parents[2] / "docs" / "deploy" / "nginx"
MIA, OPS = ("mia", "mias-word"), ("ops", "ops-word")

pytestmark = [
    pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx here"),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


class Echo(BaseHTTPRequestHandler):
    """Answers with what arrived."""

    def do_GET(self) -> None:
        said = json.dumps({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _certificate(folder: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.fixture(scope="module")
def proxy() -> Iterator[tuple[str, str]]:
    """Addresses of the proxy, by https and by http, before one server for each service."""
    folder = Path(tempfile.mkdtemp(prefix="c360-nginx-"))
    folder.chmod(0o755)
    _certificate(folder / "tls")
    (folder / "users").write_text(":{PLAIN}".join(MIA) + "\n")
    (folder / "admins").write_text(":{PLAIN}".join(OPS) + "\n")
    servers, upstreams = [], (NGINX / "upstreams.systemd.conf").read_text()
    for usual in ("8501", "3000", "3001"):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Echo))
        upstreams = upstreams.replace(usual, str(servers[-1].server_port))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
    (folder / "upstreams.conf").write_text(upstreams)
    open_, plain = _free_port(), _free_port()
    conf = (NGINX / "c360.conf").read_text().replace("/etc/nginx/c360", str(folder))
    conf = re.sub(r"listen 443\b", f"listen 127.0.0.1:{open_}", conf)
    conf = re.sub(r"listen 80\b", f"listen 127.0.0.1:{plain}", conf)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; daemon off; error_log {folder}/log; events {{}}\n"
        f"http {{ access_log off; {places}\n{conf}\n}}\n"
    )
    process = subprocess.Popen(["nginx", "-e", folder / "log", "-c", folder / "nginx.conf"])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", open_)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"https://127.0.0.1:{open_}", f"http://127.0.0.1:{plain}"
    finally:
        process.terminate()
        process.wait()
        for server in servers:
            server.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def get(url: str, who: tuple[str, str] | None, **headers: str) -> requests.Response:
    return requests.get(
        url, auth=who, headers=headers, verify=False, timeout=10, allow_redirects=False
    )


@pytest.mark.parametrize("path", ["/", "/dagster/graphql", "/dagster-admin/", "/_stcore/stream"])
def test_nobody_comes_in_without_a_password(proxy: tuple[str, str], path: str) -> None:
    assert get(proxy[0] + path, None).status_code == 401
    assert get(proxy[0] + path, ("mia", "guessed")).status_code == 401
    forged = {"X-Forwarded-User": "mia"}
    assert get(proxy[0] + path, None, **forged).status_code == 401
    assert get(proxy[1] + path, None).headers["Location"].startswith("https://")


def test_the_page_hears_the_name_that_was_checked_and_no_password(proxy: tuple[str, str]) -> None:
    heard = get(
        proxy[0] + "/?account=hubspot:1",
        MIA,
        **{"X-Forwarded-User": "boss", "Connection": "Upgrade", "Upgrade": "websocket"},
    ).json()
    assert heard["x-forwarded-user"] == "mia"
    assert "authorization" not in heard
    assert heard["path"] == "/?account=hubspot:1"
    assert (heard["upgrade"], heard["connection"].lower()) == ("websocket", "upgrade")


def test_a_user_looks_at_dagster_and_only_an_admin_may_operate_it(proxy: tuple[str, str]) -> None:
    assert get(proxy[0] + "/dagster/runs", MIA).json()["path"] == "/dagster/runs"
    for path in ("/dagster-admin/graphql", "/dagster/../dagster-admin/", "//dagster-admin/"):
        request = requests.Request("GET", proxy[0] + "/", auth=MIA).prepare()
        request.url = proxy[0] + path
        with requests.Session() as session:
            answer = session.send(request, verify=False, timeout=10)
        assert answer.status_code == 401, path
    assert get(proxy[0] + "/dagster-admin/runs", OPS).json()["path"] == "/dagster-admin/runs"
