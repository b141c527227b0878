with sentiment as (
    {{ entity_with_named_account('csm_sentiment', 'records.given_on <= ' ~ as_of_day(), ['given_on', 'author']) }}
)

select
    source,
    source_id,
    account_source_id,
    account_id,
    sentiment,
    author,
    given_on,
    reason,
    expires_on,
    row_number() over (
        partition by coalesce(account_id, account_source_id) order by given_on desc, written_at desc, source_id desc
    ) = 1 as is_latest
from sentiment
