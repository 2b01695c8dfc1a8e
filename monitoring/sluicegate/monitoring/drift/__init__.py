"""Room of monitoring: drift."""
