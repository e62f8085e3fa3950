# From measurements to medians, a table for people, what was aimed at, and JSON. Expects say.sh, $RESULTS and $TOOLS.
# shellcheck shell=bash

# median TOOL STEP COLUMN: 3 is seconds (or bytes), 4 is seconds of CPU.
median() {
  awk -v tool="$1" -v step="$2" -v column="$3" '$1 == tool && $2 == step { print $column }' "$RESULTS" | sort -g |
    awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

others() { printf '%s\n' "${TOOLS[@]}" | grep -v -e '^gallerist$' -e '^$'; }

# best_other STEP: the name and median of the best of the others.
best_other() {
  local tool
  for tool in $(others); do printf '%s %s\n' "$tool" "$(median "$tool" "$1" 3)"; done | sort -g -k2 | head -n 1
}

calculate() { awk "BEGIN { $1 }"; }

print_report() {
  local tool step first second
  say "Medians of $ROUNDS rounds: seconds (seconds of CPU), and what is stored"
  note "images: $(cat "$IMAGES/what")"
  note "v1 takes $(in_mib "$(data_bytes v1)") MiB of disk, v2 $(in_mib "$(data_bytes v2)") MiB; both are $((IMAGE_BYTES >> 30)) GiB raw"
  note "machine: $(nproc) processors, load now $(cut -d' ' -f1 /proc/loadavg)"
  printf '\n%s%-11s%17s%17s%17s%12s%12s%12s%s\n' "$BOLD" \
    "" "import v1" "import v2" "restore v2" "v1 MiB" "+ v2 MiB" "both MiB" "$PLAIN"
  for tool in gallerist $(others); do
    printf '%-11s' "${tool/_/-}"
    for step in "${STEPS[@]}"; do
      printf '%17s' "$(printf '%.2f (%.2f)' "$(median "$tool" "$step" 3)" "$(median "$tool" "$step" 4)")"
    done
    first=$(median "$tool" v1-bytes 3) second=$(median "$tool" v2-bytes 3)
    printf '%12s%12s%12s\n' "$(in_mib "$first")" "$(in_mib "$((second - first))")" "$(in_mib "$second")"
  done
  note ""
  note "gallerist publishes and exports through HTTPS with a server on this machine. A publish ends when the version is"
  note "complete in its home region, every chunk proven by the server, and synced. Its CPU is client and server together."
  note "qemu-img proves nothing and syncs nothing; restic and rustic also encrypt."
  print_goals
}

in_mib() { calculate "printf \"%.1f\", $1 / 1048576"; }

data_bytes() { echo "$(($(stat -c %b "$IMAGES/$1.raw") * 512))"; }

print_goals() {
  say "What is aimed at"
  goal "import of v1: at least as fast as the fastest" v1 1
  goal "import of v2: three times as fast" v2 3
  goal "restore of v2: at least as fast" restore 1
  goal "stored for v1: no more bytes than any" v1-bytes 1
  goal "stored for both: no more bytes than any" v2-bytes 1
}

# goal WORDS STEP TIMES
goal() {
  local other value own words
  read -r other value <<<"$(best_other "$2")"
  own=$(median gallerist "$2" 3)
  words="$1: $(calculate "printf \"%.2f\", $value / $own") times as good as ${other/_/-}"
  if is_met "$own" "$value" "$3"; then good "met     $words"; else printf '%s    missed  %s%s\n' "$RED" "$words" "$PLAIN"; fi
}

is_met() { calculate "exit !($1 * $3 <= $2)"; }

print_json() {
  local tool step comma=''
  printf '{"rounds": %s, "processors": %s, "images": "%s", "tools": {' "$ROUNDS" "$(nproc)" "$(cat "$IMAGES/what")"
  for tool in gallerist $(others); do
    printf '%s\n  "%s": {' "$comma" "${tool/_/-}"
    for step in "${STEPS[@]}"; do
      printf '"%sSeconds": %s, "%sCpuSeconds": %s, ' "$step" "$(median "$tool" "$step" 3)" "$step" "$(median "$tool" "$step" 4)"
    done
    printf '"v1Bytes": %s, "bothBytes": %s}' "$(median "$tool" v1-bytes 3)" "$(median "$tool" v2-bytes 3)"
    comma=,
  done
  printf '\n}}\n'
}
