"""What can go wrong with the registry's follower.

* FollowerError
  x SettingsRefusedError   a setting cannot be read: says which, what was found, what is expected
"""


class FollowerError(Exception):
    """Root of this room's errors."""


class SettingsRefusedError(FollowerError):
    """A setting cannot be read."""
