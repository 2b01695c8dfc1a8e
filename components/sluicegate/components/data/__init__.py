"""Room of components: data."""
