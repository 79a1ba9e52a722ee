"""What the store can raise, and the one place that turns botocore's errors into it.

    StoreError                  everything below; carries `table` and `prompt_id`
     ├── InvalidPrompt          bad input, refused before a request is made (also a ValueError)
     │    └── PromptTooLarge    more than DynamoDB's 400 KB for one item
     ├── PromptNotFound         no such prompt, or it has expired
     ├── PromptConflict         a different prompt has this id, or it isn't in the state you expected
     │    └── LeaseLost         the claim is no longer yours: somebody else may be at work on the prompt
     ├── UnreadablePrompt       an item that other programs left without what makes it a prompt
     ├── ImportRefused          an import that can't go on from where it stopped
     ├── CheckpointRefused      a file that says how far something else came
     ├── ChangesLost            the table's stream no longer has what happened since
     ├── StoreMisconfigured     no region, an unknown profile, an outputs file without the table
     ├── TableNotFound          no such table at this endpoint, account and region
     ├── AccessDenied           no credentials, wrong ones, or not allowed to
     └── StoreUnavailable       no (readable) answer after all retries: the request may have been carried out
          └── Throttled         DynamoDB refused for the rate: the request was not carried out

Each keeps its cause (`__cause__`), so the AWS request id is never lost.
"""

# ruff: noqa: N818 -- the names say what is wrong; "Error" would add nothing
from __future__ import annotations

from types import TracebackType


class StoreError(Exception):
    """Anything that went wrong in the store; `table` and `prompt_id` say where (None when not about one)."""

    def __init__(self, message: str, *, table: str | None = None, prompt_id: str | None = None) -> None:
        super().__init__(message)
        self.table = table
        self.prompt_id = prompt_id


class InvalidPrompt(StoreError, ValueError):
    """The caller's input can't be stored; nothing was sent."""


class PromptTooLarge(InvalidPrompt):
    """The prompt and its result together exceed 400 KB."""


class PromptNotFound(StoreError):
    """There is no such prompt, or it has expired."""


class PromptConflict(StoreError):
    """The stored prompt is not in the state that the request expects."""


class LeaseLost(PromptConflict):
    """The claim's token is no longer the prompt's, or the prompt is no longer in progress."""


class UnreadablePrompt(StoreError):
    """The item has no prompt_text, status, …: a ghost, or another program's."""


class ImportRefused(StoreError):
    """The import can't start or continue; the message says what to do."""


class CheckpointRefused(StoreError):
    """The checkpoint is of another table, or none; the message says what to do."""


class ChangesLost(StoreError):
    """The table's stream has lost changes that were not read: it keeps them for 24 hours."""


class StoreMisconfigured(StoreError):
    """The settings don't lead to a table: nothing was sent."""


class TableNotFound(StoreError):
    """DynamoDB knows no table of this name here."""


class AccessDenied(StoreError):
    """AWS did not accept the credentials or does not allow the action."""


class StoreUnavailable(StoreError):
    """No usable answer after all retries; whether the request was carried out is unknown."""


class Throttled(StoreUnavailable):
    """DynamoDB refused every try because of the request rate; the last one wrote nothing."""


BROKEN_REPLY = "BrokenReply"
_DENIED = frozenset(
    [
        "AccessDeniedException",
        "AccessDenied",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "ExpiredTokenException",
        "ExpiredToken",
        "InvalidClientTokenId",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "IncompleteSignatureException",
        "IncompleteSignature",
        "KMSAccessDeniedException",
        "OptInRequired",
    ]
)
_THROTTLED = frozenset(
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "ThrottledException",
        "TooManyRequestsException",
        "LimitExceededException",
    ]
)
# An import's transaction is writing the same prompt at this moment: this write was not carried out.
_BUSY = frozenset(["TransactionConflictException", "TransactionInProgressException"])
_DENIED_LOCALLY = frozenset(
    [
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "TokenRetrievalError",
        "SSOTokenLoadError",
        "UnauthorizedSSOTokenError",
        "SSOError",
    ]
)


class Calling:
    """Context manager round each request: botocore's errors leave it as the store's."""

    __slots__ = ("prompt_id", "table")

    def __init__(self, table: str, prompt_id: str | None = None) -> None:
        self.table = table
        self.prompt_id = prompt_id

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, Exception) and not isinstance(error, StoreError):
            mapped = translate(error, self.table, self.prompt_id)
            if mapped is not None:
                raise mapped from error


def translate(error: Exception, table: str, prompt_id: str | None = None) -> StoreError | None:
    """The store's error for one of botocore's; None for an exception that isn't botocore's."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        kind, message = _from_reply(error, table)
    elif type(error).__name__ in _DENIED_LOCALLY:
        kind, message = AccessDenied, f"No usable AWS credentials: {_sentence(error)}"
    elif isinstance(error, HTTPClientError | NoConnection | ResponseParserError):
        kind, message = StoreUnavailable, f"No usable answer from DynamoDB: {_sentence(error)}"
    elif type(error).__name__ == "NoRegionError":
        kind, message = StoreMisconfigured, "No AWS region: set AWS_REGION, or give the store a region."
    elif isinstance(error, BotoCoreError):
        kind, message = StoreMisconfigured, _sentence(error)
    else:
        return None
    return kind(message, table=table, prompt_id=prompt_id)


def is_refused(error: BaseException | None) -> bool:
    """Whether DynamoDB rejected the request or an item in it, and so wrote nothing."""
    response = getattr(error, "response", None) or {}
    return bool(response.get("Error", {}).get("Code") == "ValidationException")


def _from_reply(error: Exception, table: str) -> tuple[type[StoreError], str]:
    reply = getattr(error, "response", {})
    code = str(reply.get("Error", {}).get("Code", ""))
    said = str(reply.get("Error", {}).get("Message", "")) or code
    status = reply.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ResourceNotFoundException":
        return TableNotFound, f"There is no table {table!r} here: {said}"
    if code in _DENIED:
        return AccessDenied, f"AWS refused access to table {table!r}: {said}"
    if code in _THROTTLED:
        return Throttled, f"Table {table!r} is being throttled: {said}"
    if code in _BUSY:
        return Throttled, f"Table {table!r} is being written to by an import at this moment: {said}"
    if code == BROKEN_REPLY or status >= 500:
        return StoreUnavailable, f"No usable answer from DynamoDB: {said}"
    if code == "ValidationException" and "size" in said.lower() and "exceed" in said.lower():
        return PromptTooLarge, f"The prompt would exceed DynamoDB's 400 KB: {said}"
    return StoreError, f"DynamoDB refused the request ({code}): {said}"


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
