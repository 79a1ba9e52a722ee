"""The stack as CDKTF constructs, and nothing else: the only package that imports cdktf.

`stack` is one environment's stack; `parts` puts it together from a file for each part: `key`, `topic`, `alarms`,
`dashboard`, `table`, and `policies` for the first two. The parts take plain values or Terraform expressions and know
nothing of settings, environments and backends. Nothing in here reads the process environment, a file or the clock: the
same settings give the same JSON anywhere.
"""

from tap.synth.bindings import use_lazy_bindings
from tap.synth.framework import use_installed

# Before any module of this package imports cdktf.
use_lazy_bindings()
use_installed()
