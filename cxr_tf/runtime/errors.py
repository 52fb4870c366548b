"""What a person can put right: a message says what happened, to which file, and what to do."""


class EngineError(RuntimeError):
    """What runs the work elsewhere gave up; what was done is kept."""


class UsageError(ValueError):
    """The options, or the files they name, cannot be used as asked."""


class ServerError(RuntimeError):
    """The server refused a request, or did not answer it."""


class DataChangedError(OSError):
    """A film or mask went away or changed while it was in use."""


class DivergedError(ArithmeticError):
    """A training whose loss or weights are no finite numbers any more."""
