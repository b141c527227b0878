"""A PostgreSQL of its own for a test, on loopback, gone when the test ends.

The machine's own server program when it has one, else that of the wheel `pgserver`, kept in a
folder that outlives the test run.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

ADMIN, PASSWORD = "admin", "not-a-secret"


@dataclass(frozen=True)
class Server:
    """A server on 127.0.0.1 that asks every user for a password. `ADMIN` may do everything."""

    port: int

    def dsn(self, database: str = "postgres", user: str = ADMIN, password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def ask(self, dsn: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement that commits by itself."""
        connection = psycopg2.connect(dsn)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


@contextmanager
def server() -> Iterator[Server]:
    """Start one in a folder under the system's temporary one, and stop it in the end."""
    folder_of_programs = programs()
    folder = Path(tempfile.mkdtemp(prefix="c360-pg-"))
    # It refuses to run as root, and nobody else may look into pytest's own folders.
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        for path in (folder, secret):
            shutil.chown(path, *(user.pw_uid, user.pw_gid) if user else (os.getuid(), -1))
        init = ["-D", folder / "db", "-U", ADMIN, "-A", "scram-sha-256", f"--pwfile={secret}"]
        subprocess.run(
            [folder_of_programs / "initdb", *init, "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_user,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        listen = ["-h", "127.0.0.1", "-p", str(port), "-k", folder]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [folder_of_programs / "postgres", "-D", folder / "db", *listen, "-F"],
                stdout=log,
                stderr=log,
                cwd=folder,
                **as_user,
            )
        try:
            started = Server(port)
            _wait(started, process, folder / "log")
            yield started
        finally:
            # At once, also when a failed test left connections: nothing in it is needed again.
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(started: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            started.ask(started.dsn(), "select 1")
            return
        except psycopg2.OperationalError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")


def programs() -> Path:
    """The folder of `initdb`, `postgres` and, mostly, `pg_dump`. Skips the test without any."""
    found = shutil.which("postgres")
    usual = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    for program in [*([Path(found)] if found else []), *usual]:
        if (program.resolve().parent / "initdb").exists():
            return program.resolve().parent
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # Where the user that it runs as can reach it.
    if os.geteuid() == 0:
        cache = Path("/var/cache")
    folder = cache / "customer-360" / "pgserver-0.1"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = folder.with_name(f"{folder.name}-{os.getpid()}")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary"]
        got = subprocess.run(
            [*install, "pgserver", "--target", str(made), "pgserver==0.1.*"],
            capture_output=True,
            text=True,
            check=False,
        )
        if got.returncode:
            pytest.skip(f"no PostgreSQL to be had: {got.stderr.strip()[-300:]}")
        made.rename(folder)
    return folder / "pgserver" / "pginstall" / "bin"
