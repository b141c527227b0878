"""The tables of Heap, and the SQL that types the rows of its dumps."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ingestion import settings
from ingestion.tables import Column, Table, of_kind, texts
from ingestion.values import FIRST_YEAR, LAST_YEAR

DUMPS = Table(
    "dumps",
    (
        Column("dump_id", "bigint"),
        *texts("table_name"),
        Column("is_full", "bool"),
        *of_kind("bigint", "files missing_files"),
        *of_kind("timestamp", "dumped_at"),
    ),
    key=("dump_id", "table_name"),
)
USERS = Table(
    "users",
    (
        *texts("user_id identity email account_key"),
        *of_kind("timestamp", "joined_at last_modified_at"),
        Column("dump_id", "bigint"),
        Column("properties", long=True),
    ),
    key=("user_id",),
    updated="dump_id",
    in_files=True,
)
SESSIONS = Table(
    "sessions",
    (
        *texts("session_id user_id"),
        *of_kind("timestamp", "time"),
        Column("dump_id", "bigint"),
        Column("properties", long=True),
    ),
    key=("session_id", "user_id"),
    updated="dump_id",
    in_files=True,
)
USER_MIGRATIONS = Table(
    "user_migrations",
    (
        *texts("from_user_id to_user_id"),
        *of_kind("timestamp", "time"),
        Column("dump_id", "bigint"),
    ),
    key=("from_user_id", "to_user_id"),
    updated="dump_id",
    in_files=True,
)
# Each of the vendor's event tables is a part of one table here: which ones there are is up to who
# labels events. A part, one table of one dump, is written and removed as a whole.
EVENTS = Table(
    "events",
    (
        *texts("part event_table event_id user_id session_id"),
        *of_kind("timestamp", "time"),
        *texts("account_key"),
        Column("dump_id", "bigint"),
        *of_kind("timestamp", "dumped_at"),
        Column("properties", long=True),
        Column("is_removed", "bool"),
    ),
    key=(),
    updated="dump_id",
    parent="part",
    in_files=True,
)
EVENT_KEY = ("event_table", "event_id", "user_id")
ENTITIES = {"users": USERS, "sessions": SESSIONS, "user_migrations": USER_MIGRATIONS}
IN_THE_FUTURE = "time is in the future"
# Clocks of devices go wrong by hours; what is further ahead has not been seen by anybody.
CLOCK_SKEW = timedelta(days=1)


def typed(
    table: Table, event_table: str, source: str, found: Mapping[str, str], now: datetime
) -> str:
    """SQL for rows of `table` with `reason` and `line`, of files that have the columns `found`, and
    `dump_id` and `dumped_at` of the dump that they came with."""
    account = settings.option("heap", "account_property", "company_id")
    named = {
        "users": ("user_id", "identity", "email", account, "joindate", "last_modified"),
        "sessions": ("session_id", "user_id", "time"),
        "user_migrations": ("from_user_id", "to_user_id", "time"),
        "events": ("event_id", "user_id", "session_id", "time", account),
    }[table.name]
    own = ("dump_id", "dumped_at")
    rest = [name for name in found if name not in (*named, *own)]
    packed = ", ".join(f"{_quoted(name)} := f.{_quoted(name)}" for name in rest)
    # A merge patch takes out what is null: which columns there are depends on the other dumps.
    properties = f"json_merge_patch('{{}}', to_json(struct_pack({packed})))" if rest else "'{}'"
    properties = f"cast({properties} as varchar)"
    sent = """json_merge_patch('{}', to_json(f), '{"dump_id": null, "dumped_at": null}')"""
    columns = {
        "users": f"""{_id(found, "user_id")}, {_text(found, "identity")}, {_text(found, "email")},
            {_text(found, account, "account_key")}, {_moment(found, "joindate", "joined_at")},
            {_moment(found, "last_modified", "last_modified_at")}, {properties} as properties""",
        "sessions": f"""{_id(found, "session_id")}, {_id(found, "user_id")},
            {_moment(found, "time")}, {properties} as properties""",
        "user_migrations": f"""{_id(found, "from_user_id")}, {_id(found, "to_user_id")},
            {_moment(found, "time")}""",
        "events": f"""{literal(event_table)} || '/' || f.dump_id as part,
            {literal(event_table)} as event_table, {_id(found, "event_id")},
            {_id(found, "user_id")}, {_id(found, "session_id")}, {_moment(found, "time")},
            {_text(found, account, "account_key")}, f.dumped_at as dumped_at,
            {properties} as properties, cast(null as boolean) as is_removed""",
    }[table.name]
    keys = EVENT_KEY[1:] if table is EVENTS else table.key
    problems = [f"when {key} is null then '{key} is a key and is missing'" for key in keys]
    if table is not USERS:
        latest = (now + CLOCK_SKEW).isoformat()
        problems += [
            f"when {_raw(found, 'time')} is null then 'time is missing'",
            f'when "time" is null or year("time") not between {FIRST_YEAR} and {LAST_YEAR} '
            "then 'time is not a date'",
            f"when \"time\" > timestamptz '{latest}' then '{IN_THE_FUTURE}'",
        ]
    return f"""
        select *, case {" ".join(problems)} end as reason
        from (select {columns}, f.dump_id as dump_id, {sent} as line, f from {source} as f)"""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _raw(found: Mapping[str, str], name: str) -> str:
    return f"f.{_quoted(name)}" if name in found else "null"


def _text(found: Mapping[str, str], name: str, called: str = "") -> str:
    return f"nullif(trim(cast({_raw(found, name)} as varchar)), '') as {called or name}"


def _id(found: Mapping[str, str], name: str) -> str:
    """Ids are numbers, kept as texts; -1 says that there is none."""
    return f"nullif(nullif(trim(cast({_raw(found, name)} as varchar)), ''), '-1') as {name}"


def _moment(found: Mapping[str, str], name: str, called: str = "") -> str:
    """A time: a number since 1970 in milliseconds or microseconds, or a text; UTC."""
    raw = _raw(found, name)
    number = f"try_cast({raw} as bigint)"
    micros = f"case when abs({number}) >= 100000000000000 then {number} else {number} * 1000 end"
    value = f"case when abs({number}) < 100000000000000000 then make_timestamptz({micros}) end"
    if found.get(name) == "VARCHAR":
        # One odd file among many turns the column into texts.
        value = f"coalesce({value}, try_cast({raw} as timestamptz))"
    return f'{value} as "{called or name}"'
