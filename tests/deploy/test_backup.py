"""The warehouse and the raw files, saved while somebody may be writing, and put back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration import backup, environment
from tests.deploy import documented

HOLD = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute("create or replace table written as select 2 as n")
    print("writing", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a warehouse and one raw file."""
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data" / "raw").mkdir(parents=True)
    write(tmp_path / "data" / "warehouse.duckdb", 1)
    write(tmp_path / "data" / "raw" / "raw_stripe.duckdb", 1)
    environment.build_inputs().parent.mkdir(parents=True)
    environment.build_inputs().write_text("print of the build")
    return tmp_path / "data"


def write(path: Path, number: int) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create or replace table written as select {number} as n")


def written(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select n from written").fetchall()[0][0]


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_what_was_saved_comes_back_and_the_next_run_builds_on_it(
    data: Path, tmp_path: Path
) -> None:
    program = "python -m orchestration.backup "
    save = documented.command(f"{program}save").removeprefix(program)
    restore = documented.command(f"{program}restore").removeprefix(program)
    backup.main(save.replace("/var/backups/c360", str(tmp_path / "backups")).split())
    (saved,) = (tmp_path / "backups").iterdir()
    write(data / "warehouse.duckdb", 2)
    write(data / "raw" / "raw_stripe.duckdb", 2)
    backup.main([restore.split()[0], str(saved)])
    assert written(data / "warehouse.duckdb") == 1
    assert written(data / "raw" / "raw_stripe.duckdb") == 1
    # Without it a run would find its inputs unchanged, and build nothing.
    assert not environment.build_inputs().exists()
    assert not list(data.rglob("*.restored*"))


def test_what_only_the_log_of_a_killed_writer_holds_is_saved_too(
    data: Path, tmp_path: Path
) -> None:
    with writer(data / "warehouse.duckdb"):
        pass
    assert (data / "warehouse.duckdb.wal").exists()
    saved = backup.save(tmp_path / "backups")
    assert written(saved / "warehouse.duckdb") == 2
    assert not (saved / "warehouse.duckdb.wal").exists()


def test_a_file_that_is_being_written_is_waited_for_and_not_saved_half(
    data: Path, tmp_path: Path
) -> None:
    with writer(data / "warehouse.duckdb") as process:
        with pytest.raises(backup.BackupError, match="lock"):
            backup.save(tmp_path / "backups", patience=0)
        assert list((tmp_path / "backups").iterdir()) == []
        assert process.stdin
        process.stdin.write("done\n")
        process.stdin.flush()
        assert written(backup.save(tmp_path / "backups") / "warehouse.duckdb") == 2


def test_a_damaged_backup_is_not_restored(data: Path, tmp_path: Path) -> None:
    saved = backup.save(tmp_path / "backups")
    (saved / "raw" / "raw_stripe.duckdb").unlink()
    whole = (saved / "warehouse.duckdb").read_bytes()
    (saved / "warehouse.duckdb").write_bytes(whole[:1000])
    write(data / "warehouse.duckdb", 2)
    with pytest.raises(backup.BackupError):
        backup.restore(saved)
    assert written(data / "warehouse.duckdb") == 2
    with pytest.raises(backup.BackupError, match="no backup"):
        backup.restore(tmp_path)


def test_the_newest_backups_stay(tmp_path: Path) -> None:
    for day in ("20260101T000000Z", "20260102T000000Z"):
        (tmp_path / "backups" / f"c360-{day}").mkdir(parents=True)
    saved = backup.save(tmp_path / "backups", keep=2)
    assert {path.name for path in (tmp_path / "backups").iterdir()} == {
        "c360-20260102T000000Z",
        saved.name,
    }
