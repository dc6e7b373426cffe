{# No expectation of this severity failed or could not be run. The failing rows name the rule, the count and the remedy. #}
{% test expectations_met(model, of_severity) %}
select
    asset,
    expectation,
    column_name,
    unexpected_count,
    message,
    reason,
    remedy
from {{ model }}
where severity = '{{ of_severity }}' and not is_success
{% endtest %}
