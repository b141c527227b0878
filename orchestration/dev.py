"""`make dev`: the Dagster UI and its daemon over this project, on http://127.0.0.1:3000."""

from __future__ import annotations

import os
import sys

from orchestration import environment


def main() -> None:
    """Prepare once, then become `dagster dev`, so that signals reach it directly."""
    environment.prepare()
    os.chdir(environment.ROOT)
    arguments = ["-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", *sys.argv[1:]]
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    main()
