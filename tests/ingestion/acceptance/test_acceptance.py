"""What Airbyte asks of a connector and a warehouse of its pulls, of every source alike.

The stages below are one story per source, each told once: a first pull, another one through passing
faults, a window asked for again, a cursor in the future, some days, changes of every kind, a field
that changes its type. The tests read what came of each stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ingestion import pipeline, settings
from ingestion.errors import PullError
from ingestion.pipeline import PullResult
from tests.ingestion.acceptance import CHANGES, OTHERS, Stands, adapter, sources
from tests.ingestion.acceptance.journey import Contents, Journey, difference
from tests.ingestion.support import small_world

DUCKDB = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "json": "JSON",
}
FAR = "timestamptz '2099-01-01 00:00:00+00'"


@dataclass
class Stage:
    """What one pull brought and what then stood in raw."""

    result: PullResult
    contents: Contents


@dataclass
class Changed:
    """Every change of a day: what was expected of it, what was missing before and after."""

    expected: dict[str, list[Stands]] = field(default_factory=dict)
    before: dict[str, list[list[str]]] = field(default_factory=dict)
    after: dict[str, list[list[str]]] = field(default_factory=dict)
    once_more: PullResult | None = None


@pytest.fixture(scope="module", params=sources())
def journey(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """One source over a small world that nobody has pulled yet."""
    source = request.param
    world = {"vendors": [source], **getattr(adapter(source), "WORLD", {})}
    with small_world(**world) as box:
        yield Journey(source, box, tmp_path_factory.mktemp(source))


@pytest.fixture(scope="module")
def counts(journey: Journey) -> dict[str, int]:
    """What the world shows at its first moment."""
    found: dict[str, int] = journey.adapter.counts(journey.box)
    return found


@pytest.fixture(scope="module")
def first(journey: Journey, counts: dict[str, int]) -> Stage:
    """The first pull."""
    result = journey.pull("first")
    return Stage(result, journey.contents("first"))


@pytest.fixture(scope="module")
def refreshed(journey: Journey, first: Stage) -> Stage:
    """A full pull into another folder, through faults that pass and tokens that run out."""
    faults = journey.setting("FAULTS", ("rate_limit", "server_error", "down", "cut_stream"))
    for kind in faults:
        journey.box.fault(journey.source, kind, times=1)
    if "expire" not in journey.setting("WITHOUT", {}):
        journey.adapter.expire(journey.box)
    seen = len(journey.box.requests)
    result = journey.pull("refreshed")
    journey.box.clear_faults()
    stumbled = [one.status for one in journey.box.requests[seen:] if not 200 <= one.status < 300]
    # An answer that breaks off began as a good one.
    assert len(stumbled) >= len({"rate_limit", "server_error", "down"} & set(faults))
    return Stage(result, journey.contents("refreshed"))


@pytest.fixture(scope="module")
def rewound(journey: Journey, first: Stage) -> Stage:
    """A pull of a window that was pulled before."""
    journey.copy("first", "lived")
    journey.execute("lived", *journey.setting("AGAIN", ("delete from pulls",)))
    result = journey.pull("lived")
    return Stage(result, journey.contents("lived"))


@pytest.fixture(scope="module")
def far(journey: Journey, rewound: Stage) -> Stage:
    """The next pull, in whose log of pulls one says that it looked as far as 2099."""
    journey.execute(
        "lived",
        f"insert into pulls by name select 'far' pull_id, {FAR} started_at, {FAR} pulled_through, "
        f"'{journey.source}' source, 0 as rows, 0 rejected, "
        "(select max(load_id) from _dlt_loads) _dlt_load_id, 'far' _dlt_id",
    )
    result = journey.pull("lived")
    return Stage(result, journey.contents("lived"))


@pytest.fixture(scope="module")
def future(journey: Journey, far: Stage, refreshed: Stage) -> list[Stands]:
    """A record of 2099 that the following days meet."""
    return _done(journey, "future")


@pytest.fixture(scope="module")
def lived(journey: Journey, future: list[Stands]) -> Stage:
    """Two days, pulled one by one in `lived` and at once in `straight`."""
    journey.copy("lived", "straight")
    journey.box.advance(days=1)
    journey.pull("lived")
    journey.box.advance(days=1)
    result = journey.pull("lived")
    journey.pull("straight")
    return Stage(result, journey.contents("lived"))


@pytest.fixture(scope="module")
def changed(journey: Journey, lived: Stage) -> Changed:
    """Two hours later everything has happened that can happen to a record."""
    journey.box.advance(hours=2)
    found = Changed()
    for name in CHANGES:
        found.expected[name] = _done(journey, name)
        found.before[name] = [journey.holds("lived", one) for one in found.expected[name]]
    journey.pull("lived")
    for name in CHANGES:
        found.after[name] = [journey.holds("lived", one) for one in found.expected[name]]
    found.once_more = journey.pull("lived")
    return found


@pytest.fixture(scope="module")
def flipped(journey: Journey, changed: Changed) -> tuple[str, Contents, PullError]:
    """The table whose field changed its type, raw before that, and how the pull stopped."""
    if "flip" in journey.setting("WITHOUT", {}):
        pytest.skip(journey.adapter.WITHOUT["flip"])
    before = journey.contents("lived")
    journey.box.advance(hours=2)
    table = journey.adapter.flip(journey.box)
    with pytest.raises(PullError) as stopped:
        journey.pull("lived")
    return table, before, stopped.value


def _done(journey: Journey, name: str) -> list[Stands]:
    if name in journey.setting("WITHOUT", {}):
        return []
    return list(getattr(journey.adapter, name)(journey.box))


# ---- the adapter ----


def test_the_adapter_says_everything_or_why_not(journey: Journey, counts: dict[str, int]) -> None:
    without = journey.setting("WITHOUT", {})
    assert all(without.values())
    for name in (*CHANGES, *OTHERS):
        assert (name in without) is not hasattr(journey.adapter, name), name
    assert set(counts) | {"quarantine", "pulls"} == set(pipeline.table_names(journey.source))


# ---- credentials ----


def test_wrong_credentials_say_where_to_put_better_ones_and_are_not_quoted(
    journey: Journey,
) -> None:
    source = journey.source
    for key in settings.CREDENTIALS[source]:
        variable = f"SOURCES__{source.upper()}__{key.upper()}"
        wrong = journey.setting("WRONG", {}).get(key, "s3cret-but-wrong")
        with journey.inside("refused") as patch:
            patch.setenv(variable, wrong)
            with pytest.raises(PullError) as stopped:
                pipeline.pull(source)
        assert stopped.value.kind == "credentials", key
        assert variable in str(stopped.value)
        assert wrong not in str(stopped.value)


def test_missing_credentials_leave_empty_tables_and_ask_nobody(
    journey: Journey, tmp_path: Any
) -> None:
    source = journey.source
    asked = len(journey.box.requests)
    for key in settings.CREDENTIALS[source]:
        with journey.inside("refused") as patch:
            patch.setenv("DLT_PROJECT_DIR", str(tmp_path))
            patch.delenv(f"SOURCES__{source.upper()}__{key.upper()}")
            with pytest.raises(PullError, match=f"{key} not set") as stopped:
                pipeline.pull(source)
        assert stopped.value.kind == "credentials"
        tables = journey.contents("refused")
        assert set(tables) == set(pipeline.table_names(source)) - {"pulls"}
        assert not any(tables.values())
    assert len(journey.box.requests) == asked


# ---- what is read ----


def test_raw_has_as_many_rows_as_the_world(
    journey: Journey, first: Stage, counts: dict[str, int]
) -> None:
    stored = {table: sum(first.contents[table].values()) for table in counts}
    assert stored == counts
    assert not first.contents["quarantine"]
    assert first.result.rows == {table: count for table, count in sorted(counts.items()) if count}


def test_no_stream_is_empty(journey: Journey, first: Stage, counts: dict[str, int]) -> None:
    empty = {table for table, count in counts.items() if not count}
    assert empty == set(journey.setting("EMPTY", {}))


def test_records_match_their_declaration(journey: Journey, first: Stage) -> None:
    with journey.raw("first") as raw:
        for table in pipeline._tables(journey.source):
            types = dict(row[:2] for row in raw.execute(f"describe {table.name}").fetchall())
            assert {one.name: DUCKDB[one.kind] for one in table.columns}.items() <= types.items()
            for key in table.key:
                bad = f'"{key}" is null or trim("{key}"::varchar) = \'\''
                sql = f'select "{key}" from {table.name} where {bad}'
                assert raw.execute(sql).fetchall() == []


def test_every_declared_column_is_filled_somewhere(journey: Journey, first: Stage) -> None:
    empty = {}
    with journey.raw("first") as raw:
        for table in pipeline._tables(journey.source):
            if first.contents.get(table.name):
                listed = ", ".join(f'count("{column.name}")' for column in table.columns)
                filled = raw.execute(f"select {listed} from {table.name}").fetchone() or ()
                found = [one.name for one, n in zip(table.columns, filled, strict=True) if not n]
                empty[table.name] = set(found)
    said = {table: set(names.split()) for table, names in journey.setting("UNSEEN", {}).items()}
    assert {table: names for table, names in empty.items() if names} == said


READABLE = {
    "number": "try_cast({} as double) is not null",
    "moment": "try_cast({} as timestamptz) is not null",
    "flag": "lower({}) in ('true', 'false')",
    "epoch": "{} between 0 and 4102444800",
}


def test_texts_that_mean_more_can_be_read(journey: Journey, first: Stage) -> None:
    with journey.raw("first") as raw:
        for table in pipeline._tables(journey.source):
            for column in (one for one in table.columns if one.means):
                name = f'"{column.name}"'
                broken = raw.execute(
                    f"select {name} from {table.name} where {name}::varchar <> '' "
                    f"and not coalesce({READABLE[column.means].format(name)}, false) limit 1"
                ).fetchall()
                assert broken == [], f"{table.name}.{column.name}"


# ---- again and again ----


def test_a_second_full_pull_through_passing_faults_gives_the_same(
    journey: Journey, first: Stage, refreshed: Stage
) -> None:
    assert difference(refreshed.contents, first.contents) == {}
    assert refreshed.result.rows == first.result.rows


def test_a_window_asked_for_again_doubles_nothing(
    journey: Journey, first: Stage, rewound: Stage
) -> None:
    assert difference(rewound.contents, first.contents) == {}


def test_an_incremental_pull_adds_nothing_though_the_log_reaches_far_into_the_future(
    journey: Journey, first: Stage, far: Stage
) -> None:
    assert far.result.rows == {}
    assert far.result.new_columns == []
    assert difference(far.contents, first.contents) == {}


def test_days_pulled_one_by_one_and_at_once_come_to_the_same(
    journey: Journey, lived: Stage
) -> None:
    assert difference(lived.contents, journey.contents("straight")) == {}


# ---- changes ----


def test_a_record_of_the_future_poisons_nothing(
    journey: Journey, future: list[Stands], lived: Stage, first: Stage
) -> None:
    if "future" in journey.setting("WITHOUT", {}):
        pytest.skip(journey.adapter.WITHOUT["future"])
    assert [words for one in future for words in journey.holds("straight", one)] == []
    new = sum((lived.contents[table] - first.contents[table]).total() for table in first.contents)
    assert new > sum(one.rows for one in future), "nothing else of these days arrived"


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_arrives(name: str, journey: Journey, changed: Changed) -> None:
    if name in journey.setting("WITHOUT", {}):
        pytest.skip(journey.adapter.WITHOUT[name])
    assert changed.expected[name]
    assert all(changed.before[name]), "this stood there before the change"
    assert [words for found in changed.after[name] for words in found] == []


def test_changes_arrive_once(journey: Journey, changed: Changed) -> None:
    assert changed.once_more is not None
    assert changed.once_more.rows == {}


def test_a_type_that_changed_stops_its_source_and_harms_nothing(
    journey: Journey, flipped: tuple[str, Contents, PullError]
) -> None:
    table, before, stopped = flipped
    assert stopped.kind == "type_changed"
    assert stopped.source == journey.source
    assert table in str(stopped)
    assert difference(journey.contents("lived"), before) == {}
