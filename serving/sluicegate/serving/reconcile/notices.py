"""Something worth telling a person about an object; the rim makes it an Event."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """``reason`` in CamelCase, ``message`` a sentence."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
