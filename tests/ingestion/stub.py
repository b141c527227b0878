"""A vendor that answers with whatever text it is given, also with what is no JSON at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@contextmanager
def stub(records: dict[str, list[str]], lines: list[bytes]) -> Iterator[dict[str, str]]:
    """Serves `records` (JSON texts by table) as HubSpot, Stripe and Mixpanel list them, and `lines`
    as the export; yields the environment that points at it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = parse_qs(url.query)
            table = url.path.rsplit("/", 1)[-1]
            found = records.get(table, [])
            if table == "export":
                self._answer(b"".join(line + b"\n" for line in lines))
            elif url.path.startswith("/hubspot/"):
                self._hubspot(found if asked.get("archived") != ["true"] else [], asked)
            else:
                self._answer(f'{{"data": [{", ".join(found)}], "has_more": false}}'.encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = records.get("profiles", []) if "engage" in self.path else []
            text = f'{{"results": [{", ".join(found)}], "page": 0, "page_size": 1000, '
            self._answer((text + '"session_id": "s", "total": 0}').encode())

        def _hubspot(self, found: list[str], asked: dict[str, list[str]]) -> None:
            if found and "after" not in asked:
                # The first page is empty and still leads on.
                self._answer(b'{"results": [], "paging": {"next": {"after": "1"}}}')
            else:
                self._answer(f'{{"results": [{", ".join(found)}]}}'.encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        yield {
            "SOURCES__HUBSPOT__BASE_URL": f"{base}/hubspot",
            "SOURCES__HUBSPOT__ACCESS_TOKEN": "x",
            "SOURCES__STRIPE__BASE_URL": f"{base}/stripe",
            "SOURCES__STRIPE__API_KEY": "x",
            "SOURCES__MIXPANEL__EXPORT_BASE_URL": f"{base}/mixpanel",
            "SOURCES__MIXPANEL__QUERY_BASE_URL": f"{base}/mixpanel",
            "SOURCES__MIXPANEL__SERVICE_ACCOUNT": "x",
            "SOURCES__MIXPANEL__SERVICE_SECRET": "x",
            "SOURCES__MIXPANEL__PROJECT_ID": "1",
        }
        server.shutdown()
