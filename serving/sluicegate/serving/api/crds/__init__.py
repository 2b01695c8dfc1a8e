"""The kinds as a Kubernetes cluster knows them: names, columns and schemas, made from the typed views."""
