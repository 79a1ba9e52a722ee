"""The stack as CDKTF constructs: the only package that imports cdktf.

Nothing in here reads the process environment, a file or the clock: the same settings give the same JSON anywhere.
"""

from tap.infra.bindings import use_lazy_bindings

# Before any module of this package imports cdktf.
use_lazy_bindings()
