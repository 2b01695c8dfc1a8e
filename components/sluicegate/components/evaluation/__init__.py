"""Here a trained model is judged on held-out data: by itself, and against the champion row by row."""
