{# The schemas have the names that the migrations gave them, without dbt's prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

{# The migrations made the schemas: the pipeline's role may not create any. #}
{% macro postgres__create_schema(relation) -%}
    {%- call statement('create_schema') -%}
        select 1
    {%- endcall -%}
{%- endmacro %}
