"""Here an estimator is fitted, and what belongs to the model is written down while it is known."""
