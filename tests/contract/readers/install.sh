#!/usr/bin/env bash
# Install the readers of other makes and versions: the newest zarr-python, and zarrita.js in Node.
# Nothing here is pinned: what readers install today has to read a cube.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
venv="$root/.venv-readers"

# The newest interpreter there is: new versions of zarr-python leave old ones behind.
candidates=(python3.14 python3.13 python3.12)
if command -v pyenv >/dev/null; then
  mapfile -t own < <(ls -d "$(pyenv root)"/versions/3.1[2-9].*/bin/python3 2>/dev/null | sort -rV)
  candidates+=("${own[@]}")
fi
for python in "${candidates[@]}" python3; do
  if "$python" -c 'import venv' 2>/dev/null; then
    break
  fi
done
"$python" --version
test -x "$venv/bin/python" || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade zarr s3fs
if "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade geozarr-toolkit
fi

if ! command -v npm >/dev/null && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm
fi
if command -v npm >/dev/null; then
  npm install --prefix "$here" --no-package-lock --no-audit --no-fund --silent
else
  echo "readers: no Node, so zarrita.js is not installed." >&2
fi
