"""Room of serving: protocol."""
