"""The gateways that the operator can stand behind: the bundled Envoy, the Gateway API, Istio."""
