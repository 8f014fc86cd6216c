{# The Monday of the present week, in UTC. #}
{% macro this_week() -%}
    date_trunc('week', current_timestamp at time zone 'UTC')::date
{%- endmacro %}
