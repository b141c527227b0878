"""Delighted: what people answered to NPS and CSAT surveys, with the person who answered.

Responses are asked for in the order of their last change, from the newest that is stored, less an
overlap. Page numbers shift when a response changes while they are read, so each page is followed by
the first page from the last change that it showed; numbers are counted on only inside one second
that fills a page. Nothing tells of deleted responses: once a week everything is listed, and a
response that is no longer there keeps its row, with `deleted` true.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response
from requests.auth import HTTPBasicAuth

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Limit, Vendor
from ingestion.pull import Pull
from ingestion.tables import Column, Table, of_kind, texts
from ingestion.values import MILLISECONDS_FROM

__all__ = ["TABLES", "resources"]

SOURCE = "delighted"
PAGE = 100
OVERLAP = timedelta(minutes=10)
LIST_EVERYTHING_DAYS = 7

SURVEY_RESPONSES = Table(
    "survey_responses",
    (
        *texts("id person__id person__email person__name survey_type"),
        Column("score", "bigint"),
        *texts("comment permalink account_key"),
        *of_kind("timestamp", "created_at updated_at"),
        *of_kind("json", "person_properties notes tags additional_answers"),
        Column("deleted", "bool"),
    ),
    key=("id",),
    updated="updated_at",
)
TABLES = (SURVEY_RESPONSES,)


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Delighted, one per table."""
    return [pull.resource(SURVEY_RESPONSES, lambda: _rows(pull))]


def _rows(pull: Pull) -> Iterator[pa.Table]:
    since, through = _newest_stored(pull), pull.stored.pulled_through()
    account_property = settings.option(SOURCE, "account_property", "customer_id")
    everything = since is None or through is None or _week(through) != _week(pull.now)
    seen: set[str] = set()

    def noting() -> Iterator[Any]:
        start = 0 if everything or since is None else int((since - OVERLAP).timestamp())
        for record in _changed_since(start):
            if isinstance(record, dict):
                seen.add(str(record.get("id")).strip())
            yield _shape(record, account_property)

    yield from pull.changes(SURVEY_RESPONSES, noting())
    if everything:
        stored = f"{pull.stored.relation(SURVEY_RESPONSES.name)} where deleted is not true"
        known = {row[0] for row in pull.stored.rows(f"select id from {stored}")}
        pull.guard(SURVEY_RESPONSES.name, len(known), len(known & seen))
        yield from pull.marked(SURVEY_RESPONSES, sorted(known - seen), {"deleted": True})


def _week(moment: datetime) -> int:
    return int(moment.timestamp()) // (LIST_EVERYTHING_DAYS * 86_400)


def _newest_stored(pull: Pull) -> Any:
    # A response dated in the future would hide every later change of the others.
    sql = f"select max(updated_at) from {pull.stored.relation(SURVEY_RESPONSES.name)}"
    return pull.stored.rows(f"{sql} where updated_at <= ?", pull.now)[0][0]


def _changed_since(start: int) -> Iterator[Any]:
    """Every response that changed at `start` (epoch seconds) or later, each version once."""
    given: set[int] = set()
    asked = {
        "per_page": PAGE,
        "page": 1,
        "updated_since": start,
        "order": "asc:updated_at",
        "expand[]": "person",
    }
    for page in _client().paginate(
        "/v1/survey_responses.json",
        params=asked,
        paginator=_FromLastChange(start),
        data_selector="$",
    ):
        for record in page:
            # One without an id is known by all that it says.
            fingerprint = hash(repr(record))
            if fingerprint not in given:
                given.add(fingerprint)
                yield record


class _FromLastChange(BasePaginator):
    """Goes on from the last change that a page showed, or where one second fills it, page by page.

    A second that took several pages is read again until a reading shows nothing new: what left it
    meanwhile has moved the others up by a place, maybe from a page to come to one that was read.
    It ends with a page that has no row.
    """

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start, self._page = start, 1
        self._seen: set[str] = set()
        self._before: set[str] = set()
        self._found_more = False

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        rows = [row for row in data or [] if isinstance(row, dict)]
        ids = {str(row.get("id")) for row in rows}
        if ids and self._page > 1 and ids == self._before:
            raise PullError(SOURCE, "bad_answer", "the list keeps giving the same page.")
        self._before = ids
        self._found_more |= self._page > 1 and not ids <= self._seen
        self._seen |= ids
        last = max(map(_changed_at, rows), default=0)
        if data and last - 1 <= self._start:
            self._page += 1
        elif self._page > 1 and self._found_more:
            self._page, self._found_more = 1, False
        elif data:
            # A second less, for whoever does not count the second itself as being since then.
            self._start, self._page = last - 1, 1
        else:
            self._has_next_page = False

    def update_request(self, request: Request) -> None:
        request.params |= {"updated_since": self._start, "page": self._page}


def _changed_at(row: dict[str, Any]) -> int:
    at = row.get("updated_at")
    return at if isinstance(at, int) and at < MILLISECONDS_FROM else 0


def _shape(record: Any, account_property: str) -> Any:
    """A response with its person as an object, without the phone number, and its account's key."""
    if not isinstance(record, dict):
        return record
    person, given = record.get("person"), record.get("person_properties")
    if isinstance(person, dict):
        kept = ("id", "email", "name")
        person = {name: value for name, value in person.items() if name in kept}
    else:
        person = {"id": person}
    account = given.get(account_property) if isinstance(given, dict) else None
    return {**record, "person": person, "account_key": account}


def _client() -> RESTClient:
    return Vendor(
        SOURCE,
        settings.option(SOURCE, "base_url", "https://api.delighted.com"),
        HTTPBasicAuth(settings.credential(SOURCE, "api_key"), ""),
        Limit(lambda _, attempt: min(2.0**attempt, 60.0), give_up_after=300),
        headers={"Accept": "application/json"},
    ).client()
