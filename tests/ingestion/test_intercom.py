"""Intercom: days in another zone, the scroll, people who vanish, and what is not stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from requests import Response

from ingestion import pipeline, settings
from ingestion.errors import PullError
from ingestion.pipeline import PullResult
from ingestion.sources import intercom_api
from ingestion.sources.intercom_api import Api
from sandbox import Sandbox
from sandbox.vendors.intercom.routes import Intercom
from sandbox.vendors.intercom.scroll import PAGE as SCROLL_PAGE
from sandbox.vendors.intercom.scroll import Scrolls
from sandbox.vendors.intercom.search import Search
from tests.ingestion.acceptance.intercom import CHANNELS, a_contact, a_conversation
from tests.ingestion.support import contents, query, small_world

NAMES = [f"c{number:02}" for number in range(13)]


def intercom(**options: Any) -> Sandbox:
    """The small world behind Intercom alone."""
    given = {"channels": CHANNELS, "one_scroll": False, **options}
    return small_world(vendors=["intercom"], options={"intercom": given})


def epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def a_company(identity: str) -> dict[str, Any]:
    return {"type": "company", "id": identity, "company_id": f"p-{identity}"}


# ---- calls ----


@pytest.fixture(scope="module")
def calls() -> Iterator[Sandbox]:
    """A world that is asked and not pulled, with three pages of companies."""
    with intercom(one_scroll=True) as box:
        for number in range(2 * SCROLL_PAGE):
            box.put("intercom", "companies", a_company(f"c{number}"))
        yield box


@pytest.fixture
def api(calls: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The calls to it."""
    for name, value in calls.environment().items():
        monkeypatch.setenv(name, value)
    calls.requests.clear()
    yield Api()
    calls.clear_faults()
    calls._services["intercom"]._scrolls.lose()  # type: ignore[attr-defined]


def test_the_version_is_asked_for_by_name(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    answer = Intercom.refuse

    def noting(self: Intercom, request: Any) -> Any:
        seen.add(request.headers.get("intercom-version"))
        return answer(self, request)

    monkeypatch.setattr(Intercom, "refuse", noting)
    assert list(api.admins())
    assert seen == {"2.16"}


def test_a_scroll_that_breaks_begins_from_the_start_and_tells_each_company_once(
    api: Api, calls: Sandbox
) -> None:
    shown = len(calls._services["intercom"]._store.all("companies"))  # type: ignore[attr-defined]
    calls.fault("intercom", "scroll_lost", times=1, path="scroll_param")
    found = [record["id"] for record in api.companies()]
    assert len(found) == len(set(found)) == shown > 2 * SCROLL_PAGE
    paths = [call.path for call in calls.requests]
    assert [path for path in paths if "scroll_param" not in path] == ["/companies/scroll"] * 2
    # To ask again under the lost name would have given the page behind the lost one.
    assert [paths.count(path) for path in dict.fromkeys(paths)] == [2, 1, 3]


def test_an_answer_of_the_scroll_that_is_cut_is_not_asked_for_again(
    api: Api, calls: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Scrolls.begin

    def after_a_minute(self: Scrolls, some: list[Any]) -> Any:
        self.lose()
        return begin(self, some)

    monkeypatch.setattr(Scrolls, "begin", after_a_minute)
    calls.fault("intercom", "cut_stream", times=1, path="scroll_param")
    found = {record["id"] for record in api.companies()}
    assert {f"c{number}" for number in range(2 * SCROLL_PAGE)} <= found
    assert sum("scroll_param" not in call.path for call in calls.requests) == 2


def test_a_scroll_that_breaks_each_time_stops_the_source(api: Api, calls: Sandbox) -> None:
    calls.fault("intercom", "scroll_lost", times=None)
    with pytest.raises(PullError, match="/companies/scroll breaks off") as stopped:
        list(api.companies())
    assert stopped.value.kind == "unreachable"
    assert len(calls.requests) == 5


def test_a_scroll_that_somebody_left_open_is_waited_for(
    api: Api, calls: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, tried = Scrolls.begin, []
    calls._services["intercom"]._scrolls.begin([{}])  # type: ignore[attr-defined]

    def busy(self: Scrolls, some: list[Any]) -> Any:
        tried.append(len(some))
        if len(tried) == 3:
            self.lose()
        return begin(self, some)

    monkeypatch.setattr(Scrolls, "begin", busy)
    assert list(api.companies())
    begun = [call.status for call in calls.requests if "scroll_param" not in call.path]
    assert begun == [400, 400, 200]


def test_a_merged_contact_tells_what_it_became(
    api: Api, calls: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.put("intercom", "contact_merges", {"id": "one", "into": "other"})
    assert api.one("contacts", "one") == "other"
    assert api.one("contacts", "nobody") is None
    monkeypatch.setattr(intercom_api, "_CANONICAL", re.compile("never"))
    with pytest.raises(PullError, match="what a merged one became"):
        api.one("contacts", "one")


def answer(status: int, **headers: str) -> Response:
    response = Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def test_waits_end_with_the_window_by_the_vendors_own_clock() -> None:
    date = "Sun, 22 Nov 2026 12:00:03 GMT"
    ends = str(epoch(datetime(2026, 11, 22, 12, 0, 10, tzinfo=UTC)))
    assert intercom_api._wait(answer(429, Date=date, X_RateLimit_Reset=ends), 1) == 7
    past = str(int(ends) - 60)
    assert intercom_api._wait(answer(429, Date=date, X_RateLimit_Reset=past), 1) == 1
    assert intercom_api._wait(answer(429, Date=date), 1) == 10
    assert intercom_api._wait(answer(429, Date=date, X_RateLimit_Reset="soon"), 1) == 10
    assert intercom_api._wait(answer(400), 1) == 20


def test_a_workspace_without_a_subscription_is_told_from_a_token_without_a_permission() -> None:
    refused = answer(403)
    refused._content = b'{"errors": [{"code": "api_plan_restricted"}]}'
    meaning = intercom_api._meaning(refused)
    assert isinstance(meaning, PullError)
    assert "no active subscription" in str(meaning)
    refused._content = b'{"errors": [{"code": "forbidden"}]}'
    assert intercom_api._meaning(refused) is None


# ---- pulls, one after the other ----

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("conversations", {"id": "rated", "conversation_rating": {"rating": "good"}},
     "conversation_rating__rating is not a whole number"),
    ("conversations", {"id": "no day", "created_at": "2026-02-30"}, "created_at is not a date"),
    ("conversations", {"id": ""}, "id is a key and is missing"),
    ("contacts", {"id": "flag", "has_hard_bounced": "maybe"},
     "has_hard_bounced is neither true nor false"),
    ("companies", {"id": "size", "size": "50-100"}, "size is not a whole number"),
]  # fmt: skip


@dataclass
class Story:
    """What was in raw after each step, and what each pull said."""

    box: Sandbox
    results: dict[str, PullResult] = field(default_factory=dict)
    raw: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)
    someone: str = ""
    last_of: tuple[str, str] = ("", "")
    disbelieved: PullError | None = None
    unharmed: bool = False

    def pull(self, step: str) -> None:
        """Pulls and remembers."""
        self.box.requests.clear()
        self.results[step] = pipeline.pull("intercom")
        self.calls[step] = [call.path for call in self.box.requests]
        with duckdb.connect(settings.raw_database("intercom"), read_only=True) as connection:
            connection.execute("use raw_intercom.raw_intercom")
            connection.execute("set TimeZone = 'UTC'")
            self.raw[step] = {
                table: _rows(connection.execute(f"select * from {table}"))
                for table in pipeline.table_names("intercom")
            }

    def found(self, step: str, table: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a table after a step that have these values."""
        return [row for row in self.raw[step][table] if values.items() <= row.items()]


def _rows(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A small world in which what is new cannot be searched for within ten minutes."""
    with pytest.MonkeyPatch.context() as patch, intercom(search_lag_seconds=600) as box:
        patch.setenv("C360_DATA_DIR", str(tmp_path_factory.mktemp("intercom") / "data"))
        patch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.0005")

        def to_the_clock() -> None:
            for name, value in box.environment().items():
                patch.setenv(name, value)

        to_the_clock()
        told = Story(box)
        told.pull("first")
        _first_changes(told)
        told.pull("changed")
        _second_changes(told)
        box.advance(hours=1)
        to_the_clock()
        told.pull("merged")
        told.pull("again")
        before = contents("intercom")
        box.fault("intercom", "empty_page", times=None, path="/contacts/search")
        with pytest.raises(PullError) as stopped:
            pipeline.pull("intercom")
        told.disbelieved, told.unharmed = stopped.value, contents("intercom") == before
        box.clear_faults()
        _paged(told, to_the_clock)
        yield told


def _paged(told: Story, to_the_clock: Callable[[], None]) -> None:
    """Two rows are updated while the second of four pages is asked for."""
    box, page, moved = told.box, Search.page, []
    box.advance(hours=2)
    began = epoch(box.now)
    for number in range(450):
        one = a_conversation(f"p{number:03}", began - 900 + number)
        box.put("intercom", "conversations", one)
    to_the_clock()

    def moving(self: Search, body: Any) -> Any:
        found = page(self, body)
        if "pagination" in body and self._kind == "conversations" and not moved:
            box.advance(hours=1)
            for identity in ("p000", "p400"):
                moved.append(identity)
                one = a_conversation(identity, epoch(box.now)) | {"state": "closed"}
                box.put("intercom", "conversations", one)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "page", moving)
        told.pull("while paging")
    to_the_clock()
    told.pull("after paging")


def _first_changes(told: Story) -> None:
    box, now = told.box, epoch(told.box.now)
    before = now - 3600
    (newest,) = query("intercom", "select max(updated_at) from contacts")[0]
    day_before = epoch(newest - timedelta(hours=23))
    told.someone = next(
        row["id"]
        for row in told.found("first", "contacts", gone=None)
        if epoch(row["updated_at"]) < day_before
    )
    record = box.record("intercom", "contacts", told.someone)
    box.put("intercom", "contacts", record | {"name": "Changed", "updated_at": day_before})
    company, contact = query(
        "intercom",
        f"""select company_id, min(contact_id) from contact_companies
        group by 1 having count(*) = 1 and min(contact_id) <> '{told.someone}' order by 1""",
    )[0]
    told.last_of = (company, contact)
    box.remove("intercom", "contacts", told.last_of[1])
    for name in NAMES:
        box.put("intercom", "companies", a_company(name))
    box.put("intercom", "contacts", a_contact("consultant", before, *NAMES))
    for one in ("lead", "user"):
        box.put("intercom", "contacts", a_contact(one, before))
    box.put("intercom", "contacts", a_contact("new", now))
    for talk, contact in (("talk", "lead"), ("first words", "new")):
        box.put("intercom", "conversations", a_conversation(talk, now, contact))
    for kind, change, _ in BAD:
        usual = a_conversation("", now) if kind == "conversations" else a_contact("", before)
        box.put("intercom", kind, usual | change)
    odd = a_conversation("odd", now) | {"source": "text", "statistics": None, "priority": 7}
    odd |= {"contacts": {"contacts": ["x", {"id": None}, {"id": "stranger"}]}}
    box.put("intercom", "conversations", odd | {"created_at": (now - 60) * 1000})


def _second_changes(told: Story) -> None:
    box, now = told.box, epoch(told.box.now)
    box.put("intercom", "contacts", a_contact("consultant", now - 3500, *NAMES[1:]))
    for one, into in (("lead", "between"), ("between", "user")):
        box.put("intercom", "contact_merges", {"id": one, "into": into})
    box.put("intercom", "conversations", a_conversation("talk", now + 60, "user"))


def test_rows_carry_what_the_vendor_shows_and_nothing_that_people_wrote(story: Story) -> None:
    texts = 0
    for row in story.raw["first"]["conversations"]:
        record = story.box.record("intercom", "conversations", row["id"])
        if not record or record["updated_at"] > row["updated_at"].timestamp():
            continue
        assert (row["state"], row["priority"]) == (record["state"], record["priority"])
        assert row["author_email"] == record["source"]["author"]["email"]
        rating = record["conversation_rating"] or {}
        assert row["conversation_rating__rating"] == rating.get("rating")
        assert row["statistics__count_reopens"] == record["statistics"]["count_reopens"]
        assert record["source"]["body"] not in repr(row)
        texts += 1
    assert texts > 20


def test_a_contact_that_changed_the_day_before_the_newest_one_is_found(story: Story) -> None:
    (row,) = story.found("changed", "contacts", id=story.someone)
    assert row["name"] == "Changed"


def test_a_company_that_lost_its_last_contact_is_not_deleted(story: Story) -> None:
    company, contact = story.last_of
    (row,) = story.found("changed", "companies", id=company)
    assert (row["deleted"], row["user_count"]) == (None, 0)
    assert story.found("changed", "contacts", id=contact)[0]["gone"] == "deleted"


def test_more_companies_than_stand_inside_a_contact_are_listed_and_one_left_is_marked(
    story: Story,
) -> None:
    before, after = (
        {
            row["company_id"]: row["removed"]
            for row in story.found(step, "contact_companies", contact_id="consultant")
        }
        for step in ("changed", "merged")
    )
    assert before == dict.fromkeys(NAMES)
    assert after == {**dict.fromkeys(NAMES), NAMES[0]: True}


def test_a_merged_contact_keeps_its_row_and_its_conversation_passes_to_the_survivor(
    story: Story,
) -> None:
    assert story.found("changed", "contacts", id="lead", gone=None)
    (row,) = story.found("merged", "contacts", id="lead")
    assert (row["gone"], row["merged_into"], row["email"]) == ("merged", "user", "lead@put.example")
    pairs = story.found("merged", "conversation_contacts", conversation_id="talk")
    found = {row["contact_id"]: row["removed"] for row in pairs}
    assert found == {"lead": True, "user": None}


def test_a_new_contact_that_search_does_not_show_yet_is_read_from_its_conversation(
    story: Story,
) -> None:
    for step in ("changed", "merged"):
        (row,) = story.found(step, "contacts", id="new")
        assert (row["gone"], row["email"]) == (None, "new@put.example")


def test_somebody_whom_only_a_conversation_names_and_nobody_knows_is_asked_for_once(
    story: Story,
) -> None:
    assert story.found("changed", "contacts", id="stranger", gone="deleted")
    assert story.calls["changed"].count("/contacts/stranger") == 1
    assert "/contacts/stranger" not in story.calls["merged"]


def test_what_cannot_be_read_goes_to_quarantine_and_the_rest_arrives(story: Story) -> None:
    assert story.results["changed"].rejected == {
        "companies": 1, "contacts": 1, "conversation_contacts": 2, "conversations": 3,
    }  # fmt: skip
    reasons = [row["reason"] for row in story.raw["changed"]["quarantine"]]
    for _, _, reason in BAD:
        assert any(found.startswith(reason) for found in reasons), reason
    (row,) = story.found("changed", "conversations", id="odd")
    assert row["updated_at"] - row["created_at"] == timedelta(seconds=60)
    assert row["priority"] == "7"


def test_a_pull_that_finds_nothing_new_counts_the_contacts_and_lists_none(story: Story) -> None:
    assert story.results["again"].rows == {}
    # What changed, and how many there are: those in quarantine are not missed.
    assert story.calls["again"].count("/contacts/search") == 2


def test_paging_while_rows_change_under_it_loses_none(story: Story) -> None:
    found = [
        row for row in story.raw["after paging"]["conversations"] if re.match(r"p\d+$", row["id"])
    ]
    assert len(found) == 450
    assert {row["id"] for row in found if row["state"] == "closed"} == {"p000", "p400"}
    # The second one had moved out of the window before its page came.
    assert not story.found("while paging", "conversations", id="p400")


def test_a_search_that_finds_nobody_any_more_is_not_believed(story: Story) -> None:
    assert story.disbelieved is not None
    assert story.disbelieved.kind == "shrunk"
    assert story.unharmed
