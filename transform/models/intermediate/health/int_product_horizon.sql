{#-
    The last day of which all product sources tell: use is measured up to it, so that a pull that
    fails, or tracking that fell silent for everybody, makes numbers old and not customers quiet.
-#}
select coalesce(min(known_through), {{ as_of_day() }}) as day
from {{ ref('int_product_coverage') }}
