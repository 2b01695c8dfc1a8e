"""Room of components: rollout."""
