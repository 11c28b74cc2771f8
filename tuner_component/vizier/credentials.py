"""Credentials of Google's cloud: whether they are of use, and what to do if they are not."""

# So gRPC begins what it says if a client gets no token for a call.
_NO_TOKEN = "Getting metadata from plugin failed"
# What Google answers to credentials that have expired or were revoked: see RFC 6749, 5.2.
_REFUSALS = ("invalid_grant", "invalid_client", "unauthorized_client")
# What there is in that case.
REFUSED = "some that Google refuses: they may have expired"


def are_refused(error: Exception) -> bool:
    """Whether a call failed because Google does not take the credentials.

    For gRPC that is the same as a service that is not there, which may be there later.
    """
    said = str(error)
    return _NO_TOKEN in said and any(word in said for word in _REFUSALS)


def expected(received: str) -> str:
    """Says that there are no credentials of use.

    Args:
        received: What there is in place of them. What Google's library says of that may
            quote them.
    """
    return (
        "Expected application-default credentials of Google Cloud. Received: "
        f"{received}. Run `gcloud auth application-default login`, or give the "
        "pipeline's service account the role roles/aiplatform.user."
    )
