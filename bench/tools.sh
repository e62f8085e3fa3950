# The tools that are compared: what each does to begin, to store an image, to give the second one back, and to end.
#
# HOME is an empty folder of the tool's own; what is in it counts as stored. TOOL_other_cpu prints the seconds of CPU that
# a process other than the measured command has used so far. Expects $GALLERIST and $IMAGES.
# shellcheck shell=bash

SERVER_PROCESS=''

# A server as a user runs it. It is started and ended outside the measurement; publishing and exporting go through HTTPS.
gallerist_begin() {
  local tries=0
  "$GALLERIST" serve --data "$1" --listen 127.0.0.1:0 >"$WORK/server.log" 2>&1 </dev/null &
  SERVER_PROCESS=$!
  until [ -s "$1/connection.json" ]; do
    if ! kill -0 "$SERVER_PROCESS" 2>/dev/null || [ "$tries" -ge 600 ]; then
      cat "$WORK/server.log" >&2
      fail "the server did not start"
    fi
    tries=$((tries + 1))
    sleep 0.1
  done
}

# Ends when the version is complete in its home region.
gallerist_store() {
  "$GALLERIST" publish "$IMAGES/$2.raw" --format raw --data "$1" --create \
    --publisher Bench --offer debian --sku base \
    --resource-group bench --gallery bench --definition debian --version "${2#v}.0.0"
}

gallerist_restore() {
  "$GALLERIST" export --data "$1" --format raw --output "$2/disk.raw" \
    --resource-group bench --gallery bench --definition debian --version 2.0.0
}

gallerist_other_cpu() {
  # After the name in brackets come the state and, as the 12th and 13th, user and system time.
  sed 's/.*) //' "/proc/$SERVER_PROCESS/stat" | awk -v ticks="$(getconf CLK_TCK)" '{ print ($12 + $13) / ticks }'
}

gallerist_end() {
  [ -n "$SERVER_PROCESS" ] || return 0
  kill "$SERVER_PROCESS" 2>/dev/null || true
  wait "$SERVER_PROCESS" 2>/dev/null || true
  SERVER_PROCESS=''
}

# As its manual advises for speed: parallel, and out of order where the target allows it.
qemu_img_begin() { :; }
qemu_img_store() {
  qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd -m 8 -W "$IMAGES/$2.raw" "$1/$2.qcow2"
}
qemu_img_restore() { qemu-img convert -f qcow2 -O raw -m 8 -W "$1/v2.qcow2" "$2/disk.raw"; }
qemu_img_other_cpu() { echo 0; }
qemu_img_end() { :; }

with_restic() {
  local home=$1
  shift
  RESTIC_REPOSITORY=$home RESTIC_PASSWORD=bench restic --quiet --no-cache "$@"
}
# Format 2 is the one that compresses.
restic_begin() { quietly with_restic "$1" init --repository-version 2; }
restic_store() { with_restic "$1" backup "$IMAGES/$2.raw"; }
restic_restore() { with_restic "$1" restore latest --target "$2"; }
restic_other_cpu() { echo 0; }
restic_end() { :; }

with_rustic() {
  local home=$1
  shift
  RUSTIC_REPOSITORY=$home RUSTIC_PASSWORD=bench rustic --no-cache --no-progress "$@"
}
rustic_begin() { quietly with_rustic "$1" init; }
rustic_store() { with_rustic "$1" backup "$IMAGES/$2.raw"; }
rustic_restore() { with_rustic "$1" restore latest "$2"; }
rustic_other_cpu() { echo 0; }
rustic_end() { :; }
