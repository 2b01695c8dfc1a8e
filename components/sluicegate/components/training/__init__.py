"""Room of components: training."""
