{% test at_least(model, column_name, bound, strictly=false) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} {{ "<=" if strictly else "<" }} {{ bound }}
{% endtest %}

{% test between(model, column_name, least, most) %}
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
select open, high, low, close
from {{ model }}
where low > least(open, close) or high < greatest(open, close)
{% endtest %}
