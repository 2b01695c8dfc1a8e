"""The reusable steps: what a pipeline can do."""
