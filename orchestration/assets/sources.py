"""One step per source: pull it into its own raw file, and say what arrived.

A source that cannot be pulled must not stop the others, nor the marts. Dagster skips everything
behind a failed step, so after its last try the step hands on its tables as they were and fails the
check `pulled` instead, with the reason. Nothing is recorded as materialised then, so every age that
the UI shows stays true; and the check `sources_complete` fails the run when all the rest is done.
"""

import traceback
from collections.abc import Iterator

import dagster as dg
import duckdb
from dagster._core.definitions.source_asset import (
    # Marks an output that hands on an asset without claiming to have made it.
    SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION as HANDED_ON,
)

from ingestion import pipeline, settings
from ingestion.pipeline import PullError, PullResult
from orchestration import environment, policies
from orchestration.translators import raw_key, raw_spec

PULLED, PULLED_REASON = "pulled", "reason"
# Tag of a run that reads so many past days again.
REREAD_DAYS = "c360/reread_days"
# Written by dlt itself; models read it to leave out what a killed load left half done.
LOAD_LOG = "_dlt_loads"
WORTH_ANOTHER_TRY = {"unreachable", "rate_limited", "bad_answer", "locked"}

Events = Iterator[dg.MaterializeResult | dg.Output | dg.AssetCheckResult]


def pull_step(source: str) -> dg.AssetsDefinition:
    """The multi-asset of one source: every raw table, and the check that the pull went through."""
    tables = [*pipeline.table_names(source), LOAD_LOG]

    @dg.multi_asset(
        name=f"pull_{source}",
        specs=[policies.apply(raw_spec(source, table)) for table in tables],
        check_specs=[
            dg.AssetCheckSpec(
                PULLED,
                asset=raw_key(source, "pulls"),
                description=f"{source} answered, and everything it sent was loaded.",
            )
        ],
        pool=f"raw_{source}",
        retry_policy=dg.RetryPolicy(
            max_retries=policies.PULL_RETRIES,
            delay=policies.PULL_RETRY_DELAY_SECONDS,
            backoff=dg.Backoff.EXPONENTIAL,
        ),
    )
    def pull(context: dg.AssetExecutionContext) -> Events:
        try:
            with environment.source_options(source, _rereading(context, source)):
                result = pipeline.pull(source)
        except Exception as error:
            worth = not isinstance(error, PullError) or error.kind in WORTH_ANOTHER_TRY
            if worth and context.retry_number < policies.PULL_RETRIES:
                context.log.warning(f"{_reason(error)} Trying again.")
                # A bare exception: the cause's text may quote a customer's record.
                raise dg.Failure(_reason(error)) from None
            yield from _handed_on(source, tables, error)
        else:
            yield from _pulled(source, tables, result)

    return pull


def _rereading(context: dg.AssetExecutionContext, source: str) -> dict[str, str]:
    tagged = context.run.tags.get(REREAD_DAYS)
    days = int(tagged) if tagged else environment.reread_days()
    return policies.rereading(source, days) if days else {}


def _pulled(source: str, tables: list[str], result: PullResult) -> Events:
    totals = _row_counts(source, tables)
    for table in tables:
        yield dg.MaterializeResult(
            asset_key=raw_key(source, table),
            metadata={
                "dagster/row_count": totals[table],
                "rows_new_or_changed": result.rows.get(table, 0),
                "rows_rejected": result.rejected.get(table, 0),
            },
        )
    yield dg.AssetCheckResult(
        check_name=PULLED,
        asset_key=raw_key(source, "pulls"),
        passed=True,
        metadata={
            "rows_new_or_changed": sum(result.rows.values()),
            "rows_rejected": sum(result.rejected.values()),
            "seconds": (result.finished_at - result.started_at).total_seconds(),
            "resumed_a_killed_run": result.resumed,
            "new_columns": ", ".join(result.new_columns) or "none",
        },
    )


def _handed_on(source: str, tables: list[str], error: Exception) -> Events:
    pipeline.ensure_tables(source)
    for table in tables:
        yield dg.Output(
            None,
            output_name=raw_key(source, table).to_python_identifier(),
            metadata={HANDED_ON: True},
        )
    yield dg.AssetCheckResult(
        check_name=PULLED,
        asset_key=raw_key(source, "pulls"),
        passed=False,
        metadata={
            PULLED_REASON: _reason(error),
            "kind": error.kind if isinstance(error, PullError) else "unforeseen",
        },
    )


def _reason(error: Exception) -> str:
    """What went wrong in words that hold no record: a PullError's own, else only type and place."""
    if isinstance(error, PullError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename.rsplit('/', 1)[-1]}:{place.lineno}."


def _row_counts(source: str, tables: list[str]) -> dict[str, int]:
    with duckdb.connect(settings.raw_database(source), read_only=True) as raw:
        # File and schema have the same name: two-part names would be ambiguous.
        raw.execute(f"use raw_{source}.raw_{source}")
        return {
            table: raw.sql(f'select count(*) from "{table}"').fetchall()[0][0] for table in tables
        }
