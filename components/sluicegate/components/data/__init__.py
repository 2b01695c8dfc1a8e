"""Here data come in: loaded from a file or the user's loader, checked against what is expected, split in time."""
