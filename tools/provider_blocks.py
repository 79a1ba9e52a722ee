"""`python tools/provider_blocks.py`: renew tap/hcl/blocks.json from the provider's schema, for the types in use.

Reads `terraform providers schema -json` on standard input, and the types from the snapshot of the whole stack.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROVIDER = "registry.terraform.io/hashicorp/aws"


def nested(block: dict[str, Any]) -> dict[str, Any]:
    """The blocks in a block, by their names, without those that have gone out of use."""
    types: dict[str, Any] = block.get("block_types", {})
    return {name: nested(one["block"]) for name, one in types.items()}


def extracted(schema: dict[str, Any], kinds: set[str]) -> dict[str, Any]:
    """The blocks of these resource types and of the provider."""
    aws = schema["provider_schemas"][PROVIDER]
    found = {kind: nested(aws["resource_schemas"][kind]["block"]) for kind in sorted(kinds)}
    return {"provider": nested(aws["provider"]["block"]), **found}


if __name__ == "__main__":
    made = extracted(json.load(sys.stdin), set(sys.argv[1:]))
    (ROOT / "tap/hcl/blocks.json").write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")
