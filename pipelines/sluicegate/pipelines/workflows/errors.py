"""What can go wrong with a workflow.

* WorkflowError
  x ManifestError      the file is refused: an unsupported field, a missing template, an unknown reference
  x ExpressionError    a ``when`` or ``depends`` expression cannot be evaluated
  x ConditionError     a resource condition cannot be read
"""


class WorkflowError(Exception):
    """Root of this room's errors."""


class ManifestError(WorkflowError):
    """The manifest is refused; says where and what to do."""


class ExpressionError(WorkflowError):
    """An expression cannot be evaluated."""


class ConditionError(WorkflowError):
    """A ``successCondition`` or ``failureCondition`` cannot be read."""
