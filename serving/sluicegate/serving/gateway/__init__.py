"""Who gets which share of a deployment's requests, said to a real Envoy and read back from it."""
