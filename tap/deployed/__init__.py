"""What people do with a stack that is deployed already: adopt it, release it from CloudFormation, look for drift.

`root` runs Terraform on what a synth wrote, and `plan` reads its plan. `existing` looks up what an endpoint holds under
a stack's names, `gate` judges a plan that imports it, and `adoption` puts the two together. `cloudformation` takes a
stack over from CloudFormation, and `drift` compares what is deployed with the state.
"""

from tap.errors import TapError


class DeployedError(TapError):
    """A deployed stack is not as it must be for what was asked; the text says what to do."""
