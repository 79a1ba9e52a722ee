"""The CDKTF app: one TapStack for each environment in environments.toml."""

import gc
import os
import sys
from pathlib import Path

from tap import settings
from tap.errors import TapError
from tap.local import node
from tap.state import account, configured, endpoint, recorded, workspace
from tap.synth import bindings, cache, jsii_process

try:
    environments = settings.load(Path(__file__).with_name("environments.toml"), os.environ)
    endpoint.require_served(os.environ, {one.profile for one in environments})
    workspace.require_no_errored_state(Path(__file__).parent)
    workspace.require_own(environments, os.environ)
    workspace.require_followed(environments, Path(__file__).parent, os.environ)
    account.require_same(environments, Path(__file__).parent, os.environ)
    recorded.require_recorded(environments, Path(__file__).parent, os.environ)
    node.require(os.environ)
except TapError as error:
    sys.exit(str(error))
else:
    # Python would search for garbage 70 times from here on, 5 % of a synth, for nothing: the process is so short.
    gc.disable()
    # Node reads at its start what this tells it, and gets ready while Python imports what comes next.
    cache.require_writable(os.environ)
    bindings.use_lazy_bindings()
    jsii_process.start_early()

# Only now: a mistake in the settings is told at once, cdktf takes half a second to import.
from tap.infra.stack import TapStack  # isort: skip  (it prepares the Node process that importing cdktf starts)
from cdktf import App

app = App()
s3_path_style = configured.needs_s3_path_style(os.environ)
for environment in environments:
    TapStack(app, environment, s3_path_style=s3_path_style)
app.synth()
workspace.prepare(environments, Path(app.outdir), os.environ)
# Python searches for garbage once more when it ends, 0.05 s, but not in what is frozen.
gc.freeze()
