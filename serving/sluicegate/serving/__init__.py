"""The bundled serving operator and the model server: how a model answers requests, and who keeps it running."""
