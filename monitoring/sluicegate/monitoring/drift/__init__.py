"""What inputs and answers looked like in training travels with the model; live windows are measured against it."""
