{#
    Exponential moving average by its own recursion, ema += alpha * (x - ema), seeded by the first value: exact over any
    length, where sums of powers overflow. A null leaves the average as it was.
    Use: {{ ema('close', 2.0 / 13) }} over (partition by token_id order by price_date)
#}
{% macro create_ema_aggregate() %}
    create or replace function intermediate.ema_step(
        average double precision, x double precision, alpha double precision
    ) returns double precision language plpgsql immutable parallel safe as $$
    begin
        return case
            when x is null then average
            when average is null then x
            else average + alpha * (x - average)
        end;
    end $$;
    create or replace aggregate intermediate.ema(double precision, double precision) (
        sfunc = intermediate.ema_step, stype = double precision
    );
{% endmacro %}

{% macro ema(expression, alpha) -%}
    intermediate.ema(({{ expression }})::double precision, {{ alpha }}::double precision)
{%- endmacro %}
