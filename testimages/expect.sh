# What must be found in an image: gathered while it is made, written as JSON beside it. Expects nothing.
# shellcheck shell=bash

# begin_expecting KIND
begin_expecting() {
  KIND=$1 IMAGE=$1.raw FORMAT=raw CONTRACT='' VERDICT=accepted STRICT=true PACKAGES=''
  MUST=() MAY=() QUIET=() FACTS=() OTHERWISE=() REASONS=()
}

# declared CONTRACT: what the image is published as, and must be accepted as unless `refused` says otherwise.
declared() { CONTRACT=$1; }

# refused RULE...: it must be refused for exactly these reasons.
refused() { VERDICT=refused STRICT=false REASONS=("$@"); }

# must RULE [PLACE]: this rule must have found something, in this file or on this volume.
must() { MUST+=("[\"$1\", \"${2:-}\"]"); }

# may RULE...: in a good image nothing but these may warn.
may() { MAY+=("$@"); }

# quiet PATH...: decoys; nothing worse than a remark may be said of them.
quiet() { QUIET+=("$@"); }

# fact POINTER JSON: what the report's facts say there.
fact() { FACTS+=("[\"$1\", $2]"); }

# otherwise CONTRACT RULE: declared to be that instead, it must be refused by that rule.
otherwise() { OTHERWISE+=("[\"$1\", \"$2\"]"); }

joined() {
  local IFS=,
  echo "$*"
}

quoted() {
  [ "$#" -gt 0 ] || return 0
  printf "\"%s\"\n" "$@" | paste -sd, -
}

write_expectation() {
  cat <<JSON
{
  "file": "$IMAGE", "format": "$FORMAT", "contract": "$CONTRACT",
  "verdict": "$VERDICT", "reasons": [$(quoted "${REASONS[@]}")], "strict": $STRICT,
  "must": [$(joined "${MUST[@]}")],
  "may": [$(quoted "${MAY[@]}")],
  "quiet": [$(quoted "${QUIET[@]}")],
  "facts": [$(joined "${FACTS[@]}")],
  "otherwise": [$(joined "${OTHERWISE[@]}")],
  "packages": "$PACKAGES"
}
JSON
}
