"""`python -m bench`: every comparison, one after the other; the figures are in bench-results.json."""

import subprocess
import sys

from bench.measure import ROOT

for script in ("bench.synth", "bench.store", "bench.claims"):
    subprocess.run([sys.executable, "-m", script], cwd=ROOT, check=True)
