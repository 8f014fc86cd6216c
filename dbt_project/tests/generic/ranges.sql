{# One token's figure out of range warns: what speaks of rows stops no other token. The suites set aside. #}
{% test at_least(model, column_name, bound, strictly=false) %}
{{ config(severity='warn') }}
select {{ column_name }}
from {{ model }}
where {{ column_name }} {{ "<=" if strictly else "<" }} {{ bound }}
{% endtest %}

{% test between(model, column_name, least, most) %}
{{ config(severity='warn') }}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not between {{ least }} and {{ most }}
{% endtest %}

{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test ohlc_in_order(model) %}
{{ config(severity='warn') }}
select open, high, low, close
from {{ model }}
where low > least(open, close) or high < greatest(open, close)
{% endtest %}

{# A count of people who could be recognised fails the build. #}
{% test never_few(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} > 0 and {{ column_name }} < {{ var('fewest_people_shown') }}
{% endtest %}
