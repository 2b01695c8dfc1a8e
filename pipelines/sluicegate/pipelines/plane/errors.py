"""What can go wrong with the plane; each message is one sentence with its remedy.

* PlaneError
  x HomeError          the directory cannot be used: not writable, from a newer release, no space
  x PortError          a port is in use, or no port number
  x MissingPartError   something that the plane runs is not installed
  x RunningError       a plane runs already, otherwise than asked
  x NotRunningError    no plane runs in this home
  x StartError         a part did not come up
"""


class PlaneError(Exception):
    """Root of this room's errors."""


class HomeError(PlaneError):
    """The home directory cannot be used."""


class PortError(PlaneError):
    """A port cannot be had."""


class MissingPartError(PlaneError):
    """A program or a library is not installed."""


class RunningError(PlaneError):
    """A plane runs already."""


class NotRunningError(PlaneError):
    """No plane runs."""


class StartError(PlaneError):
    """The plane did not come up."""
