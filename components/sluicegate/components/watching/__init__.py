"""Room of components: watching."""
