{{ config(meta={'trap': 6}, severity='warn') }}
-- Field 191 was last updated in May 2017: it censors whom it names, and says nothing of who was lost later. Later dates mean that the
-- field is kept up again, or that another date was exported under its name.
select count(*) as n_participants
from {{ ref('int_participants__included') }}
where lost_to_follow_up_date > cast('2017-05-31' as date)
having count(*) > 0
