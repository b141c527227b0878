from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_killed_at_any_step_the_publication_is_whole_and_the_next_one_cleans_up(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "kill_driver.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    # What each child was about to do when it died.
    steps = done.stderr.split()
    assert {"copy", "os.mkdir", "os.chmod", "os.rename", "os.symlink"} <= set(steps)
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ends) == len(steps) + 1
    assert ends[-1]["code"] == 0

    left = [end["left"] for end in ends]
    turned = left.index("2")
    # The old one up to one step, the new one from then on; never anything else.
    assert left == ["1"] * turned + ["2"] * (len(left) - turned)
    assert 0 < turned < len(left) - 1
    for end in ends:
        assert end["again"] == 0
        assert end["healed"] == "3"
        assert end["links_agree"]
        assert not [name for name in end["files"] if name.startswith(".building-")]
        assert len([name for name in end["files"] if name.startswith("c360-")]) <= 3
