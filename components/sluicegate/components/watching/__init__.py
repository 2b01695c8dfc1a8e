"""Here a pipeline looks at what is served, and tells people."""
