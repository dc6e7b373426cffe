"""Time-to-event estimators on arrays: Cox, competing risks, splines, grouped hazards, and what is asked of them."""
