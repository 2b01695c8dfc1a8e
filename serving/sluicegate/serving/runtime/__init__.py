"""One file for each framework: a model is loaded, proven on its own example, and answers messages as a graph's unit."""
