{{ config(materialized='view') }}

{{ deduplicated_events() }}
