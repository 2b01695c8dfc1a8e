"""Which Kubernetes objects a predictor becomes, and whether they are already there. Pure; for the operator.

``rendering.objects_of`` is the way in, ``comparison`` judges live objects, ``names`` and ``layout`` say what observing
and the gateway need to find them.
"""
