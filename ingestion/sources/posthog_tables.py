"""The tables of PostHog, and the SQL that types the rows of its export files."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ingestion import settings
from ingestion.keyed import as_kind
from ingestion.tables import Column, Kind, Table, of_kind, texts
from ingestion.values import FIRST_YEAR, LAST_YEAR

EVENTS = Table(
    "events",
    (
        *texts("uuid event distinct_id person_id"),
        *of_kind("timestamp", "timestamp created_at inserted_at"),
        *texts("device_id"),
        Column("is_identified", "bool"),
        *texts("group_key"),
        Column("properties", long=True),
    ),
    key=("uuid",),
    updated="inserted_at",
    in_files=True,
)
PERSONS = Table(
    "persons",
    (
        Column("team_id", "bigint"),
        *texts("distinct_id person_id email account_key"),
        Column("is_deleted", "bool"),
        # Which of two rows is newer: the number of its link to the person, then of the person.
        Column("version", "bigint"),
        *of_kind("timestamp", "created_at inserted_at"),
        Column("properties", long=True),
    ),
    key=("team_id", "distinct_id"),
    updated="version",
    in_files=True,
)
# What is read, or left at the vendor: the person as of each event is in `persons`, and the chain of
# page elements is large, personal and says nothing that an event's name does not.
EVENT_FIELDS = frozenset(
    ("uuid", "event", "distinct_id", "person_id", "properties", "timestamp", "created_at",
     "_inserted_at", "person_properties", "elements_chain", "team_id")
)  # fmt: skip
PERSON_FIELDS = frozenset(
    ("team_id", "distinct_id", "person_id", "properties", "person_distinct_id_version",
     "person_version", "created_at", "_inserted_at", "is_deleted")
)  # fmt: skip
IN_THE_FUTURE = "timestamp is in the future"
# Clocks of devices go wrong by hours; what is further ahead has not been seen by anybody.
CLOCK_SKEW = timedelta(days=1)


def typed_events(
    source: str, found: Mapping[str, str], new: Mapping[str, Kind], now: datetime
) -> str:
    """SQL for rows of `events` with `reason` and `line`, of a file that has the columns `found`."""
    group = settings.option("posthog", "group_type", "company")
    account = settings.option("posthog", "account_property", "company_id")
    members = _extracted("$device_id", "$is_identified", "$groups", group, account)
    return f"""
        select lower(trim(p_uuid)) as uuid, p_event as event, p_distinct_id as distinct_id,
            p_person_id as person_id, p_timestamp as timestamp, p_created_at as created_at,
            coalesce(p_inserted_at, p_created_at, p_timestamp) as inserted_at,
            m[1] as device_id, try_cast(m[2] as boolean) as is_identified,
            coalesce(m[4], m[5]) as group_key, p_properties as properties{_names(new)},
            case
                when coalesce(trim(p_uuid), '') = '' then 'uuid is a key and is missing'
                when coalesce(p_event, '') = '' then 'event is missing'
                when raw_timestamp is null then 'timestamp is missing'
                when p_timestamp is null or year(p_timestamp) not between {FIRST_YEAR} and
                    {LAST_YEAR} then 'timestamp is not a date'
                when p_timestamp > timestamptz '{(now + CLOCK_SKEW).isoformat()}'
                    then '{IN_THE_FUTURE}'
                when not is_object then 'properties is not a JSON object'
            end as reason,
            line
        from (
            select *, case when is_object then json_extract_string(p_properties, {members}) end as m
            from (
                select {_text(found, "uuid")}, {_text(found, "event")},
                    {_text(found, "distinct_id")}, {_text(found, "person_id")},
                    {_moment(found, "timestamp")}, {_moment(found, "created_at")},
                    {_moment(found, "_inserted_at", "inserted_at")},
                    {_raw(found, "timestamp")} as raw_timestamp,
                    {_properties(found)}{_columns(new)},
                    to_json(f) as line
                from {source} as f
            )
        )"""


def typed_persons(source: str, found: Mapping[str, str], new: Mapping[str, Kind]) -> str:
    """SQL for rows of `persons` with `reason` and `line`, of a file with the columns `found`."""
    account = settings.option("posthog", "account_property", "company_id")
    return f"""
        select p_team_id as team_id, p_distinct_id as distinct_id, p_person_id as person_id,
            coalesce(m[1], m[2]) as email, m[3] as account_key,
            coalesce(p_is_deleted, false) as is_deleted,
            least(coalesce(p_link_version, 0), 2147483647) * 4294967296
                + least(coalesce(p_person_version, 0), 4294967295) as version,
            p_created_at as created_at, p_inserted_at as inserted_at,
            p_properties as properties{_names(new)},
            case
                when p_team_id is null then 'team_id is a key and is missing'
                when coalesce(trim(p_distinct_id), '') = ''
                    then 'distinct_id is a key and is missing'
                when coalesce(p_person_id, '') = '' then 'person_id is missing'
                when not is_object then 'properties is not a JSON object'
            end as reason,
            line
        from (
            select *, case when is_object
                then json_extract_string(p_properties, {_extracted("email", "$email", account)})
                end as m
            from (
                select {_text(found, "distinct_id")}, {_text(found, "person_id")},
                    {_number(found, "team_id")}, {_number(found, "person_version")},
                    {_number(found, "person_distinct_id_version", "link_version")},
                    try_cast({_raw(found, "is_deleted")} as boolean) as p_is_deleted,
                    {_moment(found, "created_at")}, {_moment(found, "_inserted_at", "inserted_at")},
                    {_properties(found)}{_columns(new)},
                    to_json(f) as line
                from {source} as f
            )
        )"""


def _raw(found: Mapping[str, str], name: str) -> str:
    return f'f."{name}"' if name in found else "cast(null as varchar)"


def _text(found: Mapping[str, str], name: str) -> str:
    return f"cast({_raw(found, name)} as varchar) as p_{name}"


def _number(found: Mapping[str, str], name: str, called: str = "") -> str:
    return f"try_cast({_raw(found, name)} as bigint) as p_{called or name}"


def _moment(found: Mapping[str, str], name: str, called: str = "") -> str:
    """Times come typed, or as texts in ISO 8601; without a zone they are UTC."""
    typed = found.get(name, "").startswith("TIMESTAMP")
    raw = _raw(found, name) if typed else f"cast({_raw(found, name)} as varchar)"
    return f"try_cast({raw} as timestamptz) as p_{called or name}"


def _properties(found: Mapping[str, str]) -> str:
    """Properties come as JSON text, or in some formats as nested values."""
    if found.get("properties", "VARCHAR") in ("VARCHAR", "JSON"):
        text = f"coalesce(cast({_raw(found, 'properties')} as varchar), '{{}}')"
    else:
        text = f"cast(to_json({_raw(found, 'properties')}) as varchar)"
    return (
        f"{text} as p_properties, ltrim(p_properties)[1] = '{{' and json_valid(p_properties) "
        "as is_object"
    )


def _extracted(*names: str) -> str:
    """A list of JSON paths; a name behind `$groups` is looked up in it."""
    paths, before = [], ""
    for name in names:
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("'", "''") + '"'
        paths.append(f"'$.{before}{quoted}'")
        before = f"{quoted}." if name == "$groups" else ""
    return f"[{', '.join(paths)}]"


def _columns(new: Mapping[str, Kind]) -> str:
    return "".join(f", {as_kind(name, kind)}" for name, kind in new.items())


def _names(new: Mapping[str, Kind]) -> str:
    return "".join(f', "{name}"' for name in new)
