"""Room of serving: gateway."""
