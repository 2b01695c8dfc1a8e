"""Room of serving: api."""
