"""Steps of a rollout: each writes what it wants into the ModelRollout, under its epoch, and waits until it is so."""
