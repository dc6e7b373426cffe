"""Causal mediation on arrays: exposure -> biomarker -> outcome, one mediator, many one by one, or several jointly."""
