"""Corruptions of raw files as they happen to people, each with the check that names it at the earliest door."""
