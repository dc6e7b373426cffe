"""Mediation families: from marts to arrays and back."""
