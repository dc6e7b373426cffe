"""Associations of variants: from marts to arrays and back."""
