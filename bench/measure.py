"""A command or a call measured from outside: wall seconds, and the largest process's memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Measured:
    """Wall seconds, and peak resident megabytes of the largest process (0 when not measured)."""

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def stopwatch() -> Iterator[Measured]:
    """Measure the wall time of a block."""
    measured, started = Measured(), time.perf_counter()
    yield measured
    measured.seconds = time.perf_counter() - started


def command(
    arguments: Sequence[str], environment: Mapping[str, str], *, log: Path, check: bool = True
) -> Measured:
    """Run `python ARGUMENTS` to its end; its output goes to `log`.

    Raises CalledProcessError when it exits with anything but 0 and `check` is set.
    """
    started = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # wait4 reports the peak of this process and of the children that it waited for.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments, log.read_text()[-3000:])
    to_mb = 1024**2 if sys.platform == "darwin" else 1024
    return Measured(time.perf_counter() - started, usage.ru_maxrss / to_mb)


def line(name: str, value: float, reach: str, told: str) -> None:
    """Print one figure: what it is, the ratio, what it should reach, and what it was made of."""
    print(f"{name:46} {value:7.2f}   reach {reach:10} {told}", flush=True)
