"""The S3 endpoint, judged by s3fs: pages, folders, ranges, signatures and S3's own errors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.bucket import AT, Served, served


@pytest.fixture(scope="module", name="served")
def place() -> Iterator[Served]:
    objects = {f"logs/{day}/part {n:02}.gz": f"{day}{n}".encode() * 9
               for day in ("2026-11-01", "2026-11-02") for n in range(12)}  # fmt: skip
    with served(objects | {"a+b/c d=é&f.txt": b"odd", "logs.txt": b"beside"}) as found:
        yield found


def test_a_listing_leads_through_all_pages_with_sizes_and_etags(served: Served) -> None:
    found = served.files().find("box/logs", detail=True)
    mine = {f"box/{key}": body for key, body in served.bucket.objects.items() if key[4] == "/"}
    assert {name: one["Size"] for name, one in found.items()} == {
        name: len(body) for name, body in mine.items()
    }
    tags = {name: one["ETag"].strip('"') for name, one in found.items()}
    assert tags == {name: hashlib.md5(body).hexdigest() for name, body in mine.items()}
    assert {one["LastModified"].timestamp() for one in found.values()} == {AT}


def test_folders_are_listed_without_looking_into_them(served: Served) -> None:
    served.bucket.asked.clear()
    assert sorted(served.files().ls("box/logs", detail=False)) == [
        "box/logs/2026-11-01",
        "box/logs/2026-11-02",
    ]
    assert served.bucket.asked == []
    assert sorted(served.files().ls("box", detail=False)) == ["box/a+b", "box/logs", "box/logs.txt"]


def test_keys_with_odd_characters_are_listed_and_read(served: Served) -> None:
    assert served.files().find("box/a+b") == ["box/a+b/c d=é&f.txt"]
    assert served.files().cat_file("box/a+b/c d=é&f.txt") == b"odd"


def test_an_object_comes_whole_as_stored_and_by_ranges(served: Served) -> None:
    name = "box/logs/2026-11-01/part 03.gz"
    body = served.bucket.objects["logs/2026-11-01/part 03.gz"]
    files = served.files()
    assert files.cat_file(name) == body
    assert files.cat_file(name, start=3, end=8) == body[3:8]
    assert files.cat_file(name, start=-4) == body[-4:]
    with files.open(name, "rb") as opened:
        opened.seek(5)
        assert opened.read(6) == body[5:11]
    info = files.info(name)
    assert (info["size"], info["ETag"].strip('"')) == (len(body), hashlib.md5(body).hexdigest())


@pytest.mark.parametrize("name", ["box/none", "box/logs/2026-11-01/part", "nobox/x"])
def test_what_is_not_there_is_s3s_404(served: Served, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        served.files().cat_file(name)


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [("AK", "wrong", "SignatureDoesNotMatch"), ("XX", "SK", "InvalidAccessKeyId")],
)
def test_wrong_keys_are_refused_by_name(served: Served, key: str, secret: str, code: str) -> None:
    with pytest.raises(PermissionError) as refused:
        served.files(key=key, secret=secret).ls("box/logs")
    cause = refused.value.__cause__
    assert isinstance(cause, ClientError)
    assert cause.response["Error"]["Code"] == code
    with pytest.raises(PermissionError):
        served.files(key=None, secret=None, anon=True).ls("box/logs")


def test_s3fs_waits_as_told_to_slow_down(served: Served) -> None:
    served.slow = 1
    files = served.files(config_kwargs={"retries": {"max_attempts": 0}})
    files.retries = 3
    assert len(files.find("box/logs")) == 24
    assert served.slow == 0
