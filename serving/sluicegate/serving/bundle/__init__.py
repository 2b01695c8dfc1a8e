"""Room of serving: bundle."""
