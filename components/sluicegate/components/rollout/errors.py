"""What ends a step of a rollout.

* RolloutError
  x RolloutEndedError        the rollout is over or on its way back; this workflow has nothing more to say
  x RolloutRefusedError      the API refused the rollout or a write to it, with its reason
  x HarmProvenError          the analysis proved harm; traffic is on its way back
  x UndecidedError           the analysis saw too little to say
  x NotSoInTimeError         what was asked for did not come true before the deadline
"""


class RolloutError(Exception):
    """Root of this room's errors."""


class RolloutEndedError(RolloutError):
    """The rollout is over or on its way back."""


class RolloutRefusedError(RolloutError):
    """The API refused the rollout or a write to it."""


class HarmProvenError(RolloutError):
    """The analysis proved harm."""


class UndecidedError(RolloutError):
    """The analysis saw too little to say."""


class NotSoInTimeError(RolloutError):
    """What was asked for did not come true before the deadline."""
