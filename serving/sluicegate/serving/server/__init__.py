"""Room of serving: server."""
