"""What can go wrong with triggers.

* TriggerError
  x RegistryUnreachableError   MLflow does not answer, or refuses: try again later
  x EventRefusedError          what was POSTed is no event that we know
"""


class TriggerError(Exception):
    """Root of this room's errors."""


class RegistryUnreachableError(TriggerError):
    """The registry did not do what was asked; nothing is lost, it is tried again."""


class EventRefusedError(TriggerError):
    """The event cannot be acted on; the message says what is expected."""
