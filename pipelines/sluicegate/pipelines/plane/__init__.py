"""Room of pipelines: plane."""
