"""Where data come in, rest and go out: ingest, the synthetic cohort, seeds, macros, publish."""
