"""The story on a Kubernetes cluster: what is applied there, the load in a pod, and how the acts reach it."""
