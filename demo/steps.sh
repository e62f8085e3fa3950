# Steps of a story: each command is shown, run and measured; the table at the end says what it cost. Expects say.sh.
# shellcheck shell=bash

STEPS=()

# step "NAME" FILE COMMAND...: FILE is the image the step is about ("" for none), DATA the folder that may grow.
step() {
  local name=$1 file=$2 stored began
  shift 2
  stored=$(stored_bytes)
  began=$EPOCHREALTIME
  show "$@" || fail "$name: that did not work"
  STEPS+=("$name|$(image_bytes "$file")|$(($(stored_bytes) - stored))|$(seconds_since "$began")")
}

stored_bytes() { du -s -B1 "$DATA" 2>/dev/null | cut -f1 || true; }

image_bytes() { if [ -n "$1" ]; then stat -c %s "$1"; fi; }

seconds_since() { awk -v began="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - began }'; }

# Prints 68719476736 as 64.0 GiB.
in_words() {
  awk -v n="$1" 'BEGIN {
    split("B KiB MiB GiB TiB", unit, " ")
    for (i = 1; i < 5 && (n >= 1024 || n <= -1024); i++) n /= 1024
    printf (i == 1 ? "%d %s" : "%.1f %s"), n, unit[i] }'
}

print_steps() {
  local line name image stored seconds
  printf '%s%-34s %12s %16s %9s%s\n' "$BOLD" step image "added to store" seconds "$PLAIN"
  for line in "${STEPS[@]}"; do
    IFS='|' read -r name image stored seconds <<<"$line"
    [ -z "$image" ] || image=$(in_words "$image")
    [ "$stored" = 0 ] && stored='' || stored=$(in_words "$stored")
    printf '%-34s %12s %16s %9s\n' "$name" "$image" "$stored" "$seconds"
  done
}
