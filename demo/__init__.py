"""The demonstration: seven acts with real models on real flights, each claim checked."""
