"""Records that could not be read, as rows of the table `quarantine`."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from ingestion.reading import ARROW, Reject, with_row_ids
from ingestion.tables import QUARANTINE


def quarantine_rows(rejects: Sequence[Reject], seen_at: datetime) -> pa.Table:
    """One row per record and reason. The key is made of both, so a pull that meets the same broken
    record again adds nothing."""
    rows = {_key(reject): reject for reject in rejects}
    columns = {
        "quarantine_key": list(rows),
        "resource": [reject.resource for reject in rows.values()],
        "record_key": [reject.record_key for reject in rows.values()],
        "reason": [reject.reason for reject in rows.values()],
        "payload": [reject.payload for reject in rows.values()],
        "seen_at": [seen_at] * len(rows),
    }
    return with_row_ids(
        pa.table({name: pa.array(columns[name], ARROW[k]) for name, k in QUARANTINE.kinds.items()})
    )


def _key(reject: Reject) -> str:
    parts = (reject.resource, reject.record_key, reject.reason, reject.payload)
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()
