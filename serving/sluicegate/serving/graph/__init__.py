"""Room of serving: graph."""
