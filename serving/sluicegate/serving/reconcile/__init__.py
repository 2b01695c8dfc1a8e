"""Decides, without doing: which servers, routes and statuses should be, and what a rollout's next phase is."""
