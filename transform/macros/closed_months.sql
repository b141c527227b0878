{#-
    Books of months that are closed are written once, some days after the month has ended (var
    month_close_days), and stay. `newly_closed` is a condition on a CTE `months` with month_on: those
    whose time has come and that come after what is closed already. A replay closes nothing.
-#}
{% macro newly_closed() -%}
    cast({{ dbt.dateadd('month', 1, 'months.month_on') }} as date)
    <= cast({{ dbt.dateadd('day', -var('month_close_days'), as_of_day()) }} as date)
    {%- if is_incremental() %}
    and months.month_on > (select coalesce(max(month_on), cast('0001-01-01' as date)) from {{ this }})
    {%- endif %}
{%- endmacro %}

{#- Before closing: forget what was closed from the month of var reopen_books_from on, if it is given. -#}
{% macro reopen_books() -%}
    {%- if is_incremental() and not flags.EMPTY and var('reopen_books_from', none) -%}
        delete from {{ this }}
        where month_on >= cast('{{ var("reopen_books_from") }}' as date)
    {%- endif -%}
{%- endmacro %}

{#- Columns of an account's month: what it is about, then its amounts in both currencies. -#}
{% macro account_month_columns() -%}
    {{- return([
        'account_id', 'month_on', 'measured_on', 'is_closed', 'origin', 'currency', 'is_multi_currency',
        'movement', 'is_involuntary',
    ]) -}}
{%- endmacro %}

{% macro account_month_amounts() -%}
    {%- set amounts = ['opening_mrr'] -%}
    {%- for name in mrr_movements() + ['cross_sell', 'transfer', 'restatement', 'fx'] -%}
        {%- do amounts.append(name ~ '_mrr') -%}
    {%- endfor -%}
    {{- return(amounts + ['mrr', 'usage_mrr']) -}}
{%- endmacro %}

{#-
    The account months after the last one in `closed`, a relation like int_closed_account_mrr, or all
    months if it is none: a whole query. The first of them opens with what was closed, not with what is
    known of it by now. The difference is a transfer as far as contracts turned out to be another
    account's, and a restatement for the rest, so that the books go on without a gap. An account that
    is no more goes on at zero.
-#}
{% macro open_account_months(closed=none) -%}
    {%- set names = account_month_columns() -%}
    with computed as (
        select *, 0 as restatement_mrr, 0 as restatement_mrr_reporting from {{ ref('int_account_mrr') }}
    ),

    closed as (
        {%- if closed %}
        select account_id, month_on, currency, is_multi_currency, mrr, mrr_reporting from {{ closed }}
        where frozen_at <= {{ as_of() }}
        {%- else %}
        select account_id, month_on, currency, is_multi_currency, mrr, mrr_reporting from computed
        where 1 = 0
        {%- endif %}
    ),

    last_closed as (
        select max(month_on) as month_on from closed
    ),

    first_open as (
        select cast({{ dbt.dateadd('month', 1, 'month_on') }} as date) as month_on from last_closed
    ),

    open_months as (
        select months.* from {{ ref('int_mrr_months') }} as months
        cross join last_closed
        where last_closed.month_on is null or months.month_on > last_closed.month_on
    ),

    as_closed as (
        select closed.* from closed
        inner join last_closed on closed.month_on = last_closed.month_on
    ),

    as_known as (
        select computed.* from computed
        inner join last_closed on computed.month_on = last_closed.month_on
    ),

    rates as (
        select * from {{ ref('int_exchange_rates') }}
    ),

    reassigned as (
        {#- Contracts that were closed under one account and are known to be another's. -#}
        select
            before.account_id as from_account_id,
            now_known.account_id as to_account_id,
            before.mrr as amount,
            before.mrr * rates.rate as amount_reporting
        from {{ ref('int_closed_item_mrr') }} as before
        inner join last_closed on before.month_on = last_closed.month_on
        inner join {{ ref('int_item_mrr') }} as now_known
            on
                before.source = now_known.source
                and before.item_source_id = now_known.item_source_id
                and before.month_on = now_known.month_on
                and before.currency = now_known.currency
        left join rates
            on
                now_known.currency = rates.currency
                and now_known.measured_on >= rates.valid_from
                and (rates.valid_to is null or now_known.measured_on < rates.valid_to)
        where
            before.frozen_at <= {{ as_of() }}
            and now_known.mrr > 0
            and before.account_id <> now_known.account_id
    ),

    handed_over as (
        select account_id, sum(amount) as amount, sum(amount_reporting) as amount_reporting
        from (
            select to_account_id as account_id, amount, amount_reporting from reassigned
            union all
            select from_account_id as account_id, -amount as amount, -amount_reporting as amount_reporting
            from reassigned
        ) as both_sides
        group by account_id
    ),

    seams as (
        select
            first_open.month_on,
            coalesce(as_closed.account_id, as_known.account_id) as account_id,
            as_closed.account_id is not null as was_closed,
            as_closed.currency,
            coalesce(as_closed.mrr, 0) as mrr,
            as_closed.mrr_reporting,
            coalesce(handed_over.amount, 0) as handed_over,
            coalesce(handed_over.amount_reporting, 0) as handed_over_reporting
        from as_closed
        full outer join as_known on as_closed.account_id = as_known.account_id
        left join handed_over
            on coalesce(as_closed.account_id, as_known.account_id) = handed_over.account_id
        cross join first_open
    ),

    gone as (
        select as_closed.* from as_closed
        left join (select distinct account_id from computed) as known on as_closed.account_id = known.account_id
        where known.account_id is null
    ),

    months_of_accounts as (
        select
            {{ names | join(', ') }},
            {%- for name in account_month_amounts() %}
            {{ name }},
            {{ name }}_reporting,
            {%- endfor %}
            arr_reporting,
            carr_reporting,
            items_counted
        from computed
        where month_on in (select open_months.month_on from open_months)
        union all
        select
            gone.account_id,
            open_months.month_on,
            open_months.measured_on,
            open_months.is_closed,
            'none' as origin,
            gone.currency,
            gone.is_multi_currency,
            'none' as movement,
            cast(null as {{ dbt.type_boolean() }}) as is_involuntary,
            {%- for name in account_month_amounts() %}
            0 as {{ name }},
            0 as {{ name }}_reporting,
            {%- endfor %}
            0 as arr_reporting,
            0 as carr_reporting,
            0 as items_counted
        from gone
        cross join open_months
    ),

    joined as (
        select
            months_of_accounts.*,
            seams.account_id is not null as is_seam,
            {#- An account that pays in one more currency is kept in another one from now on. -#}
            coalesce(seams.currency = months_of_accounts.currency, true) as is_same_currency,
            seams.mrr as closed_mrr,
            case when seams.was_closed then coalesce(seams.mrr_reporting, months_of_accounts.opening_mrr_reporting) else 0 end
                as closed_mrr_reporting,
            case when months_of_accounts.is_multi_currency then seams.handed_over_reporting else seams.handed_over end
                as handed_over,
            seams.handed_over_reporting
        from months_of_accounts
        left join seams
            on months_of_accounts.account_id = seams.account_id and months_of_accounts.month_on = seams.month_on
    )

    select
        {%- for name in names %}
        {%- if name == 'movement' %}
        case
            when movement = 'none' and is_seam and handed_over <> 0 and is_same_currency then 'transfer'
            else movement
        end as movement,
        {%- else %}
        {{ name }},
        {%- endif %}
        {%- endfor %}
        {%- for suffix, is_told in [('', 'is_seam and is_same_currency'), ('_reporting', 'is_seam')] %}
        {%- for name in account_month_amounts() %}
        {%- set column = name ~ suffix %}
        {%- if name == 'opening_mrr' %}
        {{ money('case when ' ~ is_told ~ ' then closed_mrr' ~ suffix ~ ' else ' ~ column ~ ' end') }} as {{ column }},
        {%- elif name == 'transfer_mrr' %}
        {{ money(column ~ ' + case when ' ~ is_told ~ ' then handed_over' ~ suffix ~ ' else 0 end') }} as {{ column }},
        {%- elif name == 'restatement_mrr' %}
        {{ money(
            'case when ' ~ is_told ~ ' then opening_mrr' ~ suffix ~ ' - closed_mrr' ~ suffix
            ~ ' - handed_over' ~ suffix ~ ' else 0 end'
        ) }} as {{ column }},
        {%- else %}
        {{ money(column) }} as {{ column }},
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
        {{ money('arr_reporting') }} as arr_reporting,
        {{ money('carr_reporting') }} as carr_reporting,
        cast(items_counted as {{ dbt.type_bigint() }}) as items_counted
    from joined
{%- endmacro %}
