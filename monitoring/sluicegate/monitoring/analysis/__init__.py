"""Counts of one rollout go in; a verdict that may be looked at at any time, and the record of it, come out."""
