"""Our server beside the others, in turns, on one machine: ``make bench``."""
