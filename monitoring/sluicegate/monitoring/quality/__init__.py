"""Room of monitoring: quality."""
