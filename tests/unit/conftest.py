"""Hypothesis here finds the same examples on each run: a red test stays red until somebody mends it."""

from hypothesis import settings

settings.register_profile("tap", derandomize=True, database=None, deadline=None, max_examples=100)
settings.load_profile("tap")
