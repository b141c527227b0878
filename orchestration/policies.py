"""How fresh each thing must be, who answers for it, and what is tried again: one table.

Two clocks are watched. The *run* clock, Dagster's freshness policy: when was this asset last made?
The *data* clock, an asset check: how old is the newest record in it? A pull that finds nothing new
keeps the first one fresh and lets the second one age, so a silent vendor shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import dagster as dg


@dataclass(frozen=True)
class Window:
    """Ages in hours at which something is late (`warn`) and stale (`fail`)."""

    warn: float
    fail: float

    def policy(self) -> dg.FreshnessPolicy:
        """The window as Dagster's freshness policy."""
        return dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=self.warn), fail_window=timedelta(hours=self.fail)
        )


@dataclass(frozen=True)
class Policy:
    """What is promised for the assets whose key starts with one prefix."""

    made_within: Window
    data_within: Window
    owner: str


DATA_PLATFORM = "team:data-platform"
CUSTOMER_SUCCESS = "team:customer-success"

DAY = Window(warn=26, fail=50)
WEEKS = Window(warn=14 * 24, fail=42 * 24)

# First matching prefix wins; the last row catches everything else.
POLICIES: dict[str, Policy] = {
    # Product events are pulled every hour; vendors hold the last hours back, so data may be older.
    "raw_mixpanel": Policy(Window(3, 26), Window(30, 54), DATA_PLATFORM),
    "raw_posthog": Policy(Window(3, 26), Window(30, 54), DATA_PLATFORM),
    "raw_amplitude": Policy(Window(3, 26), Window(30, 54), DATA_PLATFORM),
    "raw_segment": Policy(Window(3, 26), Window(30, 54), DATA_PLATFORM),
    "raw_stripe": Policy(DAY, Window(50, 98), DATA_PLATFORM),
    # Small books change seldom: a company record may rightly rest for weeks.
    "raw_hubspot/companies": Policy(DAY, WEEKS, DATA_PLATFORM),
    "raw_hubspot/deals": Policy(DAY, WEEKS, DATA_PLATFORM),
    "raw_salesforce/accounts": Policy(DAY, WEEKS, DATA_PLATFORM),
    "raw_salesforce/opportunities": Policy(DAY, WEEKS, DATA_PLATFORM),
    # A CRM is quiet from Friday evening to Monday morning.
    "raw_hubspot": Policy(DAY, Window(74, 122), DATA_PLATFORM),
    "raw_salesforce": Policy(DAY, Window(74, 122), DATA_PLATFORM),
    # Few people answer, and not every day.
    "raw_delighted": Policy(DAY, WEEKS, DATA_PLATFORM),
    # A help desk rests at the weekend.
    "raw_zendesk": Policy(DAY, Window(74, 122), DATA_PLATFORM),
    # People drop a file when they have something to say.
    "raw_files": Policy(DAY, WEEKS, CUSTOMER_SUCCESS),
    # Support rests at weekends as well.
    "raw_intercom": Policy(DAY, Window(74, 122), DATA_PLATFORM),
    "marts": Policy(DAY, Window(50, 98), CUSTOMER_SUCCESS),
    # Made on the third of a month; holidays are no reason to be called.
    "published/month_close": Policy(
        Window(33 * 24, 38 * 24), Window(33 * 24, 38 * 24), CUSTOMER_SUCCESS
    ),
    # Made on the fifth of each quarter.
    "backtest": Policy(Window(95 * 24, 105 * 24), Window(95 * 24, 105 * 24), CUSTOMER_SUCCESS),
    "published": Policy(DAY, DAY, CUSTOMER_SUCCESS),
    "": Policy(DAY, Window(50, 98), DATA_PLATFORM),
}

# The network is tried again at step level, above what dlt tries by itself inside a request.
PULL_RETRIES = 2
PULL_RETRY_DELAY_SECONDS = 10

# A step that waits for a DuckDB file that a dying process still holds.
LOCK_WAIT_SECONDS = 120
AUDIT_RETRIES = dg.RetryPolicy(max_retries=2, delay=5)

# How far a publication may differ from the last one before the audit of the marts refuses it:
# the least share of its rows, and the most points by which the share of red customers may rise.
USUAL_CHANGE = {"MIN_PCT_OF_PUBLISHED": 80, "MAX_RED_RISE_POINTS": 10}
ANY_CHANGE = {"MIN_PCT_OF_PUBLISHED": 0, "MAX_RED_RISE_POINTS": 100}

# What a cursor can miss is read again: by every pull what its source looks back on by itself, once
# a week and before a month is closed so many days.
REREAD_DAYS = 35

# A run past this many seconds is ended by run monitoring and its pool slots are freed.
MAX_RUNTIME_SECONDS = 2 * 60 * 60


def policy_for(key: dg.AssetKey) -> Policy:
    """The first row of the table whose prefix begins the asset's key."""
    name = key.to_user_string()
    return next(policy for prefix, policy in POLICIES.items() if name.startswith(prefix))


def rereading(source: str, days: int) -> dict[str, str]:
    """The settings of a source with which a pull reads so many past days again.

    Empty for the others: PostHog exports by the moment of ingestion, so nothing comes in behind
    the cursor; Heap's dumps and dropped files come whole; HubSpot, Salesforce and Intercom compare
    the vendor's count with their own in every pull and list everything when the two differ; Zendesk
    and Delighted are told of every change, and list again what nothing tells of.
    """
    return {
        # Stripe has no window: everything is listed and compared.
        "stripe": {"reconcile_days": "0"},
        "mixpanel": {"lookback_days": f"{days}"},
        "amplitude": {"lookback_hours": f"{24 * days}"},
        "segment": {"lookback_days": f"{days}"},
    }.get(source, {})


def apply(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with owner and freshness policy of the table."""
    policy = policy_for(spec.key)
    return spec.replace_attributes(
        owners=[policy.owner], freshness_policy=policy.made_within.policy()
    )
