"""What can be wrong with a bundle.

* BundleError
  x BundleRefused         a bundle that must not be served; names file or field, what was found, what is expected
  x BundleNotWrittenError nothing was written: the contents contradict each other, or the storage cannot be written
    + BundleTakenError    another bundle lies there
  x BundleNotFetchedError nothing was fetched: where, what was found, what to do
"""


class BundleError(Exception):
    """Root of this room's errors."""


class BundleRefused(BundleError):  # noqa: N818  (a refusal is what status, log and exit code call it)
    """The bundle must not be served; the message is one sentence for a person."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        self.where, self.found, self.expected = where, found, expected
        super().__init__(f"{where}: found {found}; expected {expected}")


class BundleNotWrittenError(BundleError):
    """Nothing was written."""


class BundleTakenError(BundleNotWrittenError):
    """Another bundle lies there; a bundle is never changed."""


class BundleNotFetchedError(BundleError):
    """Nothing was fetched; the message is one sentence for a person."""

    def __init__(self, where: str, found: str, remedy: str) -> None:
        self.where, self.found, self.remedy = where, found, remedy
        super().__init__(f"{where}: {found}; {remedy}")
