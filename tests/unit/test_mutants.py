"""The catalogue of mutants fits the code as it is. `make mutants` itself takes minutes and is not one of the tests."""

import pytest

from tests.mutants.__main__ import mutated
from tests.mutants.catalogue import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutants_old_text_is_there_once_and_its_new_text_changes_something(mutant: Mutant) -> None:
    assert mutated(mutant)
