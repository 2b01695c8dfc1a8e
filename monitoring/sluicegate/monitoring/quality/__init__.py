"""Predictions meet their late labels and each other: decisions, joins and counts, as values."""
