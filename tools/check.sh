#!/bin/sh
# check.sh PYTHON: whether this machine has what `make setup` can't install; one sentence when it has not.
say() { echo "Error: $1" >&2; exit 1; }
command -v "$1" >/dev/null 2>&1 || say "There is no $1 on PATH; install Python 3.11 or later, or name it: make PYTHON=…"
"$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || say "$1 is $("$1" --version 2>&1); TAP needs Python 3.11 or later: make PYTHON=…"
"$1" -c 'import ensurepip, venv' 2>/dev/null || say "$1 cannot make virtual environments; install its venv module (Debian: apt install python3-venv)."
command -v node >/dev/null 2>&1 || say "There is no node on PATH; install Node.js 20 or later, which CDKTF runs on."
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || say "node is version $major; TAP needs Node.js 20 or later."
command -v npm >/dev/null 2>&1 || say "There is no npm on PATH; install the npm that comes with Node.js, which brings cdktf-cli."
# No required_version in the JSON, which checkov then can't parse. 1.11 is the first to lock a state in S3 by a file.
command -v terraform >/dev/null 2>&1 || exit 0
version=$(CHECKPOINT_DISABLE=1 terraform version -json 2>/dev/null | node -p 'JSON.parse(require("fs").readFileSync(0)).terraform_version' 2>/dev/null) ||
  say "The terraform on PATH doesn't tell its version, as the shim of a version manager that has none set; mend it (\`terraform version\` says what it lacks) or take it off PATH, and make setup brings one."
node -e 'const [major, minor] = process.argv[1].split(".").map(Number); process.exit(major > 1 || (major === 1 && minor >= 11) ? 0 : 1)' "$version" ||
  say "terraform is version $version; TAP needs Terraform 1.11 or later: update it, or take it off PATH, and make setup brings one."
