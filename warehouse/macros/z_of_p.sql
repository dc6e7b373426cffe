{# |Z| of a two-sided p value given as -log10 P, to 15 digits: Wichura 1988, Applied Statistics 37:477-484, algorithm AS 241 (PPND16), and beyond
   its range, from 300, the tail's asymptotic series: z^2 = y solves y = -2 log(P / 2) - log(2 pi y) - 2 / y + 5 / y^2 - 74 / (3 y^3), in four rounds from y = -2 log(P / 2). #}
{% macro z_of_neg_log10_p(neg_log10_p) -%}
{{ z_of_tail(neg_log10_p, central_of_neg_log10_p(neg_log10_p), root_of_neg_log10_p(neg_log10_p)) }}
{%- endmacro %}

{# The two variables of AS 241, 1/2 - P / 2 and the root of -log(P / 2): name them as columns first where a table is long, they occur thirty times. #}
{% macro central_of_neg_log10_p(neg_log10_p) -%}
(0.5e0 - power(10e0, -({{ neg_log10_p }})) / 2e0)
{%- endmacro %}
{% macro root_of_neg_log10_p(neg_log10_p) -%}
sqrt(greatest(({{ neg_log10_p }}) * ln(10e0) + ln(2e0), 0e0))
{%- endmacro %}

{# |Z| from -log10 P and those two. #}
{% macro z_of_tail(neg_log10_p, q, r) -%}
    {%- set middle = "(0.180625e0 - " ~ q ~ " * " ~ q ~ ")" -%}
case
    when ({{ neg_log10_p }}) >= 300 then {{ z_of_tiny_p(neg_log10_p) }}
    when {{ q }} <= 0.425e0 then {{ q }} * {{ horner(middle, ['2.5090809287301226727e3', '3.3430575583588128105e4', '6.7265770927008700853e4', '4.5921953931549871457e4', '1.3731693765509461125e4', '1.9715909503065514427e3', '1.3314166789178437745e2', '3.3871328727963666080e0']) }}
        / {{ horner(middle, ['5.2264952788528545610e3', '2.8729085735721942674e4', '3.9307895800092710610e4', '2.1213794301586595867e4', '5.3941960214247511077e3', '6.8718700749205790830e2', '4.2313330701600911252e1', '1e0']) }}
    when {{ r }} <= 5e0 then {{ horner("(" ~ r ~ " - 1.6e0)", ['7.74545014278341407640e-4', '2.27238449892691845833e-2', '2.41780725177450611770e-1', '1.27045825245236838258e0', '3.64784832476320460504e0', '5.76949722146069140550e0', '4.63033784615654529590e0', '1.42343711074968357734e0']) }}
        / {{ horner("(" ~ r ~ " - 1.6e0)", ['1.05075007164441684324e-9', '5.47593808499534494600e-4', '1.51986665636164571966e-2', '1.48103976427480074590e-1', '6.89767334985100004550e-1', '1.67638483018380384940e0', '2.05319162663775882187e0', '1e0']) }}
    else {{ horner("(" ~ r ~ " - 5e0)", ['2.01033439929228813265e-7', '2.71155556874348757815e-5', '1.24266094738807843860e-3', '2.65321895265761230930e-2', '2.96560571828504891230e-1', '1.78482653991729133580e0', '5.46378491116411436990e0', '6.65790464350110377720e0']) }}
        / {{ horner("(" ~ r ~ " - 5e0)", ['2.04426310338993978564e-15', '1.42151175831644588870e-7', '1.84631831751005468180e-5', '7.86869131145613259100e-4', '1.48753612908506148525e-2', '1.36929880922735805310e-1', '5.99832206555887937690e-1', '1e0']) }}
end
{%- endmacro %}

{# A polynomial in x, highest coefficient first. #}
{% macro horner(x, coefficients) -%}
    {%- set text = namespace(value=coefficients[0]) -%}
    {%- for coefficient in coefficients[1:] -%}
        {%- set text.value = "(" ~ text.value ~ " * " ~ x ~ " + " ~ coefficient ~ ")" -%}
    {%- endfor -%}
{{ text.value }}
{%- endmacro %}

{# |Z| where -log10 P is at least 300. #}
{% macro z_of_tiny_p(neg_log10_p) -%}
    {%- set a = "(2e0 * ((" ~ neg_log10_p ~ ") * ln(10e0) + ln(2e0)))" -%}
    {%- set y = namespace(value=a) -%}
    {%- for _ in range(4) -%}
        {%- set y.value = "(" ~ a ~ " - ln(2e0 * pi() * " ~ y.value ~ ") - 2e0 / " ~ y.value ~ ")" if loop.index < 4
            else "(" ~ a ~ " - ln(2e0 * pi() * " ~ y.value ~ ") - 2e0 / " ~ y.value ~ " + 5e0 / power(" ~ y.value ~ ", 2) - 74e0 / 3e0 / power(" ~ y.value ~ ", 3))" -%}
    {%- endfor -%}
sqrt({{ y.value }})
{%- endmacro %}
