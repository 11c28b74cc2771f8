"""Why a cluster cannot be joined, and what to do about it.

Ray says the same of a wrong token, of another release and of a port that is another
program's: that it failed to connect.
"""

import os
from collections.abc import Mapping

_TOKEN_FILE = "~/.ray/auth_token"
# What Ray says where it is to show a token and has none.
_NO_TOKEN = "no authentication token"
# Where a node is left out.
REMEDY = "All nodes need the same versions, and must see the same files: see docs/cluster.md."


def explain(address: str, error: Exception, environ: Mapping[str, str]) -> str:
    """The message for people.

    Args:
        address: The cluster's.
        error: What came of the attempt to join it; an OSError that is no
            ConnectionError of Ray's has a number.
        environ: The environment of the process that tried.
    """
    said = first_line(error)
    if _NO_TOKEN in said:
        said = "a process without the token that RAY_AUTH_MODE=token asks for"
        remedy = (
            "Put the cluster's token into RAY_AUTH_TOKEN, or into "
            f"{_TOKEN_FILE}, or its path into RAY_AUTH_TOKEN_PATH."
        )
    elif isinstance(error, OSError) and error.errno is not None:
        remedy = (
            "Nothing answers at that address: start the cluster, or write the address "
            "that `ray start --head` printed."
        )
    elif isinstance(error, ConnectionError) and address != "auto":
        remedy = (
            "Something answers there, but not to this process. Most likely the cluster "
            f"asks for another token: {_token(environ)}. Set RAY_AUTH_MODE=token, and "
            "the cluster's token in RAY_AUTH_TOKEN or in ~/.ray/auth_token. Or it has "
            "another release of Ray, or is no cluster."
        )
    else:
        remedy = (
            "Start a node here that has no places ('ray start --address=... "
            "--num-cpus=0'), and if the cluster asks for a token, set "
            "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN."
        )
    return (
        f"Expected a Ray cluster at {address}, of which this machine is a node. "
        f"Received: {said}. {remedy}"
    )


def left_out(node: str, reason: str) -> str:
    """What people are told of a node that cannot be used."""
    return f"The node {node} of the cluster is left out: {reason}. {REMEDY}"


def rests(node: str, reason: str, seconds: float) -> str:
    """What people are told of a node that has no memory for a search now."""
    return (
        f"The node {node} of the cluster is left out for {seconds / 60:g} minutes: "
        f"{reason}. End what else has its memory, or give it more."
    )


def _token(environ: Mapping[str, str]) -> str:
    """Which token a process has."""
    if environ.get("RAY_AUTH_MODE", "").lower() != "token":
        return "this process shows none, since RAY_AUTH_MODE is not 'token' here"
    if environ.get("RAY_AUTH_TOKEN"):
        return "this process shows the one in RAY_AUTH_TOKEN"
    path = environ.get("RAY_AUTH_TOKEN_PATH") or os.path.join(
        environ.get("HOME", "~"), _TOKEN_FILE.removeprefix("~/")
    )
    return f"this process shows the one in {path}"


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, without its full stop.

    Of one that an actor has raised, Ray's own first line says where, not what.
    """
    cause = getattr(error, "cause", None)
    error = cause if isinstance(cause, Exception) else error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def amount(name: str, value: float) -> str:
    """How much of a resource a node has, as people write it."""
    if name in ("memory", "object_store_memory"):
        return f"{value / 2**30:.3g} GiB {name}"
    return f"{value:g} {name}"
