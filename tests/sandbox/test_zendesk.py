"""The help desk's API, with its own SDK as the judge: zenpy must not be able to tell."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from zenpy import Zenpy
from zenpy.lib.exception import APIException, RecordNotFoundException

from sandbox import Sandbox
from sandbox.universe.support import HOUR, agents
from sandbox.vendors.zendesk import login
from tests.sandbox.conftest import NOW, small

EXPORTS = ("tickets", "users", "organizations", "ticket_metric_events")


def desk(**options: Any) -> Sandbox:
    given: dict[str, Any] = {"companies": 60, "months": 6, "vendors": ["zendesk"]}
    return small(**given | {"options": {"zendesk": options}})


class Desk:
    """Calls one help desk, by hand and by its SDK."""

    def __init__(self, box: Sandbox, patch: pytest.MonkeyPatch) -> None:
        self.box = box
        self.env = box.environment()
        self.base = self.env["SOURCES__ZENDESK__BASE_URL"]
        patch.setenv("ZENPY_FORCE_SCHEME", "http")
        patch.setenv("ZENPY_FORCE_NETLOC", self.base.removeprefix("http://"))
        self.token = self.login().json()["access_token"]

    def login(self, **more: str) -> requests.Response:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self.env["SOURCES__ZENDESK__CLIENT_ID"],
            "client_secret": self.env["SOURCES__ZENDESK__CLIENT_SECRET"],
            "scope": "read",
        }
        return requests.post(f"{self.base}/oauth/tokens", json=asked | more, timeout=30)

    def get(self, path: str, **headers: str) -> requests.Response:
        headers = headers or {"Authorization": f"Bearer {self.token}"}
        url = path if path.startswith("http") else f"{self.base}/api/v2/{path}"
        return requests.get(url, headers=headers, timeout=30)

    def sdk(self, **more: Any) -> Zenpy:
        given = {"subdomain": "acme", "email": "x@y.test", "oauth_token": self.token}
        return Zenpy(**given | {"disable_cache": True} | more)


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch, desk() as box:
        yield Desk(box, patch)


@pytest.fixture
def own() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch, desk() as box:
        yield Desk(box, patch)


def tickets_of(box: Sandbox) -> list[Any]:
    before = int(box.now.timestamp()) - 60
    written = [one for one in box.world.tickets if one.channel in ("email", "web")]
    return [one for one in written if one.created <= before]


def test_the_sdk_reads_every_ticket_by_cursor_and_by_time(shared: Desk) -> None:
    expected = len(tickets_of(shared.box))
    for by_time in (False, True):
        found = list(shared.sdk().tickets.incremental(0, paginate_by_time=by_time, per_page=20))
        assert len({one.id for one in found}) == expected > 100
        stamps = [one.generated_timestamp for one in found]
        assert stamps == sorted(stamps)


def test_the_sdk_reads_people_organizations_and_ratings(shared: Desk) -> None:
    sdk, now = shared.sdk(), int(NOW.timestamp())
    users = list(sdk.users.incremental(start_time=0))
    roles = Counter(one.role for one in users)
    assert roles["admin"] == 1
    assert roles["agent"] + roles["admin"] == len(agents(shared.box.world.frame.seed))
    writers = {(one.company.index, one.person.number) for one in tickets_of(shared.box)}
    assert roles["end-user"] == len(writers)
    exported = {one.id for one in sdk.organizations.incremental(start_time=0)}
    assert exported >= {one.id for one in sdk.organizations()}
    ratings = list(sdk.satisfaction_ratings(score="received"))
    given = [one.rating(now) for one in tickets_of(shared.box)]
    good = [one.good for one in given if one is not None]
    assert Counter(one.score for one in ratings) == {
        "good": sum(good),
        "bad": len(good) - sum(good),
    }
    assert len(list(sdk.satisfaction_ratings(score="offered"))) > 0


def test_the_sdk_lists_by_cursor_and_by_number_and_reads_one(shared: Desk) -> None:
    sdk = shared.sdk()
    live = [one.id for one in sdk.tickets()]
    assert [one.id for one in sdk.tickets(cursor_pagination=7)] == live
    numbered, page = [], shared.get("tickets.json?per_page=30").json()
    assert page["count"] == len(live)
    while page:
        numbered += [one["id"] for one in page["tickets"]]
        page = shared.get(page["next_page"]).json() if page["next_page"] else None
    assert numbered == live
    assert sdk.tickets(id=live[3]).id == live[3]
    user = next(iter(sdk.users.incremental(start_time=0)))
    assert sdk.users(id=user.id).email == user.email


def test_errors_come_as_the_sdks_own_exceptions(shared: Desk) -> None:
    with pytest.raises(RecordNotFoundException):
        shared.sdk().tickets(id=999_999_999)
    with pytest.raises(APIException, match="invalid_token"):
        shared.sdk(oauth_token="gone").tickets(id=1)
    with pytest.raises(APIException, match="authenticate"):
        shared.sdk(oauth_token=None, token="wrong").tickets(id=1)
    with pytest.raises(APIException, match="StartTimeTooRecent"):
        shared.sdk().tickets.incremental(NOW - timedelta(seconds=30))
    with pytest.raises(APIException, match="InvalidPaginationDepth"):
        list(shared.sdk().tickets(page=200, cursor_pagination=False))
    assert shared.get("incremental/tickets/cursor?cursor=nonsense").status_code == 400
    assert shared.get("nothing").json()["error"] == "InvalidEndpoint"


def test_the_sdk_waits_out_a_429_of_plain_text(own: Desk) -> None:
    identity = own.get("tickets?per_page=1").json()["tickets"][0]["id"]
    own.box.fault("zendesk", "rate_limit")
    assert own.sdk().tickets(id=identity).id == identity
    own.box.fault("zendesk", "rate_limit", path="incremental")
    answer = own.get("incremental/tickets/cursor?start_time=0")
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["retry-after"] == "1"
    assert "incremental" in answer.text


def test_exports_have_a_limit_of_their_own() -> None:
    with pytest.MonkeyPatch.context() as patch, desk(incremental_per_minute=2) as box:
        one = Desk(box, patch)
        assert one.env["SOURCES__ZENDESK__EXPORTS_PER_MINUTE"] == "2"
        path = "incremental/users/cursor?start_time=0"
        assert [one.get(path).status_code for _ in range(3)] == [200, 200, 429]
        answer = one.get("tickets")
        assert answer.status_code == 200
        left = int(answer.headers["x-rate-limit"]) - int(answer.headers["x-rate-limit-remaining"])
        assert left == 4, "the login, two exports and a list"


def test_calls_of_any_kind_have_a_limit_too() -> None:
    with pytest.MonkeyPatch.context() as patch, desk(requests_per_minute=3) as box:
        one = Desk(box, patch)
        answers = [one.get("users?per_page=1") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].text == "Number of allowed API requests per minute exceeded"


def test_a_help_desk_has_the_tickets_of_its_channels() -> None:
    with pytest.MonkeyPatch.context() as patch, desk(channels=["chat"]) as box:
        found = Desk(box, patch).get("incremental/tickets/cursor?start_time=0").json()["tickets"]
        assert {one["via"]["channel"] for one in found} == {"chat"}


def test_the_cursor_is_there_at_the_end_too_and_leads_on_later(own: Desk) -> None:
    end = own.get("incremental/tickets/cursor?start_time=0").json()
    assert end["end_of_stream"]
    assert base64.b64decode(end["after_cursor"]).decode().count("|") == 3
    again = own.get(end["after_url"]).json()
    assert again["tickets"] == []
    assert again["end_of_stream"]
    assert again["after_cursor"] == end["after_cursor"]
    own.box.advance(days=5)
    assert own.get(end["after_url"]).json()["tickets"]


def test_rows_of_one_second_stay_on_one_page_unless_it_may_split_them() -> None:
    for splits, rows in ((False, 5), (True, 3)):
        with pytest.MonkeyPatch.context() as patch, desk(splits_seconds=splits) as box:
            one = Desk(box, patch)
            for number in range(5):
                box.put("zendesk", "organizations", {"id": number, "name": "Bulk"})
            second = int(NOW.timestamp()) - 60
            page = one.get(f"incremental/organizations?start_time={second}&per_page=3").json()
            assert page["count"] == len(page["organizations"]) == rows
            assert page["end_time"] == second
            assert page["end_of_stream"] is not splits
            listed = one.get(f"organizations?page[size]=3&x={second}").json()
            assert listed["meta"]["has_more"]


def test_metric_events_can_also_be_paged_by_cursor(shared: Desk) -> None:
    whole = shared.get("incremental/ticket_metric_events?start_time=0").json()
    found, url = [], "incremental/ticket_metric_events?start_time=0&page[size]=100"
    while len(found) < 300:
        page = shared.get(url).json()
        found += page["ticket_metric_events"]
        url = page["links"]["next"]
    assert found == whole["ticket_metric_events"][: len(found)]


def test_the_clocks_of_a_ticket_tell_its_life(shared: Desk) -> None:
    ticket = next(one for one in tickets_of(shared.box) if one.reopened and len(one.solved) == 2)
    written = [one for one in shared.box.world.tickets if one.channel in ("email", "web")]
    page = shared.get(f"incremental/ticket_metric_events?start_time={ticket.created}").json()
    identity = 1000 + written.index(ticket)
    own = [one for one in page["ticket_metric_events"] if one["ticket_id"] == identity]

    def moments(metric: str, kind: str) -> list[int]:
        stamps = [o["time"] for o in own if (o["metric"], o["type"]) == (metric, kind)]
        return [int(datetime.fromisoformat(stamp).timestamp()) for stamp in stamps]

    assert moments("reply_time", "fulfill")[0] == ticket.first_reply
    assert moments("requester_wait_time", "fulfill") == list(ticket.solved)
    last = [one for one in own if one["metric"] == "requester_wait_time"][-1]
    assert last["instance_id"] == 1 + len(ticket.reopened)


def test_what_the_system_does_to_a_ticket_moves_only_the_stamp_of_the_export(own: Desk) -> None:
    now = int(NOW.timestamp())
    written = [one for one in own.box.world.tickets if one.channel in ("email", "web")]
    identity = next(
        str(1000 + number)
        for number, one in enumerate(written)
        if now - 3 * 86_400 < one.statuses[-1][0] < now
        and one.statuses[-1][1] == "solved"
        and one.changes()[-1] < now
    )
    solved = own.box.record("zendesk", "tickets", identity)
    own.box.advance(days=5)
    closed = own.box.record("zendesk", "tickets", identity)
    assert solved is not None
    assert closed is not None
    assert (solved["status"], closed["status"]) == ("solved", "closed")
    assert closed["updated_at"] == solved["updated_at"]
    assert closed["generated_timestamp"] > solved["generated_timestamp"]


def test_deleted_things_stay_in_the_exports_and_leave_the_lists(own: Desk) -> None:
    gone = {}
    for resource, mark in (
        ("tickets", lambda one: one["status"] == "deleted"),
        ("users", lambda one: one["active"] is False),
        ("organizations", lambda one: one["deleted_at"] is not None),
    ):
        row = own.get(f"{resource}?per_page=50").json()[resource][-1]
        own.box.archive("zendesk", resource, row["id"])
        gone[resource] = row["id"], mark
    scrubbed = own.get("tickets?per_page=1").json()["tickets"][0]["id"]
    own.box.remove("zendesk", "tickets", scrubbed)
    own.box.advance(hours=1)
    for resource, (identity, mark) in gone.items():
        rows = own.get(f"incremental/{resource}?start_time=0").json()[resource]
        assert mark(next(one for one in rows if one["id"] == identity))
        listed = own.get(f"{resource}?page[size]=100").json()[resource]
        assert identity not in [one["id"] for one in listed]
    rows = own.get("incremental/tickets?start_time=0").json()["tickets"]
    left = next(one for one in rows if one["id"] == scrubbed)
    assert (left["subject"], left["status"], left["requester_id"]) == ("SCRUBBED", "deleted", None)
    left_out = own.get("incremental/tickets?start_time=0&exclude_deleted=true").json()["tickets"]
    assert "deleted" not in {one["status"] for one in left_out}
    with pytest.raises(RecordNotFoundException):
        own.sdk().tickets(id=scrubbed)


def test_the_last_minute_is_held_back(own: Desk) -> None:
    path = "incremental/tickets/cursor?start_time=0"
    following = min(
        one.created
        for one in own.box.world.tickets
        if one.channel in ("email", "web") and one.created > NOW.timestamp()
    )
    own.box.advance(hours=(following + 30 - NOW.timestamp()) / HOUR)
    early = {one["id"] for one in own.get(path).json()["tickets"]}
    own.box.advance(hours=31 / HOUR)
    late = {one["id"] for one in own.get(path).json()["tickets"]}
    assert len(late - early) == 1


def test_tokens_run_out_by_calls_and_by_order() -> None:
    with pytest.MonkeyPatch.context() as patch, desk(token_calls=2, token_seconds=None) as box:
        one = Desk(box, patch)
        assert "expires_in" not in one.login().json()
        answers = [one.get("users?per_page=1") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 401]
        assert answers[2].json()["error"] == "invalid_token"
        one.token = one.login().json()["access_token"]
        box.fault("zendesk", "token_expired")
        assert [one.get("users?per_page=1").status_code for _ in range(2)] == [401, 401]
        assert one.login(client_secret="wrong").status_code == 401


def test_the_api_token_of_old_still_logs_in(shared: Desk) -> None:
    sdk = shared.sdk(oauth_token=None, email=login.EMAIL, token=login.API_TOKEN)
    assert len(list(sdk.satisfaction_ratings(score="received"))) > 0
    assert shared.login().json()["expires_in"] == 1800


def test_maintenance_is_a_page_of_html(own: Desk) -> None:
    own.box.fault("zendesk", "maintenance")
    answer = own.get("users")
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")


def test_an_empty_page_looks_like_the_end(own: Desk) -> None:
    for path in (
        "incremental/tickets/cursor?start_time=0",
        "incremental/organizations?start_time=0",
    ):
        own.box.fault("zendesk", "empty_page")
        assert own.get(path).json()["end_of_stream"]
    own.box.fault("zendesk", "empty_page")
    answer = own.get("satisfaction_ratings?page[size]=100").json()
    assert answer["satisfaction_ratings"] == []
    assert not answer["meta"]["has_more"]


def test_a_record_that_is_put_is_given_out_and_keeps_a_stamp_of_the_future(own: Desk) -> None:
    far = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    own.box.put("zendesk", "tickets", {"id": 7, "generated_timestamp": 1})
    own.box.put("zendesk", "tickets", {"id": 8, "generated_timestamp": far})
    own.box.put("zendesk", "tickets", "no ticket")
    rows = own.get("incremental/tickets/cursor?start_time=0").json()["tickets"]
    assert rows[-1] == {"id": 8, "generated_timestamp": far}
    assert {"id": 7, "generated_timestamp": int(NOW.timestamp()) - 60} in rows
    assert "no ticket" in rows


def test_clocks_that_move_on_reveal_more_and_rewrite_nothing_without_a_stamp(own: Desk) -> None:
    path = "incremental/tickets/cursor?start_time=0"
    before = {one["id"]: one for one in own.get(path).json()["tickets"]}
    own.box.advance(days=14)
    after = {one["id"]: one for one in own.get(path).json()["tickets"]}
    stamp = "generated_timestamp"
    settled = [key for key, one in before.items() if after[key][stamp] == one[stamp]]
    assert len(after) > len(before) > len(settled) > 50
    assert all(after[key] == before[key] for key in settled)
    assert len(set(after) - set(before)) > 2
