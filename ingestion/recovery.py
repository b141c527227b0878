"""Cleaning up after a pull that was killed."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dlt

# Folders of finished loads that dlt keeps; they hold no records any more, only file lists.
KEPT_PACKAGES = 20


def finish_pending(pipeline: dlt.Pipeline) -> bool:
    """Finishes what a killed pull had extracted, or gives it up when that cannot be done.

    Returns whether there was anything. What is given up is pulled again: how far a source has been
    pulled is read from completed loads alone.
    """
    if not pipeline.has_pending_data:
        return False
    _undo_unsure_jobs(pipeline)
    try:
        pipeline.normalize()
        pipeline.load()
    except Exception:
        _abort(pipeline)
    return True


def remove_unfinished_appends(pipeline: dlt.Pipeline, tables: Sequence[str]) -> None:
    """Removes rows of loads that were neither finished nor can be any more.

    Only of tables that are written without a key: in the others the next pull replaces them.
    """
    with pipeline.sql_client() as client:
        loads = client.make_qualified_table_name("_dlt_loads")
        for table in tables:
            client.execute_sql(
                f"delete from {client.make_qualified_table_name(table)} where _dlt_load_id "
                f"not in (select load_id from {loads} where status = 0)"
            )


def tidy(pipeline: dlt.Pipeline) -> None:
    """Deletes the files of extractions that were killed, and the oldest lists of finished loads."""
    working = Path(pipeline.working_dir)
    for folder in (working / "normalize").glob("*"):
        if folder.is_dir() and folder.name != "extracted":
            shutil.rmtree(folder)
    finished = sorted((working / "load" / "loaded").glob("*"))
    for folder in finished[:-KEPT_PACKAGES]:
        shutil.rmtree(folder)


def _undo_unsure_jobs(pipeline: dlt.Pipeline) -> None:
    """Takes out again what a job may have copied before the kill, so that it can be run again.

    A job that was started may have been committed without dlt having noted it; run twice it would
    leave its rows twice.
    """
    with pipeline.sql_client() as client:
        for load_id in pipeline.list_normalized_load_packages():
            started = pipeline.get_load_package_info(load_id).jobs["started_jobs"]
            files = [job for job in started if job.job_file_info.file_format == "parquet"]
            for dataset in (client.dataset_name, client.staging_dataset_name):
                for job in files:
                    with client.with_alternative_dataset_name(dataset):
                        _take_out(client, dataset, job.job_file_info.table_name, job.file_path)


def _take_out(client: Any, dataset: str, table: str, parquet: str) -> None:
    with client.execute_query(
        "select 1 from information_schema.tables where table_schema = %s and table_name = %s",
        dataset,
        table,
    ) as cursor:
        exists = cursor.fetchone()
    if exists:
        client.execute_sql(
            f"delete from {client.make_qualified_table_name(table)} "
            "where _dlt_id in (select _dlt_id from read_parquet(%s))",
            parquet,
        )


def _abort(pipeline: dlt.Pipeline) -> None:
    try:
        pipeline.abort_packages()
    except Exception:
        # dlt reports an abort that worked by raising; one that did not leaves packages behind.
        if pipeline.has_pending_data:
            raise
