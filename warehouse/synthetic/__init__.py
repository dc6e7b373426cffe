"""The embedded synthetic cohort: a raw UK Biobank export that never was, with its planted truth beside it.

Process. Age, sex, centre, social position, lifestyle, adiposity and illness are drawn first (population.py). Lean
mass, grip, walking pace and heel BMD are correlated normals whose means depend on all of them (exposures.py). Planted
proteins and metabolites depend on lifestyle or on an exposure (mediators.py) and, with everything above, set the
hazards of osteoporosis, of latent sarcopenia and of death (outcomes.py). Records are made from the
events: hospital, GP and death tables by nation, first-occurrence fields, repeat visits (hospital.py, records.py,
visits.py), and dirtied as the real ones are (dirt.py). Summary statistics of a GWAS are drawn apart (gwas.py).

True effect. Per within-sex SD, log 0.83 (lean mass) and log 0.544 (grip), and log 0.74 per pace category, on incident
osteoporosis; log 0.60 per within-sex SD of heel BMD on hospital-coded sarcopenia: the large-sample values of model M2.

Bias of a naive model. Older, poorer, less active people and smokers are weaker, slower, leaner and have thinner bone,
and get both diseases more often: every unadjusted estimate is further from null by several standard errors. Adiposity
raises lean mass and bone and lowers the hazard of osteoporosis, and M2 does not adjust for it: M3 does.
"""
