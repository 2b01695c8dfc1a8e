"""Room of serving: client."""
