#!/bin/sh
# link_tap.sh: have .venv import this checkout's tap and run it as a command; by relative paths, so that it can be moved.
set -eu
for packages in .venv/lib/python3*/site-packages; do echo ../../../.. >"$packages/tap.pth"; done
cat >.venv/bin/tap <<'PYTHON'
#!/bin/sh
'''exec' "$(dirname "$0")/python" "$0" "$@"
' '''
from tap.__main__ import main

main()
PYTHON
chmod +x .venv/bin/tap
