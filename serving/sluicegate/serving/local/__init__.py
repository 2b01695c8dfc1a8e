"""Room of serving: local."""
