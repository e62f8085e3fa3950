# Things that are fetched once and kept outside the repository. Expects say.sh.
# shellcheck shell=bash

GALLERIST_CACHE=${XDG_CACHE_HOME:-${HOME:?HOME is not set: set it, or XDG_CACHE_HOME, to a folder for downloads}/.cache}/gallerist

# once NAME SPEC BUILDER: makes $GALLERIST_CACHE/NAME with `BUILDER FOLDER`, unless it is there, finished, for the same SPEC.
#
# The folder counts as finished only when its `.complete` file says so, written last: an interrupted build is begun again.
# It is built in place because a Python environment cannot be moved. A lock keeps two builders apart.
once() {
  local name=$1 spec=$2 builder=$3
  local folder=$GALLERIST_CACHE/$name
  is_complete "$folder" "$spec" && return
  mkdir -p "$GALLERIST_CACHE"
  (
    flock 9
    if ! is_complete "$folder" "$spec"; then
      rm -rf "$folder"
      mkdir -p "$folder"
      "$builder" "$folder"
      printf '%s\n' "$spec" >"$folder/.complete.new"
      mv "$folder/.complete.new" "$folder/.complete"
    fi
  ) 9>"$GALLERIST_CACHE/$name.lock"
}

is_complete() { [ "$(cat "$1/.complete" 2>/dev/null)" = "$2" ]; }
