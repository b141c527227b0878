"""Mixpanel product analytics: raw events by day, profiles.

Events are exported in ranges of days and stored as the vendor has them, duplicates and all. Devices
send late and identities are merged afterwards, so the last days are pulled again each time and a
day that has changed replaces that day. A range that breaks off is asked for again as a whole: never
a part of a day is kept.
"""

import re
import shutil
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dlt
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from requests import Response

from ingestion import settings
from ingestion.columnar import CutStream, Days, EventFile, save_stream, workbench
from ingestion.errors import PullError
from ingestion.http import Limit, Pace, Vendor, once_more_after
from ingestion.pull import Pull
from ingestion.reading import TYPE_CHANGED_ROWS, TYPE_CHANGED_SHARE
from ingestion.tables import Column, Table, of_kind, texts

SOURCE = "mixpanel"
EXPORT, ENGAGE = "/api/2.0/export", "/api/query/engage"
# 3 exports a second and 60 an hour; a first pull of many years takes longer ranges to stay below.
EXPORTS_PER_SECOND = 2.9
MOST_RANGES = 50
FIRST_RANGE_DAYS = 31
# Fewer and larger files load faster, up to here; this bounds what lies on the disk meanwhile.
EVENTS_PER_RANGE = 400_000
# Unpacking one takes a core less time than typing it, but not by much.
EXPORTS_AHEAD = 2
FASTEST_GROWTH = 3
FIRST_PULL_DAYS = 731
# Reasons that say nothing about types: the event is well formed, its time is not ours to take.
MISDATED = {"time is in the future", "time is not on a day that was asked for"}

EVENTS = Table(
    "events",
    (
        Column("event_date", "date"),
        *texts("event"),
        Column("time", "timestamp"),
        *texts("distinct_id insert_id user_id device_id"),
        Column("processed_at", "timestamp"),
        *texts("group_key"),
        Column("properties", long=True),
    ),
    key=(),
    write="by_day",
    parent="event_date",
)
PROFILES = Table(
    "profiles",
    (
        *texts("distinct_id email first_name last_name"),
        *of_kind("timestamp", "created_at last_seen_at"),
        *texts("group_key"),
        *of_kind("json", "properties"),
    ),
    key=("distinct_id",),
    write="whole",
)
TABLES = (EVENTS, PROFILES)


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Mixpanel, one per table."""
    events = pull.resource(EVENTS, lambda: _Events(pull).files(), in_thread=False)
    if not pull.stored.count(EVENTS.name):
        # Nothing to replace: the files go straight into the table. Should a kill interrupt that,
        # the next pull removes what is there.
        events.apply_hints(write_disposition="append")
    # Profiles first: they come in a thread, while dlt waits for the files of events.
    return [pull.resource(PROFILES, lambda: pull.replacement(PROFILES, _profiles())), events]


class _Events:
    """The files of events that are new or have changed, one per range of days."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._zone = ZoneInfo(settings.option(SOURCE, "project_timezone", "UTC"))
        self._today = pull.now.astimezone(self._zone).date()
        self._client = _client("export_base_url", "https://data.mixpanel.com")
        self._folder = settings.data_dir() / "exports" / SOURCE
        self._load_id = dlt.current.load_package_state()["load_id"]

    def files(self) -> Iterator[Any]:
        """Parquet files for dlt to import, made while the next range is on its way."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            with ThreadPoolExecutor(EXPORTS_AHEAD) as ahead, workbench(self._folder) as connection:
                for days, path, lines in self._exports(ahead):
                    yield from self._import(EventFile(connection, path, days), days, lines)
                    path.unlink()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _exports(self, ahead: ThreadPoolExecutor) -> Iterator[tuple[Days, Path, int]]:
        """Every range of days in turn, its file and how many lines it has, while the next ones are
        on their way. A range holds as many days as come to a good number of events."""
        coming: deque[tuple[Days, Future[tuple[Path, int]]]] = deque()
        first, length = self._first_day(), FIRST_RANGE_DAYS
        while True:
            # The first of them is the one that is being loaded.
            while len(coming) <= EXPORTS_AHEAD and (days := self._range(first, length)):
                coming.append((days, ahead.submit(self._download, days)))
                first = days.last + timedelta(days=1)
            if not coming:
                return
            days, export = coming[0]
            path, lines = export.result()
            growth = min(EVENTS_PER_RANGE / max(lines, 1), FASTEST_GROWTH)
            length = int(((days.last - days.first).days + 1) * growth)
            yield days, path, lines
            coming.popleft()

    def _range(self, first: date, length: int) -> Days | None:
        if first > self._today:
            return None
        shortest = -(-((self._today - self._first_day()).days + 1) // MOST_RANGES)
        last = min(first + timedelta(days=max(length, shortest, 1) - 1), self._today)
        group = settings.option(SOURCE, "group_property", "company_id")
        return Days(first, last, self._zone.key, self._pull.now, group)

    def _first_day(self) -> date:
        through = self._pull.stored.pulled_through()
        if through is None or not self._pull.stored.count(EVENTS.name):
            start = settings.option(SOURCE, "start_date", "")
            if start:
                return date.fromisoformat(start)
            return self._today - timedelta(days=FIRST_PULL_DAYS)
        lookback = timedelta(days=int(settings.option(SOURCE, "lookback_days", "7")))
        return through.astimezone(self._zone).date() - lookback

    def _download(self, days: Days) -> tuple[Path, int]:
        path = self._folder / f"{uuid.uuid4().hex[:16]}.ndjson"
        asked = {
            "from_date": days.first.isoformat(),
            "to_date": days.last.isoformat(),
            "project_id": settings.credential(SOURCE, "project_id"),
        }
        try:
            for attempt in once_more_after(CutStream):
                with attempt, self._client.get(EXPORT, params=asked, stream=True) as answer:
                    lines = save_stream(answer, path)
        except CutStream as problem:
            raise PullError(
                SOURCE,
                "bad_answer",
                f"the export of {days.first} to {days.last} kept breaking off ({problem}).",
            ) from None
        return path, lines

    def _import(self, events: EventFile, days: Days, lines: int) -> Iterator[Any]:
        parquet = self._folder / f"{uuid.uuid4().hex[:16]}.parquet"
        count = events.readable_to(parquet, self._load_id)
        if count < lines:
            self._turn_away(events, lines)
        stored = self._pull.stored.days(EVENTS.name, days.first, days.last)
        new = count
        if stored:
            self._pull.guard(EVENTS.name, sum(one for one, _ in stored.values()), count)
            arrived = events.prints(parquet)
            changed = [day for day, found in arrived.items() if stored.get(day) != found]
            if len(changed) < len(arrived):
                parquet = self._folder / f"{uuid.uuid4().hex[:16]}.parquet"
                count = events.readable_to(parquet, self._load_id, changed)
            new = self._pull.stored.new_among(EVENTS.name, parquet, changed)
        if count:
            self._pull.rows[EVENTS.name] += new
            yield dlt.mark.with_file_import(str(parquet), "parquet", count)

    def _turn_away(self, events: EventFile, lines: int) -> None:
        reasons = events.reasons()
        unreadable = {why: many for why, many in reasons.items() if why not in MISDATED}
        many = sum(unreadable.values())
        if lines >= TYPE_CHANGED_ROWS and many > TYPE_CHANGED_SHARE * lines:
            raise PullError(
                SOURCE,
                "type_changed",
                f"{many} of {lines} events could not be read (mostly: "
                f"{max(unreadable, key=lambda why: unreadable[why])}). The vendor has changed its "
                "export; nothing was loaded. Adapt ingestion/columnar.py, then pull again.",
            )
        for rejects in events.rejects(EVENTS.name):
            self._pull.reject(rejects)


def _profiles() -> Iterator[Any]:
    """All user profiles, page after page of one session."""
    client = _client("query_base_url", "https://mixpanel.com")
    group = settings.option(SOURCE, "group_property", "company_id")
    zone = ZoneInfo(settings.option(SOURCE, "project_timezone", "UTC"))
    project = {"project_id": settings.credential(SOURCE, "project_id")}
    form: dict[str, str] = {}
    while True:
        page = client.post(ENGAGE, params=project, data=form).json()
        results = page.get("results") or []
        yield from (_profile(one, group, zone) for one in results)
        if len(results) < int(page["page_size"]):
            return
        form = {"session_id": str(page["session_id"]), "page": str(int(page["page"]) + 1)}


def _profile(record: Any, group: str, zone: ZoneInfo) -> Any:
    if not isinstance(record, dict) or not isinstance(record.get("$properties"), dict):
        return record
    members = record["$properties"]
    groups = members.get(group)
    return {
        "distinct_id": record.get("$distinct_id"),
        "email": members.get("$email"),
        "first_name": members.get("$first_name"),
        "last_name": members.get("$last_name"),
        "created_at": _in_zone(members.get("$created"), zone),
        "last_seen_at": _in_zone(members.get("$last_seen"), zone),
        "group_key": groups[0] if isinstance(groups, list) and groups else groups,
        "properties": members,
    }


def _in_zone(raw: Any, zone: ZoneInfo) -> Any:
    """Profiles carry the wall clock of the project, without saying so."""
    try:
        moment = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        return raw
    return raw if moment.tzinfo else moment.replace(tzinfo=zone).isoformat()


def _client(key: str, default: str) -> RESTClient:
    return Vendor(
        SOURCE,
        settings.option(SOURCE, key, default),
        HttpBasicAuth(
            settings.credential(SOURCE, "service_account"),
            settings.credential(SOURCE, "service_secret"),
        ),
        Limit(_wait, give_up_after=3900),
        headers={"Accept-Encoding": "gzip"},
        paces={EXPORT: Pace(EXPORTS_PER_SECOND)},
    ).client()


def _wait(response: Response, attempt: int) -> float:
    """Mixpanel gives no Retry-After, but says how much of each limit is used, as in "61/60 queries
    running in the last hour". That hour slides, so a slot may be free within a minute; any other
    limit passes sooner."""
    hourly = re.search(r"(\d+)/(\d+) queries running in the last hour", response.text)
    if hourly and int(hourly[1]) > int(hourly[2]):
        return 60.0
    return min(2.0**attempt, 60.0)
