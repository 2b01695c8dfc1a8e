"""Room of components: registry."""
