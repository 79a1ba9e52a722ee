#!/bin/sh
# stale.sh PYTHON ORIGIN: have set-up done again where it was done for something else. A virtual environment holds its own
# path, and that of its Python, in each of its scripts; node_modules holds binaries for one version of Node.
said() { sed -n "s/^$1 = //p" .venv/pyvenv.cfg 2>/dev/null; }
place=$(said command | sed 's/.* -m venv --clear //')
python=$(said executable)
real() { "$1" -c 'import os, sys; print(os.path.realpath(sys._base_executable))' 2>/dev/null; }
if [ -n "$place" ] && [ "$place" != "$(pwd -P)/.venv" ]; then
  rm -f .venv-pipenv/bin/pipenv
elif [ -n "$python" ] && [ "$2" != file ] && [ "$python" != "$(real "$1")" ]; then
  rm -f .venv-pipenv/bin/pipenv
fi
node=$(cat node_modules/.ready 2>/dev/null)
[ -z "$node" ] || [ "$node" = "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" ] || rm -f node_modules/.ready
