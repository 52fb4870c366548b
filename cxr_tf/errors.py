"""What a person can put right: a message says what happened, to which file, and what to do."""


class UsageError(ValueError):
    """The options, or the files they name, cannot be used as asked."""
