"""Publishes again and again, each time in a child that dies at a later step; prints what was left.

Run as `python kill_driver.py <folder>`. Children are forked before DuckDB has started a thread, so
each costs little more than the publication itself.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from publish import copying
from publish.publication import publish
from publish.reader import connect, publication
from tests.publish.built_warehouse import AS_OF, build_at

KILLED = 77


def in_a_child(work: Callable[[], Any]) -> tuple[int, str]:
    """Exit code of a forked child that does the work, and its answer as text."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(write_end, str(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        said = answer.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def publish_and_die(warehouse: Path, target: Path, step: int) -> None:
    """Publish, but end without a word at the given step: one mart copied, or one change of the
    file system."""
    steps = 0

    def count(event: str) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            os.write(2, f"{event}\n".encode())
            os._exit(KILLED)

    changes = {"os.mkdir", "os.chmod", "os.rename", "os.symlink", "os.remove", "os.rmdir"}
    sys.addaudithook(lambda event, _: count(event) if event in changes else None)
    copy = copying._copy

    def copy_then_count(*arguments: Any) -> None:
        copy(*arguments)
        count("copy")

    copying._copy = copy_then_count
    publish(warehouse, target, run_id="2", as_of=AS_OF)


def state(target: Path) -> str:
    """The run that readers get, when everything in it is of that run; else what is wrong."""
    said = publication(target)
    with connect(target) as connection:
        builds = {
            batch
            for mart in said.marts
            for (batch,) in connection.execute(f"select batch from marts.{mart}").fetchall()
        }
    counts = tuple(said.marts.values())
    whole = builds == {int(said.run_id)} and counts == (100, 100, 2000, 2)
    return said.run_id if whole else f"torn: {builds} {counts} in run {said.run_id}"


def main(folder: Path) -> None:
    warehouses = [folder / f"warehouse-{n}.duckdb" for n in (1, 2, 3)]
    for n, warehouse in enumerate(warehouses, start=1):
        in_a_child(lambda n=n, warehouse=warehouse: build_at(warehouse, n))
    template, target = folder / "template", folder / "published"
    in_a_child(lambda: publish(warehouses[0], template, run_id="1", as_of=AS_OF))
    step, code = 0, KILLED
    while code == KILLED:
        step += 1
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(template, target, symlinks=True)
        code, _ = in_a_child(lambda at=step: publish_and_die(warehouses[1], target, at))
        left = in_a_child(lambda: state(target))[1]
        again, _ = in_a_child(lambda: publish(warehouses[2], target, run_id="3", as_of=AS_OF))
        links = {(target / name).readlink().name[-4:] for name in ("parquet",)}
        links |= {(target / "c360.duckdb").readlink().stem[-4:]}
        print(
            json.dumps(
                {
                    "code": code,
                    "left": left,
                    "again": again,
                    "healed": in_a_child(lambda: state(target))[1],
                    "links_agree": len(links) == 1,
                    "files": sorted(path.name for path in target.iterdir()),
                }
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
