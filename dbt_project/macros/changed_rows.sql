{#
    Of the rows of CTE `rows`, those that the table does not hold yet or holds otherwise. A late or corrected candle so
    reaches the table however old it is, and an incremental build equals a full one.
#}
{% macro changed_rows(rows, columns) %}
select {{ rows }}.*
from {{ rows }}
{% if is_incremental() %}
left join {{ this }} as held
    on {{ rows }}.token_id = held.token_id
    and {{ rows }}.price_date = held.price_date
where held.token_id is null
    or ({% for column in columns %}{{ rows }}.{{ column }}{{ ", " if not loop.last }}{% endfor %})
        is distinct from ({% for column in columns %}held.{{ column }}{{ ", " if not loop.last }}{% endfor %})
{% endif %}
{% endmacro %}

{# A day whose candle was removed at either end of a history, or with all of it, leaves the table, too. #}
{% macro without_removed_days() %}
delete from {{ this }} as held
where not exists (
    select 1
    from {{ ref('int_prices_daily_filled') }} as prices
    where prices.token_id = held.token_id and prices.price_date = held.price_date
)
{% endmacro %}

{# Of what has `column`, that from `oldest` on, which is computed from the rows that the table holds; all where it holds none. #}
{% macro where_from(column, oldest) %}
{% if is_incremental() %}where {{ column }} >= coalesce((select {{ oldest }} from {{ this }}), '-infinity'){% endif %}
{% endmacro %}
