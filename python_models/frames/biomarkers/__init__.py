"""Proteins and metabolites: from marts to arrays and back."""
