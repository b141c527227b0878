"""Intercom's protocol: shapes, searches, the scroll, merged contacts, limits, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.vendors.intercom import routes, scroll
from sandbox.vendors.intercom.scroll import PAGE
from tests.sandbox import intercom_shapes as shapes
from tests.sandbox.conftest import NOW

CHANNELS = ("email", "web", "chat")
SORTED = {"field": "updated_at", "order": "ascending"}
EVERYTHING = {"field": "updated_at", "operator": ">", "value": 0}


class Workspace:
    """Calls one sandbox with its token."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        env = box.environment()
        self.base = env["SOURCES__INTERCOM__BASE_URL"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {env['SOURCES__INTERCOM__ACCESS_TOKEN']}"

    def get(self, path: str) -> requests.Response:
        """Call a path or a whole address."""
        url = path if path.startswith("http") else self.base + path
        return self.session.get(url, timeout=30)

    def post(self, path: str, body: Any) -> requests.Response:
        """Call a path with a body."""
        return self.session.post(self.base + path, json=body, timeout=30)

    def search(self, kind: str, query: Any, size: int = 150) -> list[Any]:
        """Follow a search to its end."""
        found: list[Any] = []
        pagination: dict[str, Any] = {"per_page": size}
        while True:
            body = {"query": query, "sort": SORTED, "pagination": pagination}
            answer = self.post(f"/{kind}/search", body)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert shapes.misfits(page["pages"], shapes.PAGES) == []
            rows = page["conversations" if kind == "conversations" else "data"]
            found += rows
            assert len(rows) <= size
            if "next" not in page["pages"]:
                assert page["total_count"] == len(found)
                return found
            pagination = page["pages"]["next"]

    def companies(self) -> list[Any]:
        """Scroll to the end."""
        found: list[Any] = []
        page = self.get("/companies/scroll").json()
        while page["data"]:
            found += page["data"]
            page = self.get(f"/companies/scroll?scroll_param={page['scroll_param']}").json()
        return found


def world(**options: Any) -> Sandbox:
    """A small world behind Intercom alone."""
    given = {"channels": CHANNELS, **options}
    return Sandbox(
        companies=40, months=9, seed=3, now=NOW, vendors=["intercom"], options={"intercom": given}
    )


@pytest.fixture(scope="module")
def shared() -> Iterator[Workspace]:
    """A workspace that nobody changes."""
    with world() as box:
        yield Workspace(box)


@pytest.fixture(scope="module")
def own() -> Iterator[Workspace]:
    """A workspace that tests may add to."""
    with world() as box:
        yield Workspace(box)


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error, which has the vendor's shape."""
    assert shapes.misfits(answer.json(), shapes.ERROR) == []
    return answer.status_code, answer.json()["errors"][0]["code"]


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


# ---- shapes ----


def test_every_record_has_the_keys_and_types_of_the_published_description(
    shared: Workspace,
) -> None:
    deleted = shared.get("/conversations/deleted?per_page=60").json()["conversations"]
    for records, shape in (
        (shared.search("conversations", EVERYTHING), shapes.CONVERSATION),
        (shared.search("contacts", EVERYTHING), shapes.CONTACT),
        (shared.companies(), shapes.COMPANY),
        (shared.get("/admins").json()["admins"], shapes.ADMIN),
        (deleted, shapes.DELETED),
    ):
        assert records
        wrong = [word for record in records for word in shapes.misfits(record, shape)]
        assert wrong == []


def test_a_shape_that_does_not_fit_is_noticed() -> None:
    rating = {"rating": "4", "remark": None, "created_at": True}
    assert shapes.misfits(rating, shapes.RATING, "rating") == [
        "rating.updated_at is missing",
        "rating.contact is missing",
        "rating.teammate is missing",
        "rating.rating is str, not int",
        "rating.created_at is bool, not int",
    ]
    assert shapes.misfits({"state": "gone"}, {"state": shapes.CONVERSATION["state"]}) == [
        ".state is 'gone'"
    ]
    assert shapes.misfits([{"type": "pages"}], [{"type": int}]) == ["[0].type is str, not int"]


def test_single_reads_give_what_searches_give_and_a_conversation_its_parts(
    shared: Workspace,
) -> None:
    for kind in ("contacts", "conversations"):
        record = shared.search(kind, EVERYTHING)[0]
        single = shared.get(f"/{kind}/{record['id']}").json()
        assert single.items() >= record.items()
        assert ("conversation_parts" in single) is (kind == "conversations")
    admin = shared.get("/admins").json()["admins"][0]
    assert shared.get(f"/admins/{admin['id']}").json() == admin
    assert shared.get("/me").json()["app"]["timezone"] == "America/Los_Angeles"


def test_a_conversation_tells_the_life_of_its_ticket(shared: Workspace) -> None:
    now = int(NOW.timestamp())
    shown = {one["id"]: one for one in shared.search("conversations", EVERYTHING)}
    tickets = [one for one in shared.box.world.tickets if one.created <= now]
    assert len(shown) == sum(one.deleted is None or one.deleted > now for one in tickets)
    by_start = {one["created_at"]: one for one in shown.values()}
    states = {"open": "open", "waiting": "snoozed", "solved": "closed"}
    for ticket in tickets:
        record = by_start.get(ticket.created)
        if record is None:
            continue
        assert record["state"] == states[str(ticket.status(now))]
        urgent = ticket.priority(now) in ("high", "urgent")
        assert record["priority"] == ("priority" if urgent else "not_priority")
        first = ticket.first_reply if ticket.first_reply and ticket.first_reply <= now else None
        assert record["statistics"]["first_admin_reply_at"] == first
        reopened = sum(at <= now for at in ticket.reopened)
        assert record["statistics"]["count_reopens"] == reopened
        given = ticket.rating(now)
        rating = record["conversation_rating"] or {}
        assert rating.get("rating") == (given.score if given else None)


def test_by_default_only_chats_come_in_here() -> None:
    with Sandbox(companies=40, months=9, seed=3, now=NOW, vendors=["intercom"]) as box:
        now = int(NOW.timestamp())
        chats = [
            one for one in box.world.tickets
            if one.channel == "chat" and one.created <= now < (one.deleted or now + 1)
        ]  # fmt: skip
        assert len(Workspace(box).search("conversations", EVERYTHING)) == len(chats) > 0


# ---- searches ----


def test_pages_follow_each_other_without_gap_or_repeat(shared: Workspace) -> None:
    for kind, usual in (("contacts", 50), ("conversations", 20)):
        whole = shared.search(kind, EVERYTHING)
        assert shared.search(kind, EVERYTHING, 7) == whole
        stamps = [(one["updated_at"], one["id"]) for one in whole]
        assert stamps == sorted(set(stamps))
        first = shared.post(f"/{kind}/search", {"query": EVERYTHING}).json()
        rows = first["conversations" if kind == "conversations" else "data"]
        assert len(rows) == usual
        assert rows == whole[::-1][:usual], "the newest first unless asked otherwise"


def test_more_rows_of_one_second_than_a_page_holds_all_come(own: Workspace) -> None:
    moment = epoch("2026-11-01T00:00:00")
    for number in range(31):
        own.box.put("intercom", "conversations", {"id": f"s{number}", "updated_at": moment})
    query = {"field": "updated_at", "operator": "=", "value": moment}
    found = own.search("conversations", query, 10)
    assert {one["id"] for one in found} == {f"s{number}" for number in range(31)}


def test_dates_of_contacts_are_days_of_the_workspace_and_those_of_conversations_are_seconds(
    own: Workspace,
) -> None:
    # Midnight in Los Angeles is 07:00 UTC in summer time and 08:00 after 1 November.
    late, early = epoch("2026-11-10T07:59:59"), epoch("2026-11-10T08:00:00")
    for kind in ("contacts", "conversations"):
        for name, stamp in (("late", late), ("early", early)):
            own.box.put("intercom", kind, {"id": f"day {name}", "updated_at": stamp})

    def found(kind: str, operator: str, moment: str) -> set[str]:
        query = {"field": "updated_at", "operator": operator, "value": epoch(moment)}
        return {str(one["id"]) for one in own.search(kind, query)} & {"day late", "day early"}

    assert found("contacts", ">", "2026-11-09T12:00:00") == {"day early"}
    assert found("contacts", ">", "2026-11-10T08:00:00") == set()
    assert found("contacts", "<", "2026-11-10T23:00:00") == {"day late"}
    assert found("contacts", "=", "2026-11-09T20:00:00") == {"day late"}
    assert found("conversations", ">", "2026-11-10T07:59:59") == {"day early"}
    assert found("conversations", ">=", "2026-11-10T07:59:59") == {"day late", "day early"}
    assert found("conversations", "<", "2026-11-10T07:59:59") == set()


def test_filters_nest_and_compare_texts(shared: Workspace) -> None:
    closed = {"field": "state", "operator": "=", "value": "closed"}
    mail = {"field": "source.type", "operator": "=", "value": "email"}
    everything = shared.search("conversations", EVERYTHING)
    both = shared.search("conversations", {"operator": "AND", "value": [closed, mail]})
    either = shared.search("conversations", {"operator": "OR", "value": [closed, mail]})
    fits = [
        (one["state"] == "closed", one["source"]["type"] == "email") for one in everything
    ]  # fmt: skip
    assert 0 < len(both) == sum(all(pair) for pair in fits)
    assert len(both) < len(either) == sum(any(pair) for pair in fits)
    at_acme = {"field": "email", "operator": "$", "value": ".example"}
    assert 0 < len(shared.search("contacts", at_acme)) < len(shared.search("contacts", EVERYTHING))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": {**EVERYTHING, "operator": ">="}},
        {"query": {**EVERYTHING, "value": "yesterday"}},
        {"query": {"operator": "AND", "value": [EVERYTHING] * 16}},
        {"query": {"operator": "AND", "value": [{"operator": "OR", "value": [
            {"operator": "AND", "value": [EVERYTHING]}]}]}},
        {"query": EVERYTHING, "pagination": {"per_page": 151}},
        {"query": EVERYTHING, "pagination": {"starting_after": "nonsense"}},
        {"query": EVERYTHING, "sort": {"field": "name"}},
    ],
)  # fmt: skip
def test_searches_that_the_vendor_refuses(shared: Workspace, body: Any) -> None:
    assert code(shared.post("/contacts/search", body)) == (400, "parameter_invalid")


def test_a_new_contact_cannot_be_found_at_once_where_search_lags() -> None:
    with world(search_lag_seconds=300) as box:
        box.put("intercom", "contacts", {"id": "new"})
        there = Workspace(box)
        newest = {"field": "updated_at", "operator": "=", "value": int(NOW.timestamp())}
        assert "new" not in {one["id"] for one in there.search("contacts", newest)}
        assert there.get("/contacts/new").status_code == 200
        box.advance(hours=0.1)
        assert "new" in {one["id"] for one in there.search("contacts", newest)}


# ---- companies ----


def test_a_scroll_shows_each_company_once_and_ends_with_an_empty_page(own: Workspace) -> None:
    for number in range(PAGE):
        own.box.put("intercom", "companies", {"id": f"c{number}", "user_count": 1})
    found = [one["id"] for one in own.companies()]
    assert len(found) == len(set(found)) > PAGE


def test_one_scroll_is_open_at_a_time_until_it_is_forgotten(
    own: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(scroll, "monotonic", lambda: clock[0])
    name = own.get("/companies/scroll").json()["scroll_param"]
    assert code(own.get("/companies/scroll")) == (400, "scroll_exists")
    clock[0] += 59
    assert code(own.get("/companies/scroll")) == (400, "scroll_exists")
    clock[0] += 2
    assert code(own.get(f"/companies/scroll?scroll_param={name}")) == (404, "not_found")
    assert own.companies()


def test_a_scroll_that_is_lost_has_to_begin_again(own: Workspace) -> None:
    name = own.get("/companies/scroll").json()["scroll_param"]
    own.box.fault("intercom", "scroll_lost")
    lost = own.get(f"/companies/scroll?scroll_param={name}")
    assert code(lost) == (500, "server_error")
    assert "Please restart the scroll operation" in lost.json()["errors"][0]["message"]
    assert code(own.get(f"/companies/scroll?scroll_param={name}")) == (404, "not_found")
    assert own.companies()


def test_companies_without_contacts_are_in_no_list_and_can_be_read(own: Workspace) -> None:
    by_company: dict[str, list[str]] = {}
    for contact in own.search("contacts", EVERYTHING):
        for company in contact.get("companies", {}).get("data", ()):
            by_company.setdefault(company["id"], []).append(contact["id"])
    company, (contact,) = next(one for one in by_company.items() if len(one[1]) == 1)
    assert own.get(f"/companies/{company}/contacts").json()["total_count"] == 1
    own.box.remove("intercom", "contacts", contact)
    assert company not in {one["id"] for one in own.companies()}
    assert own.get(f"/companies/{company}").json()["user_count"] == 0
    truth = own.box.truth.who_is_who
    assert truth[truth["id"] == company]["state"].tolist() == ["gone"]
    assert code(own.get("/companies/nobody")) == (404, "company_not_found")


def test_the_numbered_list_of_companies_ends_at_ten_thousand(shared: Workspace) -> None:
    first = shared.post("/companies/list?per_page=7", None).json()
    assert len(first["data"]) == 7
    assert "page=2" in first["pages"]["next"]
    far = shared.post("/companies/list?page=167&per_page=60", None)
    assert code(far) == (400, "page_limit_reached")


def test_a_contact_shows_ten_companies_and_the_others_in_a_list_of_their_own(
    own: Workspace,
) -> None:
    names = [f"firm{number:02}" for number in range(12)]
    for name in names:
        own.box.put("intercom", "companies", {"id": name})
    listed = {"data": [{"id": name} for name in names]}
    own.box.put("intercom", "contacts", {"id": "consultant", "companies": listed})
    inside = own.get("/contacts/consultant").json()["companies"]
    assert shapes.misfits(inside, shapes.ADDRESSABLE) == []
    assert (len(inside["data"]), inside["total_count"], inside["has_more"]) == (10, 12, True)
    first = own.get("/contacts/consultant/companies?per_page=8").json()
    second = own.get(first["pages"]["next"]).json()
    assert [one["id"] for one in first["data"] + second["data"]] == names


# ---- who is gone ----


def test_a_merged_contact_is_gone_and_leads_to_the_last_survivor(own: Workspace) -> None:
    for one in ("lead", "middle", "user"):
        own.box.put("intercom", "contacts", {"id": one})
    for one, into in (("lead", "middle"), ("middle", "user")):
        own.box.put("intercom", "contact_merges", {"id": one, "into": into})
    answer = own.get("/contacts/lead")
    assert code(answer) == (410, "contact_merged")
    assert answer.headers["Link"] == '</contacts/user>; rel="canonical"'
    assert not {"lead", "middle"} & {one["id"] for one in own.search("contacts", EVERYTHING)}
    survivor = own.get("/contacts/user?include_merge_history=true").json()
    assert [one["source_contact_id"] for one in survivor["merge_history"]["data"]] == ["middle"]


def test_leads_of_the_world_are_merged_when_their_writers_sign_up(shared: Workspace) -> None:
    store = shared.box._services["intercom"]._store  # type: ignore[attr-defined]
    merged = [one for one in store.lives.all if one.merged and one.merged <= NOW.timestamp()]
    assert merged
    for life in merged:
        answer = shared.get(f"/contacts/{life.id}")
        assert answer.headers["Link"] == f'</contacts/{life.merged_into}>; rel="canonical"'
    writers = {one["source"]["author"]["id"] for one in shared.search("conversations", EVERYTHING)}
    assert not writers & {life.id for life in merged}


def test_an_archived_contact_can_be_read_and_not_be_found_and_a_deleted_one_neither(
    own: Workspace,
) -> None:
    one, other = (record["id"] for record in own.search("contacts", EVERYTHING)[:2])
    own.box.archive("intercom", "contacts", one)
    own.box.remove("intercom", "contacts", other)
    assert not {one, other} & {record["id"] for record in own.search("contacts", EVERYTHING)}
    assert own.get(f"/contacts/{one}").json()["id"] == one
    assert code(own.get(f"/contacts/{other}")) == (404, "not_found")


def test_deleted_conversations_are_listed_by_id_page_by_page(own: Workspace) -> None:
    found = own.search("conversations", EVERYTHING)
    kept, dropped = found[0]["id"], found[1]["id"]
    own.box.archive("intercom", "conversations", kept)
    own.box.remove("intercom", "conversations", dropped)
    listed: list[Any] = []
    url: str | None = "/conversations/deleted?per_page=1"
    while url:
        page = own.get(url).json()
        listed += page["conversations"]
        url = page["pages"]["next"]
    assert len(listed) == page["total_count"] == page["pages"]["total_pages"]
    told = {one["id"]: (one["metrics_retained"], one["deleted_at"]) for one in listed}
    now = int(own.box.now.timestamp())
    assert (told[kept], told[dropped]) == ((True, now), (False, now))
    assert code(own.get(f"/conversations/{kept}")) == (404, "not_found")
    upwards = own.get("/conversations/deleted?order=asc&per_page=60").json()["conversations"]
    assert [one["id"] for one in upwards] == [one["id"] for one in listed][::-1]


# ---- limits, errors, time ----


def test_calls_are_counted_in_windows_of_ten_seconds_without_a_retry_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1_795_000_004.0]
    monkeypatch.setattr(routes, "time", lambda: clock[0])
    with world(per_10_seconds=3) as box:
        there = Workspace(box)
        left = [there.get("/admins").headers["X-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        refused = there.get("/admins")
        assert code(refused) == (429, "rate_limit_exceeded")
        message = refused.json()["errors"][0]["message"]
        assert message == "Exceeded rate limit of 3 in 10_seconds"
        assert refused.headers["X-RateLimit-Reset"] == "1795000010"
        assert refused.headers["X-RateLimit-Limit"] == "3"
        assert "Retry-After" not in refused.headers
        clock[0] = 1_795_000_010.0
        assert there.get("/admins").status_code == 200


def test_errors_have_the_vendors_shape(shared: Workspace) -> None:
    wrong = requests.get(shared.base + "/admins", headers={"Authorization": "Bearer x"}, timeout=30)
    assert code(wrong) == (401, "unauthorized")
    assert code(shared.get("/nothing/here")) == (404, "not_found")
    assert code(shared.get("/conversations/deleted?per_page=61")) == (400, "parameter_invalid")
    assert code(shared.get("/conversations/1")) == (404, "not_found")


def test_an_empty_page_has_the_shape_of_a_page(own: Workspace) -> None:
    for ask in _asks(own):
        own.box.fault("intercom", "empty_page")
        page = ask().json()
        rows = page.get("data", page.get("conversations", page.get("admins")))
        assert rows == []


def _asks(there: Workspace) -> list[Callable[[], requests.Response]]:
    return [
        lambda: there.post("/contacts/search", {"query": EVERYTHING}),
        lambda: there.post("/conversations/search", {"query": EVERYTHING}),
        lambda: there.get("/companies/scroll"),
        lambda: there.get("/conversations/deleted"),
        lambda: there.get("/admins"),
    ]


def test_time_reveals_more_and_rewrites_nothing_that_has_happened() -> None:
    fixed = ("created_at", "source", "admin_assignee_id")
    with world() as box:
        there = Workspace(box)
        before = {one["id"]: one for one in there.search("conversations", EVERYTHING)}
        people = {one["id"]: one for one in there.search("contacts", EVERYTHING)}
        box.advance(days=20)
        after = {one["id"]: one for one in there.search("conversations", EVERYTHING)}
        again = {one["id"]: one for one in there.search("contacts", EVERYTHING)}
    assert len(after) > len(before)
    for identity in before.keys() & after.keys():
        author = before[identity]["source"]["author"]["id"]
        if author in again:
            assert {k: before[identity][k] for k in fixed} == {k: after[identity][k] for k in fixed}
        if before[identity] != after[identity] and author in again:
            assert after[identity]["updated_at"] > before[identity]["updated_at"]
    for identity in people.keys() & again.keys():
        assert people[identity]["created_at"] == again[identity]["created_at"]
        assert people[identity]["updated_at"] <= again[identity]["updated_at"]


def test_equal_seeds_give_equal_answers(shared: Workspace) -> None:
    with world() as box:
        there = Workspace(box)
        for kind in ("contacts", "conversations"):
            assert there.search(kind, EVERYTHING) == shared.search(kind, EVERYTHING)
