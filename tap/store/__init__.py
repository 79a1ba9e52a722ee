"""The prompt store: hand out work through one DynamoDB table.

from tap.store import PromptStore

store = PromptStore.from_outputs("outputs.json")
prompt = store.create("Review code for security vulnerabilities", "code_review", "high")
if claim := store.claim("worker-1"):
    store.complete(claim, {"score": 0.95})
"""

from tap.store.answers import UNSET, AllLeased, Claim, Held, NothingPending, Ticket
from tap.store.bulk.exporting import ExportReport
from tap.store.bulk.importing import ImportReport
from tap.store.bulk.reindexing import ReindexReport
from tap.store.changes import Change
from tap.store.claims import DEFAULT_LEASE, DEFAULT_SKEW
from tap.store.client import ClientSettings
from tap.store.errors import (
    AccessDenied,
    ChangesLost,
    CheckpointRefused,
    ImportRefused,
    InvalidPrompt,
    LeaseLost,
    PromptConflict,
    PromptNotFound,
    PromptTooLarge,
    StoreError,
    StoreMisconfigured,
    StoreUnavailable,
    TableNotFound,
    Throttled,
    UnreadablePrompt,
)
from tap.store.models import (
    DEFAULT_LIFETIME,
    DEFAULT_MAX_ATTEMPTS,
    PRIORITIES,
    STATUSES,
    Priority,
    Prompt,
    Status,
)
from tap.store.outputs import read_outputs
from tap.store.store import PromptStore
from tap.store.work import Failed, WorkReport

__all__ = [
    "DEFAULT_LEASE",
    "DEFAULT_LIFETIME",
    "DEFAULT_MAX_ATTEMPTS",
    "DEFAULT_SKEW",
    "PRIORITIES",
    "STATUSES",
    "UNSET",
    "AccessDenied",
    "AllLeased",
    "Change",
    "ChangesLost",
    "CheckpointRefused",
    "Claim",
    "ClientSettings",
    "ExportReport",
    "Failed",
    "Held",
    "ImportRefused",
    "ImportReport",
    "InvalidPrompt",
    "LeaseLost",
    "NothingPending",
    "Priority",
    "Prompt",
    "PromptConflict",
    "PromptNotFound",
    "PromptStore",
    "PromptTooLarge",
    "ReindexReport",
    "Status",
    "StoreError",
    "StoreMisconfigured",
    "StoreUnavailable",
    "TableNotFound",
    "Throttled",
    "Ticket",
    "UnreadablePrompt",
    "WorkReport",
    "read_outputs",
]
