"""Each error that DynamoDB can answer with becomes one of the store's, and keeps its cause."""

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tap.store import (
    AccessDenied,
    PromptTooLarge,
    StoreError,
    StoreUnavailable,
    TableNotFound,
    Throttled,
)
from tap.store.errors import Calling

#: What the store's requests can be refused with, by AWS's documentation: the code, and what it means to a program.
KINDS: dict[str, type[StoreError]] = {
    "ResourceNotFoundException": TableNotFound,
    "ProvisionedThroughputExceededException": Throttled,
    "RequestLimitExceeded": Throttled,
    "ThrottlingException": Throttled,
    "TransactionConflictException": Throttled,  # an import is writing that very item: it may be sent again
    "InternalServerError": StoreUnavailable,
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
    "AccessDeniedException": AccessDenied,
    "ExpiredTokenException": AccessDenied,
    "IncompleteSignature": AccessDenied,
    "InvalidClientTokenId": AccessDenied,
    "MissingAuthenticationToken": AccessDenied,
    "OptInRequired": AccessDenied,
    "UnrecognizedClientException": AccessDenied,
    "ServiceUnavailable": StoreUnavailable,
    "ValidationException": StoreError,
    # Nothing that a program could do about it but look at the message.
    "ItemCollectionSizeLimitExceededException": StoreError,
    "ReplicatedWriteConflictException": StoreError,
    "InvalidEndpointException": StoreError,
}
#: Caught where it is expected, as the answer to a condition.
A_CONDITION = {"ConditionalCheckFailedException"}
OPERATIONS = (
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "DescribeTable",
)


def refusal(code: str, message: str = "told by AWS") -> ClientError:
    status = 500 if code in ("InternalServerError", "ServiceUnavailable") else 400
    metadata = {"HTTPStatusCode": status, "RequestId": "r", "HostId": "", "HTTPHeaders": {}, "RetryAttempts": 0}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "PutItem")  # type: ignore[typeddict-item]


@pytest.mark.parametrize("code", KINDS)
def test_an_error_is_told_by_its_kind_with_its_cause(code: str) -> None:
    cause = refusal(code)
    with pytest.raises(StoreError) as caught, Calling("prompts", "p1"):
        raise cause
    assert type(caught.value) is KINDS[code]
    assert caught.value.__cause__ is cause
    assert (caught.value.table, caught.value.prompt_id) == ("prompts", "p1")
    assert "told by AWS" in str(caught.value)


def test_an_item_that_became_too_large_is_told_from_other_faults_of_a_request() -> None:
    with pytest.raises(PromptTooLarge), Calling("prompts"):
        raise refusal("ValidationException", "Item size to update has exceeded the maximum allowed size")


def test_the_table_has_every_error_that_botocore_knows_for_our_requests() -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    known = {shape.name for name in OPERATIONS for shape in model.operation_model(name).error_shapes}
    assert known - A_CONDITION <= KINDS.keys()
    assert len(known) > 5
