"""Room of serving: reconcile."""
