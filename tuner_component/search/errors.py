"""What a search raises."""


class SearchFailedError(RuntimeError):
    """The search ended without a usable result; the message has a traceback."""
