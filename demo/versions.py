"""Versions of the model, and the pipeline parameters that make each of them.

1 first release, 2 a better one, 3 reads the column whose live unit is wrong, 4 cannot bear a missing pressure, 5 depends on
a feed that will fall silent; 6 is what retraining makes.
"""

import json
from pathlib import Path
from typing import Any

from demo.models import FEATURES
from demo.stage import DEPLOYMENT, MODEL, ROOT

WINTER = ("2013-02-11", "2013-03-01")
SUMMER = ("2013-06-01", "2013-06-30")
_TRAINING = {"first": "2013-01-01", "last": "2013-02-10"}
_RECENT = {"first": "2013-04-01", "last": "2013-05-31"}

PLAN: dict[str, Any] = {"bake": 8.0, "lease": 6.0, "maxDuration": 300.0}
"""Everything else is the default plan: mirror, then 1, 5, 25, 50, 100 percent."""
"""The lease is short because the demonstration is; the default is half a minute."""
