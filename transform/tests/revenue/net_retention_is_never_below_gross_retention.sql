select net.month_on
from {{ ref('kpi_monthly') }} as net
inner join {{ ref('kpi_monthly') }} as gross
    on net.month_on = gross.month_on and gross.metric = 'grr_12m'
where net.metric = 'nrr_12m' and net.value < gross.value
