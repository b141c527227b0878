"""Command line: `serve` the vendors, `exec` a command against them, write the `truth` to files."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from sandbox.box import Sandbox


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--port", type=int, default=0, help="loopback port (default: a free one)")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--companies", type=int, default=500)
    options.add_argument("--months", type=int, default=24, help="length of the past")
    options.add_argument("--now", type=_moment, help="the clock, ISO 8601 (default: the real now)")
    options.add_argument("--state", type=Path, help="file that keeps seed, size and first day")
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", parents=[options], help="serve until interrupted")
    run = commands.add_parser("exec", parents=[options], help="serve while a command runs")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD ...")
    truth = commands.add_parser(
        "truth", parents=[options], help="write the hidden truth as Parquet"
    )
    truth.add_argument("--out", type=Path, required=True)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    argv = asked.argv[1:] if asked.command == "exec" and asked.argv[:1] == ["--"] else []
    if asked.command == "exec" and not argv:
        parser.error("exec needs a command after --")
    try:
        box = Sandbox(asked.companies, asked.months, asked.seed, asked.now, asked.port, asked.state)
    except ValueError as problem:
        parser.error(str(problem))
    if asked.command == "truth":
        return _write_truth(box, asked.out)
    try:
        box.start()
    except OSError as problem:
        parser.error(f"port {asked.port}: {problem.strerror or problem}")
    try:
        return _serve(box) if asked.command == "serve" else _exec(box, argv)
    finally:
        box.stop()


def _serve(box: Sandbox) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(
        json.dumps({"base_url": box.base_url, "environment": box.environment()}, indent=2),
        flush=True,
    )
    stop.wait()
    return 0


def _exec(box: Sandbox, argv: list[str]) -> int:
    """Run a command with the environment set; a signal is passed on, and its exit code back."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif child.poll() is None and not (number == signal.SIGINT and _in_foreground()):
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    try:
        child = subprocess.Popen(argv, env={**os.environ, **box.environment()})
    except OSError as problem:
        print(f"sandbox: {argv[0]}: {problem.strerror}", file=sys.stderr)
        return 127 if isinstance(problem, FileNotFoundError) else 126
    for missed in early:
        child.send_signal(missed)
    code = child.wait()
    return 128 - code if code < 0 else code


def _in_foreground() -> bool:
    """Return whether a terminal's interrupt key reaches the child without our help."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _write_truth(box: Sandbox, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    for name, table in box.truth.tables().items():
        table.to_parquet(out / f"{name}.parquet")
        print(f"{name}: {len(table)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
