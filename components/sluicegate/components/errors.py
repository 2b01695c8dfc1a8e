"""What a step says when it cannot or will not do its work; the sentence is written for whoever reads the run's log.

* StepError
  x InputRefusedError        an argument or artefact is not what the step needs: names it, what was found, expected
    + NotAnsweredError       a model raises on rows that it is asked about
  x GateNotPassedError       the step did its work, and what it found does not suffice to go on
  x CodeNotImportableError   an import path such as ``module:factory`` does not lead to a callable
  x NotTheSameError          something of this name exists already and is another thing
  x ServiceUnreachableError  a service that the step needs does not answer
  x ExtraMissingError        an optional library is not installed; names the extra that brings it
"""


class StepError(Exception):
    """Root of the errors of steps."""


class InputRefusedError(StepError):
    """An argument or an artefact is not what the step needs."""


class NotAnsweredError(InputRefusedError):
    """A model raises on rows that it is asked about."""


class GateNotPassedError(StepError):
    """The step did its work, and what it found does not suffice to go on."""


class CodeNotImportableError(StepError):
    """An import path does not lead to a callable."""


class NotTheSameError(StepError):
    """Something of this name exists already and is another thing."""


class ServiceUnreachableError(StepError):
    """A service that the step needs does not answer."""


class ExtraMissingError(StepError):
    """An optional library is not installed."""
