"""Room of components: emit."""
