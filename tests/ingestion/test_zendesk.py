"""Zendesk: exports with and without cursors, seconds that fill pages, tokens, and bad records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from requests import Request, Response

from ingestion import http, pipeline, settings
from ingestion.errors import PullError
from ingestion.sources import zendesk
from ingestion.sources.zendesk_tables import ORGANIZATIONS, TICKET_METRIC_EVENTS, TICKETS, USERS
from ingestion.tables import Table
from sandbox import Sandbox
from sandbox.vendors.zendesk import login
from tests.ingestion.acceptance.zendesk import counts
from tests.ingestion.support import query, rows, small_world

Point = Callable[[Sandbox], None]


def desk(**options: Any) -> Sandbox:
    return small_world(companies=30, vendors=["zendesk"], options={"zendesk": options})


@pytest.fixture
def box(at: Point) -> Iterator[Sandbox]:
    """A help desk that nobody has pulled yet."""
    with desk() as world:
        at(world)
        yield world


def asked(box: Sandbox, part: str) -> list[str]:
    return [call.path for call in box.requests if part in call.path and call.status == 200]


def shown(box: Sandbox, table: Table) -> list[tuple[int, int, Any]]:
    """What an export of the sandbox gives out, oldest change first."""
    desk: Any = box._services["zendesk"]
    found: list[tuple[int, int, Any]] = desk._store.exported(table.name)
    return found


def a_ticket(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "subject": "Put", "status": "new", "generated_timestamp": 1} | more


def page(**body: Any) -> Response:
    response = Response()
    response.json = lambda **_: body  # type: ignore[method-assign]
    return response


# ---- paging ----


def test_small_pages_and_tokens_that_run_out_between_them_lose_no_row(
    at: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zendesk, "EXPORT_PAGE", 40)
    monkeypatch.setattr(zendesk, "LIST_PAGE", 3)
    with desk(token_calls=6) as box:
        at(box)
        result = pipeline.pull("zendesk")
        assert result.rows == counts(box)
        logins = sum(call.path == "/oauth/tokens" for call in box.requests)
        refused = sum(call.status == 401 for call in box.requests)
        calls = sum(call.status == 200 for call in box.requests) - logins
        assert calls > 12
        assert logins >= calls // 6
        assert 0 < refused <= 5 * logins, "at most one call of every thread"
        tickets = [path for path in asked(box, "/incremental/tickets/") if "start_time=" in path]
        assert len(tickets) == 1, "the start is named once, the cursor on every other page"
        assert "support_type_scope=all" in tickets[0]


@pytest.mark.parametrize("table", [ORGANIZATIONS, TICKET_METRIC_EVENTS])
@pytest.mark.parametrize("splits_seconds", [False, True])
def test_more_rows_of_one_second_than_a_page_holds_are_all_read(
    splits_seconds: bool, table: Table, at: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zendesk, "EXPORT_PAGE", 50)
    with desk(splits_seconds=splits_seconds) as box:
        at(box)
        stamp = f"{box.now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
        for number in range(120):
            box.put("zendesk", table.name, {"id": 10**8 + number, "time": stamp})
        box.advance(hours=1)
        stamp = f"{box.now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
        box.put("zendesk", table.name, {"id": 10**9, "time": stamp})
        box.advance(hours=1)
        api = zendesk._Api(box.now)
        read = [row["id"] for rows_of_page in api.by_time(table, None) for row in rows_of_page]
        expected = [record["id"] for _, _, record in shown(box, table)]
        assert set(read) == set(expected)
        assert {10**8 + number for number in range(120)} | {10**9} <= set(read)


def test_a_page_repeats_no_row_of_the_one_before_it(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zendesk, "EXPORT_PAGE", 40)
    pages = list(zendesk._Api(box.now).by_time(TICKET_METRIC_EVENTS, None))
    assert len(pages) > 5
    read = [row["id"] for rows_of_page in pages for row in rows_of_page]
    assert read == [record["id"] for _, _, record in shown(box, TICKET_METRIC_EVENTS)]


def test_a_ticket_that_moves_behind_the_next_page_while_it_is_read_is_not_lost(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zendesk, "EXPORT_PAGE", 10)
    tickets = [record for _, _, record in shown(box, TICKETS)]
    pages = zendesk._Api(box.now).by_cursor(TICKETS, None)
    read = list(next(pages))
    box.put("zendesk", "tickets", tickets[25] | {"priority": "urgent", "problem_id": 5})
    read += [row for rows_of_page in pages for row in rows_of_page]
    assert {row["id"] for row in read} == {record["id"] for record in tickets}
    (moved,) = [row for row in read if row["id"] == tickets[25]["id"]]
    assert moved["problem_id"] == 5


def test_an_export_that_promises_more_without_a_place_stops_the_source() -> None:
    with pytest.raises(PullError, match="not where") as stopped:
        zendesk._EndOfStream().update_state(page(tickets=[], end_of_stream=False))
    assert stopped.value.kind == "bad_answer"
    for end in (None, 99):
        paginator = zendesk._FromSecond(100, datetime(2026, 1, 1, tzinfo=UTC))
        with pytest.raises(PullError, match="not where"):
            paginator.update_state(page(end_time=end, end_of_stream=False))


def test_a_list_that_says_more_follow_and_gives_no_cursor_stops_the_source() -> None:
    listed = http.Cursor("zendesk", cursor_path="meta.after_cursor", has_more_path="meta.has_more")
    listed.update_state(page(meta={"has_more": True, "after_cursor": "next"}))
    with pytest.raises(PullError, match="more follow") as stopped:
        listed.update_state(page(meta={"has_more": True, "after_cursor": None}))
    assert stopped.value.kind == "bad_answer"
    listed.update_state(page(meta={"has_more": False, "after_cursor": "end"}))
    assert not listed.has_next_page


def test_cursors_that_lead_in_a_circle_stop_the_source() -> None:
    paginator = zendesk._EndOfStream()
    circle = page(tickets=[{}], after_cursor="same", end_of_stream=False)
    paginator.update_state(circle)
    with pytest.raises(PullError, match="circle"):
        paginator.update_state(circle)


def test_an_export_follows_cursors_alone_and_ends_though_there_is_one() -> None:
    paginator = zendesk._EndOfStream()
    paginator.update_state(page(after_cursor="next", end_of_stream=False))
    request = Request("GET", "https://x.test", params={"start_time": 0, "per_page": 9})
    paginator.update_request(request)
    assert request.params == {"cursor": "next", "per_page": 9}
    paginator.update_state(page(after_cursor="end", after_url="https://x.test", end_of_stream=True))
    assert not paginator.has_next_page


# ---- what is asked for ----


def test_the_next_pull_asks_a_lag_before_the_newest_stamp_and_for_a_month_of_ratings(
    box: Sandbox, at: Point
) -> None:
    pipeline.pull("zendesk")
    ((newest,),) = query("zendesk", "select max(generated_at) from tickets")
    ((rated,),) = query("zendesk", "select max(created_at) from satisfaction_ratings")
    box.advance(hours=2)
    at(box)
    seen = len(box.requests)
    box.fault("zendesk", "empty_page", times=1, path="satisfaction_ratings")
    with pytest.raises(PullError, match="satisfaction_ratings would shrink") as stopped:
        pipeline.pull("zendesk")
    assert stopped.value.kind == "shrunk"
    pipeline.pull("zendesk")
    assert not rows("zendesk", "satisfaction_ratings", "deleted")
    paths = [call.path for call in box.requests[seen:]]
    since = int((newest - timedelta(minutes=10)).timestamp())
    assert any(f"tickets/cursor?start_time={since}&" in path for path in paths)
    since = int((rated - timedelta(days=30)).timestamp())
    ratings = [path for path in paths if "satisfaction_ratings" in path]
    assert all(f"start_time={since}" in path and "score=received" in path for path in ratings)


def test_a_start_date_bounds_the_first_pull_of_tickets_and_of_nobody_else(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__ZENDESK__START_DATE", "2026-10-01")
    begin = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
    (tickets,) = zendesk._Api(box.now).by_cursor(TICKETS, None)
    expected = [record for at, _, record in shown(box, TICKETS) if at >= begin]
    assert tickets == expected
    assert 0 < len(expected) < len(shown(box, TICKETS))
    (users,) = zendesk._Api(box.now).by_cursor(USERS, None)
    assert users == [record for _, _, record in shown(box, USERS)]


def test_an_empty_first_answer_is_made_up_for_by_the_next_pull(box: Sandbox) -> None:
    for part in ("tickets/cursor", "incremental/organizations", "metric_events"):
        box.fault("zendesk", "empty_page", path=part)
    pipeline.pull("zendesk")
    assert not rows("zendesk", "tickets")
    assert pipeline.pull("zendesk").rows.keys() == {
        "tickets", "organizations", "ticket_metric_events"
    }  # fmt: skip


# ---- logging in and waiting ----


def test_a_token_that_is_never_good_names_the_credentials(box: Sandbox) -> None:
    box.fault("zendesk", "unauthorized", times=None, path="/api/v2/")
    with pytest.raises(PullError) as stopped:
        list(zendesk._Api(box.now).by_cursor(TICKETS, None))
    assert stopped.value.kind == "credentials"
    assert "SOURCES__ZENDESK__CLIENT_ID" in str(stopped.value)


def test_an_api_token_does_instead_of_a_client(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"SOURCES__ZENDESK__{key}")
    monkeypatch.setenv("SOURCES__ZENDESK__API_TOKEN", login.API_TOKEN)
    assert settings.missing_credentials("zendesk") == ["client_id", "client_secret"]
    monkeypatch.setenv("SOURCES__ZENDESK__EMAIL", login.EMAIL)
    assert settings.has_credentials("zendesk")
    assert list(zendesk._Api(box.now).ratings(None))
    assert not asked(box, "/oauth/tokens")


def test_a_missing_address_of_the_account_is_said(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__ZENDESK__BASE_URL")
    with pytest.raises(PullError, match="base_url is not set") as stopped:
        zendesk._Api(box.now)
    assert stopped.value.kind == "credentials"


def test_exports_wait_for_the_vendors_minute_and_lists_do_not(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setenv("SOURCES__ZENDESK__EXPORTS_PER_MINUTE", "2")
    api = zendesk._Api(box.now)
    for _ in range(3):
        list(api.by_time(ORGANIZATIONS, None))
        list(api.ratings(None))
    long = [wait for wait in waits if wait > 1]
    assert len(long) == 1, "the first two pass at once"
    assert 50 < long[0] <= 60


def test_a_pace_by_the_minute_lets_its_calls_pass_at_once_and_the_next_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, waits = 1000.0, []
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", waits.append)
    pace = http.PerMinute(2)
    for _ in range(3):
        pace.wait()
    now = 1030.0
    pace.wait()
    # The third waits for the first to be a minute ago, the fourth for the second.
    assert waits == [0, 0, 60, 30]


# ---- records as they come ----

BAD: list[tuple[dict[str, Any] | Any, str]] = [
    (a_ticket(1, created_at="2026-02-30T00:00:00Z"), "created_at is not a date that exists"),
    (a_ticket(2, generated_timestamp="soon"), "generated_at is not a date that exists"),
    (a_ticket(3, is_public="perhaps"), "is_public is neither true nor false"),
    (a_ticket(4, updated_at="0001-01-01T00:00:00Z"), "updated_at is a date outside"),
    (a_ticket(5, subject=2.0**70), "subject is a number too large"),
    (a_ticket(0) | {"id": None}, "id is a key and is missing"),
    (a_ticket(0) | {"id": "  "}, "id is a key and is missing"),
    ("a text", "the record is not an object"),
]
GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (a_ticket(11, via=None, tags=None, custom_fields="gone"), {"channel": None, "tags": None}),
    (a_ticket(12, via={"channel": "web", "source": {"to": {"a": 1}}}), {"channel": "web"}),
    (a_ticket(13, subject="=HYPERLINK('x')\0\n<b>"), {"subject": "=HYPERLINK('x')\n<b>"}),
    (a_ticket(14, created_at="2026-03-01T00:00:00+02:00"),
     {"created_at": datetime(2026, 2, 28, 22, tzinfo=UTC)}),
    (a_ticket(15, organization_id=2**53 + 1), {"organization_id": str(2**53 + 1)}),
    (a_ticket(16, status=None, priority=""), {"status": None, "priority": ""}),
    (a_ticket(17, brand_new={"a": [1]}), {"brand_new": '{"a": [1]}'}),
    (a_ticket(18, description="secret", fields=[{"id": 1, "value": "twice"}]), {}),
]  # fmt: skip


def test_every_bad_record_ends_in_quarantine_with_its_reason_and_no_other_does(
    box: Sandbox,
) -> None:
    for record, _ in [*BAD, *GOOD]:
        box.put("zendesk", "tickets", record)
    result = pipeline.pull("zendesk")
    reasons = [row["reason"] for row in rows("zendesk", "quarantine")]
    assert result.rejected == {"tickets": len(BAD)}
    for _, reason in BAD:
        assert any(reason in found for found in reasons), reason
    stored = {row["id"]: row for row in rows("zendesk", "tickets")}
    for record, expected in GOOD:
        row = stored[str(record["id"])]
        assert {name: row[name] for name in expected} == expected
        assert "description" not in row
    assert result.new_columns == ["tickets.brand_new"]
    assert pipeline.pull("zendesk").rows == {}
