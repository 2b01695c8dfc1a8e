"""Several processes on one port: who starts and replaces them, what they say to each other, whose figures are shown."""
