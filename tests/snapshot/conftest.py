"""Snapshots as files of their own: tests/snapshot/__snapshots__/test_stacks/<test>.json."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class TextFiles(SingleFileSnapshotExtension):
    """Kept as the text that it is, so that a review shows it."""

    _write_mode = WriteMode.TEXT
    file_extension = "json"


@pytest.fixture
def kept(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFiles)
