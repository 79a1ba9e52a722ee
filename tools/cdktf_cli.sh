#!/bin/sh
# cdktf_cli.sh: install cdktf-cli, with a Node that it can use: the binaries that it brings end at Node 22.
set -eu
major=$(node -p 'process.versions.node.split(".")[0]')
own=
case $major in
20 | 22) ;;
*)
  echo "… Installing Node 22 for cdktf-cli, which can't use Node $major"
  (cd tools/node && npm ci --include=optional --no-progress --loglevel=error)
  own=tools/node/node_modules/.bin
  [ -x "$own/node" ] || { echo "Error: cdktf-cli can't use Node $major, and npm has no Node 22 for this machine; install Node.js 22." >&2; exit 1; }
  export PATH="$PWD/$own:$PATH"
  ;;
esac
npm ci --include=dev --include=optional --no-progress --loglevel=error
# Where `npx cdktf` looks first, and so all that it starts.
[ -z "$own" ] || ln -sf "../../$own/node" node_modules/.bin/node
echo "$major" >node_modules/.ready
