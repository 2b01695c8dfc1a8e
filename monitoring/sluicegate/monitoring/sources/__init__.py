"""Room of monitoring: sources."""
