"""Files that somebody leaves in a folder or an object store: what is there, and fetching it.

One interface over a local folder and whatever fsspec knows by URL (s3://, gs://, az:// ...).
"""

import errno
import gzip
import shutil
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from ingestion import settings
from ingestion.errors import PullError

# So many files are on their way at once: small ones cost a round trip and hardly any bytes.
FETCHES_AT_ONCE = 8
CHUNK_BYTES = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PAR1": "parquet", b"Obj\x01": "avro"}
_PACKAGES = {"s3": "s3fs (the extra `s3`)", "gs": "gcsfs", "az": "adlfs"}
_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key")

T = TypeVar("T")


@dataclass(frozen=True)
class StoredFile:
    """One file: its path below the store's root, and an `etag` that changes with its content."""

    key: str
    size: int
    etag: str
    modified_at: datetime


class ObjectStore:
    """A folder tree at `url`, which is a path or `s3://bucket/prefix` and the like.

    Every method raises PullError: credentials when the store refuses or is not there, unreachable
    when it does not answer, rate_limited when it keeps asking for patience. May be shared by
    threads.
    """

    def __init__(self, source: str, url: str, **options: Any) -> None:
        """`options` are those of the fsspec file system behind the scheme of `url`."""
        self._source, self.url = source, url
        runtime = resolve_configuration(RuntimeConfiguration())
        self._attempts = runtime.request_max_attempts
        self._scale = runtime.request_backoff_factor
        scheme = url.partition("://")[0] if "://" in url else "file"
        if scheme == "s3":
            # All retries are ours, and no file is held in memory by parts.
            once = {"retries": {"max_attempts": 0}, "connect_timeout": 10, "read_timeout": 60}
            options = {"max_concurrency": 1, "config_kwargs": once, **options}
        try:
            self._files: Any = fsspec.filesystem(
                scheme, skip_instance_cache=True, use_listings_cache=False, **options
            )
        except (ImportError, ValueError):
            raise PullError(
                source,
                "unreachable",
                f"files at {scheme}:// cannot be read without the package "
                f"{_PACKAGES.get(scheme, f'of fsspec for {scheme}')}; install it, or point "
                f"bucket_url under [sources.{source}] at a folder.",
            ) from None
        self._files.retries = 1
        self._is_local = scheme in ("file", "local")
        if self._is_local and "://" not in url:
            # Beside this package and not where somebody happens to stand.
            url = str(settings.ROOT / url)
        self._root = self._files._strip_protocol(url).rstrip("/")

    @classmethod
    def configured(cls, source: str, url: str = "") -> "ObjectStore":
        """The store of `[sources.<source>]`: at `bucket_url` (or `url`), for S3 with
        `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`, `endpoint_url`,
        `region_name`; without keys, whoever this machine is to AWS."""
        url = url or settings.credential(source, "bucket_url")
        if not url.startswith("s3://"):
            return cls(source, url)

        def given(key: str) -> str | None:
            return settings.option(source, key, "") or None

        return cls(
            source,
            url,
            key=given("aws_access_key_id"),
            secret=given("aws_secret_access_key"),
            token=given("aws_session_token"),
            endpoint_url=given("endpoint_url"),
            client_kwargs={"region_name": given("region_name")} if given("region_name") else {},
        )

    def folders(self, under: str = "") -> list[str]:
        """The names of the folders right below `under`, sorted; none when it is not there."""
        place = self._place(under)
        listed: list[dict[str, Any]] = self._asked(lambda: self._files.ls(place, detail=True), [])
        names = [one["name"].rstrip("/") for one in listed if one["type"] == "directory"]
        # A store may keep an empty object that stands for the folder itself.
        return sorted(name.rpartition("/")[2] for name in names if name != place)

    def files(self, under: str = "") -> list[StoredFile]:
        """Every file below `under`, in whatever depth, by key; none when it is not there."""
        place = self._place(under)
        found: dict[str, dict[str, Any]] = self._asked(
            lambda: self._files.find(place, detail=True), {}
        )
        return sorted(
            (
                StoredFile(self._key(name), int(one["size"]), _etag(one), _modified_at(one))
                for name, one in found.items()
                if one["type"] == "file"
            ),
            key=lambda file: file.key,
        )

    def fetch(self, key: str, path: Path) -> bool:
        """Writes one file to `path`, as it is stored; False when it is there no more."""

        def get() -> bool:
            self._files.get_file(f"{self._root}/{key}", str(path))
            return True

        return self._asked(get, False)

    def fetch_all(self, keys: list[str], folder: Path) -> Iterator[tuple[str, Path]]:
        """Fetches files side by side into `folder`, under names of their own, and yields them in
        the order asked for, without those that are there no more."""
        paths = [folder / f"{number:06}" for number in range(len(keys))]
        with ThreadPoolExecutor(FETCHES_AT_ONCE) as threads:
            for key, path, there in zip(
                keys, paths, threads.map(self.fetch, keys, paths), strict=True
            ):
                if there:
                    yield key, path

    def read(self, key: str) -> bytes | None:
        """The whole of a small file, None when it is there no more."""
        content: bytes | None = self._asked(
            lambda: self._files.cat_file(f"{self._root}/{key}"), None
        )
        return content

    def _place(self, under: str) -> str:
        if self._is_local and not Path(self._root).is_dir():
            raise PullError(
                self._source,
                "credentials",
                "the folder of bucket_url is not there. "
                f"{settings.where_to_put(self._source, 'bucket_url')}",
            )
        return f"{self._root}/{under.strip('/')}".rstrip("/")

    def _key(self, name: str) -> str:
        return name.removeprefix(self._root).lstrip("/")

    def _check(self) -> str:
        return f"Check bucket_url under [sources.{self._source}]."

    def _asked(self, call: Callable[[], T], without: T) -> T:
        """What `call` returns, tried as often as a call to any vendor; `without` a file."""
        retrying = Retrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_exponential(multiplier=self._scale),
            stop=stop_after_attempt(self._attempts),
            reraise=True,
        )
        try:
            return retrying(call)
        except FileNotFoundError as problem:
            if "specified bucket" in str(problem):
                raise PullError(
                    self._source,
                    "credentials",
                    "the bucket does not exist. "
                    f"{settings.where_to_put(self._source, 'bucket_url')}",
                ) from None
            return without
        except NotADirectoryError:
            return without
        except Exception as problem:
            raise self._stopped(problem) from None

    def _stopped(self, problem: Exception) -> Exception:
        if isinstance(problem, PermissionError) or "Credentials" in type(problem).__name__:
            if self._is_local:
                return PullError(
                    self._source, "credentials", f"a file may not be read. {self._check()}"
                )
            where = settings.where_to_put(self._source, "bucket_url", *_CREDENTIALS)
            return PullError(
                self._source,
                "credentials",
                f"the object store refuses to list or read. {where} They need s3:ListBucket and "
                "s3:GetObject.",
            )
        if not _is_passing(problem):
            return problem
        if isinstance(problem, OSError) and problem.errno == errno.EBUSY:
            return PullError(
                self._source,
                "rate_limited",
                "the object store keeps asking to slow down. Pull again later.",
            )
        return PullError(
            self._source,
            "unreachable",
            f"the object store did not answer in {self._attempts} attempts "
            f"(last: {type(problem).__name__}). {self._check()}",
        )


def kind_of(path: Path) -> str:
    """gzip, zip, parquet or avro by the first bytes of a file, empty for anything else.

    Names and headers lie: files called .gz may come unpacked, and the other way round.
    """
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "")


def unpack(path: Path, to: Path) -> bool:
    """Moves a file to `to`, unzipped when it is gzip; False when it is broken or cut off."""
    if kind_of(path) != "gzip":
        path.replace(to)
        return True
    try:
        with gzip.open(path) as packed, to.open("wb") as file:
            shutil.copyfileobj(packed, file, CHUNK_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        to.unlink(missing_ok=True)
        return False
    path.unlink()
    return True


def _is_passing(problem: BaseException) -> bool:
    """Whether the same call may work a moment later."""
    lasting = (FileNotFoundError, NotADirectoryError, PermissionError, ImportError, TypeError)
    if isinstance(problem, lasting) or "Credentials" in type(problem).__name__:
        return False
    return getattr(problem, "errno", None) != errno.ENOSPC


def _etag(found: dict[str, Any]) -> str:
    for name in ("ETag", "etag", "md5Hash", "content_md5"):
        if found.get(name):
            return str(found[name]).strip('"')
    return f"{found['size']}-{found.get('mtime', '')}-{found.get('ino', '')}"


def _modified_at(found: dict[str, Any]) -> datetime:
    raw = next(
        (found[name] for name in ("LastModified", "mtime", "last_modified", "updated")
         if found.get(name)),
        0,
    )  # fmt: skip
    if isinstance(raw, str):
        raw = datetime.fromisoformat(raw)
    if isinstance(raw, datetime):
        return raw if raw.tzinfo else raw.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(raw), UTC)
