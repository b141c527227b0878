"""A small warehouse in which every row of every mart carries the number of its build."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

AS_OF = datetime(2026, 3, 10, 12, tzinfo=UTC)


def build_at(path: Path, batch: int = 1, rows: int = 100, sources: int = 2) -> Path:
    """Build the warehouse anew at `path`."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create schema staging;
            create table staging.private as select 1 as secret;
            create schema marts;
            create table marts.customer_360 as
                select 'hubspot:' || i as account_id, cast(i * 1.5 as decimal(18, 4)) as mrr,
                    i || '@example.com' as owner_email, {batch} as batch
                from range({rows}) r(i);
            create table marts.mrr_monthly as
                select 'hubspot:' || i as account_id, date '2026-03-01' as month_on,
                    {batch} as batch
                from range({rows} * 20) r(i);
            create view marts.account_ids as
                select account_id, batch from marts.customer_360;
            create table marts.source_freshness as
                select * from (values
                    ('hubspot', 'crm', timestamp '2026-03-10 09:00', timestamp '2026-03-10 11:00',
                        cast(3 as decimal(9, 2)), cast(1 as decimal(9, 2)), {batch}),
                    ('mixpanel', 'product', null, timestamp '2026-03-09 12:00', null, 24, {batch})
                ) t(source, kind, newest_record_at, pulled_at, data_age_hours, pull_age_hours,
                    batch)
                limit {sources};
            comment on table marts.customer_360 is 'One row per account; it''s now.';
            comment on column marts.customer_360.mrr is 'Monthly recurring revenue.';
            comment on column marts.customer_360.owner_email is 'E-mail of the owner.';
            comment on view marts.account_ids is 'One row per account id.';
            comment on column marts.account_ids.account_id is 'The account.';
        """)
    return path
