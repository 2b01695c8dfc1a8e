"""The objects users write, as values: their shape, their defaults, what they must not say, how things are named."""
