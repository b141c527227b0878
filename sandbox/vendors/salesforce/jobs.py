"""The endpoints of the bulk API's query jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.vendors.salesforce import bulk
from sandbox.vendors.salesforce.fields import Fields
from sandbox.vendors.salesforce.ids import record_id
from sandbox.vendors.salesforce.records import Records, is_deleted
from sandbox.vendors.salesforce.soql import BadQuery, parse, run

ROWS_PER_PART = 50_000


class Jobs:
    """Query jobs and their results."""

    def __init__(
        self, records: Records, fields: dict[str, Fields], options: Mapping[str, Any]
    ) -> None:
        self._records, self._fields = records, fields
        self._part = int(options.get("bulk_rows", ROWS_PER_PART))
        self._polls = int(options.get("bulk_polls", 1))
        self._jobs: dict[str, bulk.Job] = {}
        self._made = 0

    def routes(self, path: str) -> list[Route]:
        """Return the endpoints under `path`."""
        return [
            Route(path, self._make, methods=["POST"]),
            Route(path, self._list, methods=["GET"]),
            Route(path + "/{job}/results", self._results),
            Route(path + "/{job}", self._look, methods=["GET"]),
            Route(path + "/{job}", self._abort, methods=["PATCH"]),
            Route(path + "/{job}", self._forget, methods=["DELETE"]),
        ]

    async def _make(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            operation, text = str(asked["operation"]), str(asked["query"])
        except (ValueError, KeyError, TypeError):
            return _refused(400, "INVALIDJOB", "operation and query are required")
        separator, ending = asked.get("columnDelimiter", "COMMA"), asked.get("lineEnding", "LF")
        known = separator in bulk.SEPARATORS and ending in bulk.ENDINGS
        if operation not in ("query", "queryAll") or not known:
            return _refused(400, "INVALIDJOB", "operation, delimiter or line ending is not known")
        try:
            query = parse(text, self._fields)
        except BadQuery as problem:
            return _refused(400, "API_ERROR", f"{problem.code}: {problem}")
        if not query.fields:
            return _refused(400, "API_ERROR", "Aggregate queries are not supported")
        compound = [f for f in query.fields if self._fields[query.kind][f] == "address"]
        if compound:
            return _refused(400, "FEATURENOTENABLED", f"Selecting compound data: {compound[0]}")
        rows = [
            row
            for row in self._records.all(query.kind)
            if operation == "queryAll" or not is_deleted(row.record)
        ]
        self._made += 1
        job = bulk.Job(
            bulk.job_id(self._made), request.path_params["version"], operation, text, query.kind,
            query.fields, run(query, rows, self._fields[query.kind]), self._records.now, separator,
            ending, self._polls,
        )  # fmt: skip
        self._jobs[job.id] = job
        return JSONResponse(job.info(record_id("User", 1)))

    async def _list(self, request: Request) -> Response:
        listed = [job.info(record_id("User", 1)) for job in self._jobs.values()]
        return JSONResponse({"done": True, "nextRecordsUrl": None, "records": listed})

    async def _look(self, request: Request) -> Response:
        job = self._of(request)
        if isinstance(job, Response):
            return job
        if request.scope["sandbox.fault"] == "job_failed":
            job.state = "Failed"
        job.look()
        return JSONResponse(job.info(record_id("User", 1)))

    async def _abort(self, request: Request) -> Response:
        job = self._of(request)
        if isinstance(job, Response):
            return job
        job.state = "Aborted"
        return JSONResponse(job.info(record_id("User", 1)))

    async def _forget(self, request: Request) -> Response:
        job = self._of(request)
        if isinstance(job, Response):
            return job
        del self._jobs[job.id]
        return Response(status_code=204)

    async def _results(self, request: Request) -> Response:
        job = self._of(request)
        if isinstance(job, Response):
            return job
        if job.state in ("Failed", "Aborted"):
            return Response(status_code=204)
        if job.state != "JobComplete":
            message = ("can only download query results of successfully completed bulk job, "
                       f"current state is {job.state}")  # fmt: skip
            return _refused(412, "JOB_NOT_COMPLETE", message)
        start = bulk.position(request.query_params.get("locator"))
        most = request.query_params.get("maxRecords", str(self._part))
        if start is None or not most.isdigit():
            return _refused(400, "INVALID_LOCATOR", "the locator is not valid")
        text, count, following = job.part(start, min(self._part, int(most)))
        headers = {"Sforce-NumberOfRecords": str(count), "Sforce-Locator": following}
        return Response(text, media_type="text/csv", headers=headers)

    def _of(self, request: Request) -> bulk.Job | Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            return _refused(404, "NOT_FOUND", "The requested resource does not exist")
        if job.version != request.path_params["version"]:
            return _refused(409, "API_ERROR", f"the job was made with version {job.version}")
        return job


def _refused(status: int, code: str, message: str) -> Response:
    return JSONResponse([{"errorCode": code, "message": message}], status)
