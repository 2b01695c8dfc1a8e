"""Building container images: which tool does it, and the image of a user's class."""
