"""Runs Argo Workflow files on one machine: read and refuse what is not supported, plan in pure functions, execute."""
