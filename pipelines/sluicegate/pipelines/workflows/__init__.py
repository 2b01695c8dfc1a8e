"""Room of pipelines: workflows."""
