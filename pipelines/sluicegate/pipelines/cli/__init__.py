"""Room of pipelines: cli."""
