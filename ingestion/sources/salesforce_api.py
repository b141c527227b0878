"""The calls to Salesforce, in its words: queries page by page, what was deleted, what there is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from dlt.sources.helpers.rest_client import RESTClient
from requests import Response

from ingestion import settings
from ingestion.errors import PullError
from ingestion.http import Vendor
from ingestion.settings import where_to_put
from ingestion.sources.salesforce_login import (
    LIMIT,
    SOURCE,
    Login,
    errors_of,
    is_daily,
    is_over_limit,
)

API_VERSION = "67.0"
# The vendor takes 16,384 bytes of address and headers; what is longer can only be a bulk job.
LONGEST_QUERY = 12_000
# So far back the vendor tells of what was deleted.
DELETED_DAYS = 30
_WINDOW = "%Y-%m-%dT%H:%M:%S+00:00"


class NotThisWay(PullError):
    """A query that has to be asked otherwise: `again` behind the last row, or by a bulk job."""

    def __init__(self, way: Literal["again", "bulk"], message: str) -> None:
        super().__init__(SOURCE, "bad_answer", message)
        self.way = way


class _TooLongAgo(PullError):
    """A window of deletions that begins before those that the vendor still knows."""


class Api:
    """One organisation. Safe to be shared by threads."""

    def __init__(self) -> None:
        self._login = Login()
        version = settings.option(SOURCE, "api_version", API_VERSION)
        self.data = f"/services/data/v{version}"
        self.client: RESTClient = Vendor(
            SOURCE,
            self._login.url,
            self._login,
            LIMIT,
            meaning=_meaning,
            renew=self._login.renew,
        ).client()

    def fields(self, name: str) -> dict[str, str]:
        """The fields of an object that the user may see, with their types."""
        answer = self.client.get(f"{self.data}/sobjects/{name}/describe")
        if answer.status_code == 404:
            raise PullError(
                SOURCE,
                "credentials",
                f"the user may not read {name}. Give it the permission, or name {name} under "
                "leave_out in [sources.salesforce] of .dlt/config.toml.",
            )
        found = answer.json().get("fields")
        if not found:
            raise PullError(SOURCE, "bad_answer", f"describe of {name} names no fields.")
        return {str(field["name"]): str(field["type"]) for field in found}

    def count(self, name: str, where: str) -> int:
        """How many records there are, with deleted and archived ones where `where` lets them."""
        query = f"SELECT COUNT() FROM {name} WHERE {where}"
        return int(self._asked(query).get("totalSize", 0))

    def pages(self, query: str) -> Iterator[tuple[int, list[Any]]]:
        """Pages of a query over all records, deleted and archived ones too, each with the total.

        Raises NotThisWay when the rest has to be asked otherwise.
        """
        if too_long(query):
            raise NotThisWay("bulk", "a query is too long for an address.")
        page = self._asked(query)
        been: set[str] = set()
        while True:
            yield int(page.get("totalSize", 0)), page.get("records") or []
            following = page.get("nextRecordsUrl")
            if page.get("done") is not False or not following:
                return
            if following in been:
                raise PullError(SOURCE, "bad_answer", "the pages of a query lead in a circle.")
            been.add(following)
            page = self.client.get(following).json()

    def deleted(self, name: str, start: datetime, end: datetime) -> list[tuple[str, str]]:
        """(id, when) of the records deleted between two moments in UTC, softly or for good; none
        when that is longer ago than the vendor remembers."""
        window = {"start": f"{start:{_WINDOW}}", "end": f"{end:{_WINDOW}}"}
        try:
            page = self.client.get(f"{self.data}/sobjects/{name}/deleted/", params=window).json()
        except _TooLongAgo:
            return []
        listed = page.get("deletedRecords") or []
        return [(str(one.get("id")), str(one.get("deletedDate"))) for one in listed]

    def _asked(self, query: str) -> dict[str, Any]:
        answer = self.client.get(f"{self.data}/queryAll", params={"q": query})
        found: dict[str, Any] = answer.json()
        return found


def too_long(query: str) -> bool:
    """Whether a query does not fit into an address."""
    return len(quote(query)) > LONGEST_QUERY


def literal(moment: datetime) -> str:
    """A moment as queries write it, to the millisecond."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def following(query: Callable[[str], str], record: Any) -> str:
    """The query for what stands behind `record` in the order of change and id."""
    stamp, key = str(record["SystemModstamp"]), str(record["Id"])
    moment = literal(datetime.fromisoformat(stamp))
    return query(
        f"(SystemModstamp > {moment} OR (SystemModstamp = {moment} AND Id > '{quoted(key)}'))"
    )


def quoted(text: str) -> str:
    """`text` as it may stand between quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _meaning(answer: Response) -> PullError | Literal["wait"] | None:
    codes = {str(one.get("errorCode")) for one in errors_of(answer)}
    if is_over_limit(answer):
        if not is_daily(answer):
            return "wait"
        return PullError(
            SOURCE,
            "rate_limited",
            "the organisation has used up its API calls of the last 24 hours. Pull again later, "
            "ask what else uses them (Setup > Company Information), or have the limit raised.",
        )
    if "API_DISABLED_FOR_ORG" in codes or "API_CURRENTLY_DISABLED" in codes:
        return PullError(
            SOURCE,
            "credentials",
            "the edition of the organisation, or the profile of the user, does not include the "
            f"API. {where_to_put(SOURCE)}",
        )
    if "INVALID_QUERY_LOCATOR" in codes:
        return NotThisWay("again", "a query was forgotten while its pages were read.")
    if "INVALID_REPLICATION_DATE" in codes:
        return _TooLongAgo(SOURCE, "bad_answer", "a window of deletions is too long ago.")
    if "QUERY_TIMEOUT" in codes or answer.status_code in (414, 431):
        return NotThisWay("bulk", "a query was too large.")
    return None
