"""The one error of the readers: a film that cannot be read, with its status and its reason."""


class FilmError(ValueError):
    """A film cannot be read.

    Args:
        status: one of `pipelines.status.STATUSES`.
        message: one line: the cause and the remedy, without any text from the file.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status
