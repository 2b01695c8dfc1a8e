"""The embedded plane put together: API, supervisor, gateway, registry and collector, in one directory of one user."""
