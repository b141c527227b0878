"""The month's figures as they stood when it was closed, kept beside what keeps changing."""

from datetime import date, timedelta

import dagster as dg

from orchestration import environment, policies
from orchestration.assets.publication import PUBLICATION
from publish import reader
from publish.closing import close_month, closed

MONTH_CLOSE = dg.AssetKey(["published", "month_close"])


def month_close(tags: dict[str, str]) -> dg.AssetsDefinition:
    """The asset `published/month_close`, made by the job that `tags` name."""
    policy = policies.policy_for(MONTH_CLOSE)

    @dg.asset(
        key=MONTH_CLOSE,
        deps=[PUBLICATION],
        group_name="f_published",
        owners=[policy.owner],
        freshness_policy=policy.made_within.policy(),
        kinds={"duckdb"},
        tags=tags,
        description=(
            "The publication that the last month was closed with, as a file of its own:"
            " `closed/c360_<year>_<month>.duckdb`. Late invoices and corrections change the marts;"
            " what was reported stays to be seen. A month is closed once."
        ),
    )
    def close() -> dg.MaterializeResult:
        target = environment.publish_dir()
        month = last_month(reader.publication(target).as_of.date())
        new = close_month(target, month)
        return dg.MaterializeResult(
            metadata={
                "month": f"{month:%Y-%m}",
                "file": closed(target, month).name,
                "was_closed_already": not new,
            }
        )

    return close


def last_month(day: date) -> date:
    """The first day of the last month that was over on `day`."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
