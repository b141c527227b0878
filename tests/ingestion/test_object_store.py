"""Files in a folder and in a bucket are the same to whoever reads them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import PullError
from ingestion.object_store import ObjectStore, kind_of, unpack
from tests.bucket import Served, served

FILES = {f"in/2026-11-0{day}/{n}.gz": f"{day}/{n}".encode() for day in (1, 2) for n in range(7)}
FILES |= {"in/readme.txt": b"r", "out/x": b"x"}


@pytest.fixture(scope="module")
def bucket() -> Iterator[Served]:
    with served({f"deep/{key}": body for key, body in FILES.items()}) as found:
        yield found


@pytest.fixture(params=["folder", "bucket"])
def store(
    request: pytest.FixtureRequest,
    bucket: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ObjectStore:
    if request.param == "bucket":
        return at(monkeypatch, bucket)
    for key, body in FILES.items():
        path = tmp_path / "deep" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    monkeypatch.setenv("SOURCES__SEGMENT__BUCKET_URL", str(tmp_path / "deep"))
    return ObjectStore.configured("segment")


def at(monkeypatch: pytest.MonkeyPatch, bucket: Served, **more: str) -> ObjectStore:
    given = {
        "bucket_url": "s3://box/deep/",
        "endpoint_url": bucket.url,
        "aws_access_key_id": "AK",
        "aws_secret_access_key": "SK",
        **more,
    }
    for key, value in given.items():
        monkeypatch.setenv(f"SOURCES__SEGMENT__{key.upper()}", value)
    return ObjectStore.configured("segment")


def test_every_file_is_listed_with_its_size_below_the_root(store: ObjectStore) -> None:
    assert {file.key: file.size for file in store.files()} == {
        key: len(body) for key, body in FILES.items()
    }
    assert [file.key for file in store.files("out")] == ["out/x"]
    assert [file.key for file in store.files()] == sorted(FILES)
    assert all(file.etag and file.modified_at.tzinfo for file in store.files())


def test_folders_are_those_right_below(store: ObjectStore) -> None:
    assert store.folders() == ["in", "out"]
    assert store.folders("in/") == ["2026-11-01", "2026-11-02"]
    assert store.folders("in/2026-11-01") == store.folders("nowhere") == []
    assert store.files("nowhere") == []


def test_files_are_fetched_as_stored_and_a_vanished_one_is_left_out(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = tmp_path / "got"
    folder.mkdir()
    keys = ["in/2026-11-02/3.gz", "gone", "out/x", "in/2026-11-01/0.gz"]
    got = [(key, path.read_bytes()) for key, path in store.fetch_all(keys, folder)]
    assert got == [(key, FILES[key]) for key in keys if key != "gone"]
    assert store.read("out/x") == b"x"
    assert store.read("gone") is None
    assert not store.fetch("gone", folder / "x")


def test_an_etag_changes_with_the_content_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    store = ObjectStore("segment", str(tmp_path))
    (before,), (again,) = store.files(), store.files()
    assert before == again
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    (after,) = store.files()
    assert after.etag != before.etag


def test_a_store_is_asked_again_when_it_is_busy_or_breaks_off(
    bucket: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = at(monkeypatch, bucket)
    bucket.slow = 2
    assert len(store.files()) == len(FILES)
    bucket.cut = 2
    assert store.fetch("in/2026-11-02/3.gz", tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == FILES["in/2026-11-02/3.gz"]
    assert (bucket.slow, bucket.cut) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "told", "settings"),
    [
        ("credentials", "SOURCES__SEGMENT__AWS_SECRET", {"aws_secret_access_key": "wrong"}),
        ("credentials", "s3:ListBucket", {"aws_access_key_id": "XX"}),
        ("credentials", "the bucket does not exist", {"bucket_url": "s3://nobox/deep"}),
        ("unreachable", "did not answer", {"endpoint_url": "http://127.0.0.1:9"}),
    ],
)
def test_what_is_wrong_is_said_with_key_and_place(
    bucket: Served, monkeypatch: pytest.MonkeyPatch, kind: str, told: str, settings: dict[str, Any]
) -> None:
    store = at(monkeypatch, bucket, **settings)
    with pytest.raises(PullError) as stopped:
        store.files("in")
    assert stopped.value.kind == kind
    assert told in str(stopped.value)
    assert "wrong" not in str(stopped.value)


def test_a_store_that_stays_busy_is_a_limit(
    bucket: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = at(monkeypatch, bucket)
    bucket.slow = 99
    with pytest.raises(PullError) as stopped:
        store.files()
    bucket.slow = 0
    assert stopped.value.kind == "rate_limited"


def test_a_folder_that_is_not_there_and_a_scheme_nobody_knows_are_named(tmp_path: Path) -> None:
    with pytest.raises(PullError, match="bucket_url is not there"):
        ObjectStore("segment", str(tmp_path / "none")).files()
    with pytest.raises(PullError, match="az:// cannot be read without the package adlfs"):
        ObjectStore("segment", "az://box/x")
    with pytest.raises(PullError, match="nope://"):
        ObjectStore("segment", "nope://box/x")


def test_a_file_is_what_it_begins_with_and_not_what_it_is_called(tmp_path: Path) -> None:
    packed = gzip.compress(b"line\n" * 1000)
    for name, body, whole in [
        ("plain.gz", b"line\n", True),
        ("packed.json", packed, True),
        ("two.gz", packed + packed, True),
        ("cut.gz", packed[:-9], False),
        ("spoilt.gz", packed[:12] + b"xxxx" + packed[16:], False),
        ("empty.gz", b"", True),
    ]:
        path = tmp_path / name
        path.write_bytes(body)
        assert unpack(path, tmp_path / "out") is whole, name
        assert (tmp_path / "out").exists() is whole
        if whole:
            assert b"line\n" * (2000 if name == "two.gz" else 0) in (tmp_path / "out").read_bytes()
    for start, kind in [(b"PK\x03\x04", "zip"), (b"Obj\x01", "avro"), (b"PAR1", "parquet")]:
        (tmp_path / "x").write_bytes(start + b"...")
        assert kind_of(tmp_path / "x") == kind
