{#
    What is computed from so many people; null where these are few enough to be recognised. Nobody is no one to recognise.
#}
{% macro unless_few(expression, people) -%}
    case when {{ people }} = 0 or {{ people }} >= {{ var('fewest_people_shown') }} then {{ expression }} end
{%- endmacro %}

{# A view that gives nobody more than the rights to its tables do: a usual one reads by its owner's. #}
{% macro reads_by_the_readers_rights() -%}
    alter view {{ this }} set (security_invoker = true)
{%- endmacro %}
