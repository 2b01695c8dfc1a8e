"""Room of components: packaging."""
