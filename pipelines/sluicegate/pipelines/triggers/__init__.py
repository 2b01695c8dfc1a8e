"""What sets pipelines and rollouts in motion, and what brings the registry after the rollout's phase."""
