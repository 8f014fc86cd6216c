{# Where `value` lies between `worst` and `best`, as a risk from 100 (worst or beyond) to 0 (best or beyond). #}
{% macro risk_between(value, worst, best) -%}
    (100 * least(1, greatest(0, ({{ best }} - ({{ value }})) / ({{ best }} - {{ worst }}))))
{%- endmacro %}
