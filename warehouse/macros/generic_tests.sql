{# A set of columns identifies a row. Nulls count as a value. #}
{% test unique_combination(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as n_rows
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{# An identity between columns holds in every row in which it can be computed. #}
{% test identity_holds(model, identity) %}
select *
from {{ model }}
where not ({{ identity }})
{% endtest %}

{# A number stays inside its range. #}
{% test within(model, column_name, minimum=none, maximum=none) %}
select {{ column_name }}
from {{ model }}
where
    {{ column_name }} is not null
    and not (
        {%- if minimum is not none %} {{ column_name }} >= {{ minimum }}{% endif %}
        {%- if minimum is not none and maximum is not none %} and{% endif %}
        {%- if maximum is not none %} {{ column_name }} <= {{ maximum }}{% endif %}
    )
{% endtest %}
