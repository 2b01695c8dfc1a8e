"""Room of pipelines: triggers."""
