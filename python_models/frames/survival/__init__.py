"""Survival models of the study: from marts to arrays and back."""
