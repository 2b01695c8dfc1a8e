"""Here a model is served for the first time, and what is served is asked through the gateway."""
