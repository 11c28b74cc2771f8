"""Amazon S3, and what speaks its language, through boto3."""

import os
import time
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import conditional, files

# Seconds for one try; the library makes up to four.
_TIMEOUT_S = 10
_TRIES = 4
# What the store answers while another request for the same object is under way.
_BUSY = "ConditionalRequestConflict"
_BUSY_WAIT_S = 0.2
# A version of what is not there is refused, too.
_MISSING = "NoSuchKey"
_REFUSED = ("PreconditionFailed", "412", _BUSY, _MISSING)


class AmazonStore:
    """Objects of `s3://` URIs; their versions are Amazon's entity tags.

    An entity tag follows from the content. So a writer never writes the same twice.
    """

    #: No object has it: it is the checksum of nothing that anyone knows.
    impossible = '"00000000000000000000000000000000"'

    def __init__(self) -> None:
        """Connects to nothing yet.

        Raises:
            StorageError: The library is not installed.
        """
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import ClientError
        except ImportError as error:
            raise StorageError(
                f"Expected boto3 to be installed. Received: {error}. Install "
                "tfx-tuner-component[s3] to write to s3:// on condition."
            ) from error
        self._error: Any = ClientError
        config = Config(
            connect_timeout=_TIMEOUT_S,
            read_timeout=_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            # Stores that are not Amazon's do not know the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with files.explained("reach", "s3://"):
            self._client: Any = boto3.client("s3", config=config, **_of_tensorflow())

    def read(self, path: str) -> conditional.Found | None:
        """See `conditional.Store`."""
        with files.explained("read", path):
            try:
                answer = self._client.get_object(**_named(path))
            except self._error as error:
                if _code(error) == _MISSING:
                    return None
                raise
            return conditional.Found(answer["Body"].read(), answer["ETag"])

    def put(self, path: str, data: bytes, version: str | None) -> str:
        """See `conditional.Store`."""
        condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
        with files.explained("write", path):
            answer = self._request(
                self._client.put_object, path, Body=data, **condition
            )
            return str(answer["ETag"])

    def remove(self, path: str, version: str) -> None:
        """See `conditional.Store`."""
        with files.explained("remove", path):
            self._request(self._client.delete_object, path, IfMatch=version)

    def _request(self, call: Any, path: str, **content: Any) -> Any:
        for left in reversed(range(_TRIES)):
            try:
                return call(**_named(path), **content)
            except self._error as error:
                if left and _code(error) == _BUSY:
                    time.sleep(_BUSY_WAIT_S)
                elif _code(error) in _REFUSED:
                    raise conditional.refusal(path) from error
                else:
                    raise


def _named(path: str) -> dict[str, str]:
    bucket, key = conditional.split(path)
    return {"Bucket": bucket, "Key": key}


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _of_tensorflow() -> dict[str, str]:
    """The server that TensorFlow's variables name, which boto3 does not know."""
    found = {}
    if endpoint := os.environ.get("S3_ENDPOINT"):
        is_plain = os.environ.get("S3_USE_HTTPS", "1") in ("0", "false")
        found["endpoint_url"] = f"http{'' if is_plain else 's'}://{endpoint}"
    if region := os.environ.get("AWS_REGION"):
        found["region_name"] = region
    return found
