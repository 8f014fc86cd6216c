with

prices as (

    select * from {{ ref('int_prices_daily_filled') }}

),

previous as (

    select
        token_id,
        price_date,
        close,
        high,
        low,
        lag(close) over (partition by token_id order by price_date) as previous_close
    from prices

)

select
    token_id,
    price_date,
    ln(close::double precision / previous_close::double precision) as log_return,
    close::double precision - previous_close::double precision as price_change,
    ln(high::double precision / low::double precision) as log_range
from previous
