"""Reconcile on Kubernetes: watches, decides with the embedded plane's own pure functions, applies, says how it is.

Started as ``python -m sluicegate.serving.operator`` in the operator's Deployment. Thin: what should be is decided in
``serving.reconcile`` and ``serving.gateway``; here it becomes Kubernetes objects, and theirs become values.
"""
