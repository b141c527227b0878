{{ config(materialized='view') }}
select * from {{ ref('int_item_mrr_days') }}
where is_month_end
