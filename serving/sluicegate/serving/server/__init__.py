"""The model server: HTTP door, dispatcher, metrics, request log, settings; ``app`` puts one process together."""
