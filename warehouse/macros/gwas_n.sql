{# People behind a line of a GWAS: total or effective, as gwas_case_control_n says. #}
{% macro gwas_n(line, shares) -%}
case
            {% if var('gwas_case_control_n') == 'effective' -%}
            when {{ line }}.sample_prevalence is not null
                then 4 * {{ line }}.n_total * {{ line }}.sample_prevalence * (1 - {{ line }}.sample_prevalence)
            {% endif -%}
            -- as ldsc: a variant with relatively fewer cases than the largest studies tells less
            when {{ line }}.is_sized_by_cases
                then {{ line }}.n_total * {{ line }}.sample_prevalence / {{ shares }}.sample_prevalence
            else {{ line }}.n_total
        end
{%- endmacro %}
