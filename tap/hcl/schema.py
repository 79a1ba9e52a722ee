"""Which arguments are blocks: from the provider's own schema, extracted by tools/provider_blocks.py."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

#: A block's nested blocks by their names.
Blocks = Mapping[str, Any]

#: Blocks of Terraform's own, in every resource.
META: Blocks = {"lifecycle": {}}
VARIABLE: Blocks = {"validation": {}}


@cache
def _extracted() -> Mapping[str, Blocks]:
    extracted: dict[str, Blocks] = json.loads((Path(__file__).parent / "blocks.json").read_bytes())
    return extracted


def blocks(kind: str) -> Blocks:
    """The blocks of a resource's type, or of `provider`."""
    return {**_extracted().get(kind, {}), **META}
