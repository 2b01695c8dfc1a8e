"""Room of monitoring: collector."""
