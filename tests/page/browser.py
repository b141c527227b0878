"""A headless Chromium, spoken to over its debugging pipe, and the page as it is served."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def served(published: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Base URL of the page over the publication in `published`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "page", "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "C360_PUBLISH_DIR": str(published), **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(lambda: _answers(f"{url}/_stcore/health"), 60, "the page does not start")
        yield url
    finally:
        process.terminate()
        process.wait(20)


class Tab:
    """One tab of a browser. What it cannot do in time raises TimeoutError."""

    def __init__(self, width: int, height: int, *, dark: bool, profile: Path) -> None:
        (there, self._out), (self._in, back) = os.pipe(), os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        shell = f'exec "$0" "$@" 3<&{there} 4>&{back}'
        options = [
            *["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"],
            *["--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={profile}"],
            *["--disable-background-networking", f"--window-size={width},{height}"],
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", shell, str(CHROMIUM), *options],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(back)
        self._last, self._rest, self._session = 0, b"", None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        self._process.wait(20)

    def resize(self, width: int, height: int) -> None:
        """Make the window that large; under 600 wide it is a phone."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def send_header(self, name: str, value: str) -> None:
        """Send the header with every request from now on."""
        self._call("Network.enable")
        self._call("Network.setExtraHTTPHeaders", headers={name: value})

    def open(self, url: str) -> None:
        """Go there."""
        self._call("Page.navigate", url=url)

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 60) -> None:
        """Wait until the expression is true."""
        _wait(
            lambda: self.ask(f"Boolean({script})"), seconds, f"not in time: {script}\n{self.text()}"
        )

    def text(self) -> str:
        """What stands on the page."""
        return str(self.ask("document.body ? document.body.innerText : ''"))

    def settled(self) -> None:
        """Wait until nothing runs and every chart is drawn."""
        self.wait_for(
            "document.querySelector('[data-testid=stApp]')"
            "?.getAttribute('data-test-script-state') === 'notRunning'"
            " && document.querySelectorAll('[data-testid=stSkeleton]').length === 0"
        )
        time.sleep(1)

    def download_to(self, folder: Path) -> None:
        """Let downloads go to the folder."""
        self._call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def downloaded(self, path: Path) -> Path:
        """The file, once it is there."""
        _wait(path.exists, 30, f"{path} was not downloaded\n{self.text()}")
        return path

    def screenshot(self, path: Path) -> None:
        """What is seen, as PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                if not (read := os.read(self._in, 1 << 20)):
                    raise TimeoutError("the browser is gone")
                self._rest += read
            answer, self._rest = self._rest.split(b"\0", 1)
            found = json.loads(answer)
            if found.get("id") == self._last:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                return dict(found["result"])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait(is_so: Any, seconds: float, otherwise: str) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(otherwise)
        time.sleep(0.1)
