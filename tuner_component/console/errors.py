"""What can go wrong with a command that is no mistake of the command line."""


class NoResultError(Exception):
    """There is no best trial, it is not certain which one it is, or no trial is meant."""
