"""Google Cloud Storage, through Google's own client library."""

import threading
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import conditional, files

# For one try and for all tries: a lease has to be renewed within two minutes.
_TIMEOUT_S = 15.0
_RETRIED_S = 30.0


class GoogleStore:
    """Objects of `gs://` URIs; their versions are Google's generations.

    `STORAGE_EMULATOR_HOST` names another server, as for all that use the library.
    """

    #: No object has it: generations are times.
    impossible = "1"

    def __init__(self) -> None:
        """Connects to nothing yet.

        Raises:
            StorageError: The library is not installed.
        """
        try:
            from google.api_core import exceptions
            from google.cloud import storage
            from google.cloud.storage.retry import DEFAULT_RETRY
        except ImportError as error:
            raise StorageError(
                "Expected google-cloud-storage to be installed. Received: "
                f"{error}. Install it to write to gs:// on condition."
            ) from error
        self._storage, self._errors = storage, exceptions
        # To repeat any of these requests is safe: each has a condition.
        self._limits = {
            "timeout": _TIMEOUT_S,
            "retry": DEFAULT_RETRY.with_timeout(_RETRIED_S),
        }
        self._local = threading.local()  # A connection is for one thread.

    def read(self, path: str) -> conditional.Found | None:
        """See `conditional.Store`."""
        with files.explained("read", path):
            blob = self._blob(path)
            try:
                data = blob.download_as_bytes(**self._limits)
            except self._errors.NotFound:
                return None
            return conditional.Found(data, str(blob.generation))

    def put(self, path: str, data: bytes, version: str | None) -> str:
        """See `conditional.Store`."""
        with files.explained("write", path):
            blob = self._blob(path)
            try:
                blob.upload_from_string(
                    data,
                    content_type="application/octet-stream",
                    if_generation_match=int(version or 0),
                    **self._limits,
                )
            except self._errors.PreconditionFailed as error:
                raise conditional.refusal(path) from error
            return str(blob.generation)

    def remove(self, path: str, version: str) -> None:
        """See `conditional.Store`."""
        with files.explained("remove", path):
            try:
                self._blob(path).delete(
                    if_generation_match=int(version), **self._limits
                )
            except (self._errors.PreconditionFailed, self._errors.NotFound) as error:
                raise conditional.refusal(path) from error

    def _blob(self, path: str) -> Any:
        bucket, name = conditional.split(path)
        if not hasattr(self._local, "client"):
            # No project: only to list and to make buckets needs one.
            self._local.client = self._storage.Client(project=None)
        return self._local.client.bucket(bucket).blob(name)
