"""Reconcile on one machine: an API in Kubernetes' dialect over SQLite, and a supervisor of processes."""
