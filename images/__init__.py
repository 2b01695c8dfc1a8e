"""The images: one Dockerfile, what goes into its context, and how `make images` builds it."""
