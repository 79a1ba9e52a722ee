"""The prompt table of these tests."""

from tests.support.store_fixtures import *  # noqa: F403 -- pytest finds fixtures by their names in here
