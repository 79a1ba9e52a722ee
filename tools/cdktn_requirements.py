"""`python tools/cdktn_requirements.py`: what `.venv-cdktn` gets besides tools/cdktn.txt, for pip's --require-hashes.

It is what Pipfile.lock has for running and testing, without cdktf and what cdktn has another version of.
"""

import json
import re
import sys
from pathlib import Path

#: A browser's driver, 170 MB: its tests are none of the stack's.
NOT_NEEDED = ("greenlet", "playwright")
ROOT = Path(__file__).parents[1]


def main() -> None:
    lock = json.loads((ROOT / "Pipfile.lock").read_text())
    own = set(re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "tools/cdktn.txt").read_text()))
    for name, entry in sorted({**lock["default"], **lock["develop"]}.items()):
        if name.startswith("cdktf") or name in own or name in NOT_NEEDED:
            continue
        marker = f" ; {entry['markers']}" if "markers" in entry else ""
        hashes = " ".join(f"--hash={one}" for one in entry["hashes"])
        extras = f"[{','.join(entry['extras'])}]" if "extras" in entry else ""
        sys.stdout.write(f"{name}{extras}{entry['version']}{marker} {hashes}\n")


if __name__ == "__main__":
    main()
