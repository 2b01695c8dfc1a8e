"""Room of components: deployment."""
