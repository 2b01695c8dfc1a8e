"""Room of monitoring: analysis."""
