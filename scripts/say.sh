# Words for people: headings, notes and refusals. Colours only on a terminal.
# shellcheck shell=bash

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  BOLD='' DIM='' GREEN='' RED='' PLAIN=''
fi

# A heading: what happens next.
say() { printf '\n%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"; }

# A detail under the heading.
note() { printf '%s    %s%s\n' "$DIM" "$*" "$PLAIN"; }

# Something worked.
good() { printf '%s    %s%s\n' "$GREEN" "$*" "$PLAIN"; }

# Ends the script: what was wrong and what to do.
fail() {
  printf '%serror: %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 1
}

# Prints a command as it would be typed, then runs it.
show() {
  local word line=''
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_./:=,@+-]+$ ]] || word="'$word'"
    line+=" $word"
  done
  printf '%s    $%s%s\n' "$BOLD" "$line" "$PLAIN"
  "$@"
}

# Runs a command quietly; its output is shown only when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [ "$status" = 0 ] || cat "$log" >&2
  rm -f "$log"
  return "$status"
}
