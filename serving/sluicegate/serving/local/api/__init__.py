"""The store's HTTP face: Kubernetes' dialect, spoken well enough for kubectl and the official clients."""
