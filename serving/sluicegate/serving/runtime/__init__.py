"""Room of serving: runtime."""
