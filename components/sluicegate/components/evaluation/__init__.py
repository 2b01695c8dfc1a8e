"""Room of components: evaluation."""
