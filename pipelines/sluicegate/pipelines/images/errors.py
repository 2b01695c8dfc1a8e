"""What can go wrong when an image is built; each message says what to do.

* ImageError
  x NoBuilderError  no program that builds images works here
"""


class ImageError(Exception):
    """Root of this room's errors; the message is for a person."""


class NoBuilderError(ImageError):
    """Nothing builds images here."""
