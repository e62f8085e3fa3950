# Rust from source: what the compiler needs, and where the program lands. Expects say.sh and packages.sh.
# shellcheck shell=bash

need_rust() {
  command -v cargo >/dev/null ||
    fail "cargo is missing. Install Rust from https://rustup.rs (or the package rustup), then run again"
  need cc "gcc libc6-dev" "compiles the C parts of SQLite, zstd and TLS"
}

# need_component COMMAND COMPONENT: parts of the toolchain that a minimal Rust lacks.
need_component() {
  (cd "$ROOT" && cargo "$1" --version) >/dev/null 2>&1 && return
  command -v rustup >/dev/null ||
    fail "cargo $1 is missing, and there is no rustup to add it: install the package that has $2"
  say "Adding $2 to the Rust toolchain"
  (cd "$ROOT" && quietly rustup component add "$2")
}

# Prints the folder cargo builds into.
target_folder() {
  local folder=${CARGO_TARGET_DIR:-target}
  case $folder in
    /*) printf '%s\n' "$folder" ;;
    *) printf '%s\n' "$ROOT/$folder" ;;
  esac
}
