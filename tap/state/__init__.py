"""What is deployed, and whose it is: what is looked at before Terraform starts.

`configured` resolves the endpoints as the SDKs do, `endpoint` asks whether anybody answers there, and `identity` whose
server it is. `workspace` knows which Terraform workspace holds the state, and whether it is the state of what the
settings describe; `account` asks whether the credentials are those of the account that the state is about, and
`recorded` whether the state knows of what exists. `session` has clients with an environment's credentials.
"""

from tap.errors import TapError


class StateError(TapError):
    """What Terraform was about to do would lose something; the text is one sentence that says what to do instead."""
