"""What shipping needs of an object store with the S3 API: write if new, write over a known version, read, list, remove.

All writes are conditional, so that two hosts that do the same thing at once never undo each other's. Credentials are those that
botocore finds: environment, profile, role, instance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from breakeven.errors import ConfigError, Unreachable
from breakeven.settings.shipping import ShippingSettings

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
_SHA = "sha256"
_REFUSED = frozenset({409, 412})
_NOT_FOUND = 404


class Stored(NamedTuple):
    """An object: its content, the version that a conditional write names, and the SHA-256 that its writer noted."""

    body: bytes
    version: str
    sha256: str


class ObjectStore:
    """One bucket. Every method raises Unreachable where the store does not answer as it should."""

    def __init__(self, settings: ShippingSettings) -> None:
        try:
            from botocore.config import Config  # noqa: PLC0415 - an extra
            from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # noqa: PLC0415 - as above
            from botocore.session import get_session  # noqa: PLC0415 - as above
        except ImportError as error:
            raise ConfigError("shipping needs the library botocore", "Install it: pip install 'breakeven[aws]'.") from error
        self._refused: type[Exception] = ClientError
        self._faults: tuple[type[Exception], ...] = (BotoCoreError, HTTPClientError, OSError)
        self._bucket = settings.bucket
        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1})
        self._client: Any = get_session().create_client(
            "s3", region_name=settings.region, endpoint_url=settings.endpoint, config=config
        )

    def put_new(self, key: str, body: bytes) -> str | None:
        """Write an object where there is none; its version, or None where there is one already."""
        return self._put(key, body, IfNoneMatch="*")

    def put_over(self, key: str, body: bytes, version: str) -> str | None:
        """Write over this version of an object; None where it is another one by now."""
        return self._put(key, body, IfMatch=version)

    def get(self, key: str) -> Stored | None:
        """An object; None where there is none."""
        answer = self._ask("get_object", Key=key)
        if answer is None:
            return None
        try:
            body = answer["Body"].read()
        except self._faults as error:
            raise self._unreachable(error) from error
        return Stored(body, answer["ETag"], answer.get("Metadata", {}).get(_SHA, ""))

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all objects with this prefix, in order."""
        more: dict[str, str] = {}
        while True:
            answer = self._ask("list_objects_v2", Prefix=prefix, **more) or {}
            yield from (each["Key"] for each in answer.get("Contents", ()))
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        self._ask("delete_object", Key=key)

    def _put(self, key: str, body: bytes, **condition: str) -> str | None:
        answer = self._ask("put_object", Key=key, Body=body, Metadata={_SHA: sha256_of(body)}, **condition)
        return None if answer is None else str(answer["ETag"])

    def _ask(self, operation: str, **given: object) -> dict[str, Any] | None:
        """The answer; None where a condition does not hold or the object is not there."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self._bucket, **given)
        except self._refused as error:
            response: dict[str, Any] = getattr(error, "response", {})
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            missing = status == _NOT_FOUND and response.get("Error", {}).get("Code") != "NoSuchBucket"
            if status in _REFUSED or missing:
                return None
            raise self._unreachable(error) from error
        except self._faults as error:
            raise self._unreachable(error) from error
        return answer

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"the object store does not take part: {error}",
            f"Check the bucket {self._bucket}, its address and the credentials; segments wait on their hosts.",
        )


def sha256_of(body: bytes) -> str:
    """The SHA-256 by which a body is recognised."""
    return hashlib.sha256(body).hexdigest()
