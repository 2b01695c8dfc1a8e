"""On a cluster, brings the model registry after what is served: ``python -m sluicegate.pipelines.follower``."""
