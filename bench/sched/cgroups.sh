#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# B15 of docs/benchmarks.md: what an event costs with 10 and with 10,000 cgroups. Prints Markdown.
#
#   sudo bench/sched/cgroups.sh
#   sudo ROUNDS=9 MANY=1000 bench/sched/cgroups.sh
#
# One agent knows all of them. In turns: a token goes round 10 processes, each in a cgroup of its own
# (every switch is to another workload), then round MANY; and perf bench sched pipe runs, all in
# one cgroup. With runqlat beside it, whose own programs know nothing of cgroups: what is dearer for it,
# too, is the processes' own memory, which is in no cache any more.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tools/lib.sh"

ROUNDS=${ROUNDS:-7}
MANY=${MANY:-10000}
FEW=10
HOPS=${HOPS:-50000}
SONDE=${SONDE:-$ROOT/sonde}
PORT=${PORT:-19798}
CPU=$(($(nproc) - 1))
work=$(mktemp -d)
agent='' tool='' few='' many=''
cgroups=/sys/fs/cgroup/cpu
[ -d $cgroups ] || cgroups=/sys/fs/cgroup

cleanup() {
  exec 5>&- 6>&- || true
  local pid
  for pid in $few $many; do wait "$pid" 2>/dev/null || true; done
  # shellcheck disable=SC2086 # empty or one word
  [ -z "$tool" ] || { kill -INT $tool 2>/dev/null; wait $tool 2>/dev/null; } || true
  [ -z "$agent" ] || { kill "$agent" 2>/dev/null; wait "$agent" 2>/dev/null; } || true
  rm -rf "$work"
}
trap cleanup EXIT

[ "$(id -u)" = 0 ] || die "it needs root" "run: sudo $0"
for needed in bpftool runqlat perf curl cc "$SONDE"; do
  command -v "$needed" >/dev/null || die "$needed is missing" "run: tools/setup bench; make build"
done
cc -O2 -o "$work/ring" "$ROOT/bench/sched/ring.c"

# a snapshot of so many workloads would compete for the CPU: none during the measurement
JDK_JAVA_OPTIONS=-Xmx2g "$SONDE" agent --probes sched --listen "127.0.0.1:$PORT" --grpc-listen off \
  --max-workloads 16384 --snapshot-interval 60s --bpf-memory-limit 4GB --bpf-stats \
  --classic-histograms=false >"$work/agent.log" 2>&1 &
agent=$!
for ((i = 0; i < 300; i++)); do
  ! curl -sf "http://127.0.0.1:$PORT/readyz" >/dev/null || break
  sleep 0.1
done
env --default-signal=INT runqlat 100000 1 >/dev/null 2>&1 &
tool=$!

mkfifo "$work/few" "$work/many"
"$work/ring" $FEW $cgroups/sonde-bench-few $CPU <"$work/few" >"$work/few.out" &
few=$!
exec 5>"$work/few"
"$work/ring" "$MANY" $cgroups/sonde-bench-many $CPU <"$work/many" >"$work/many.out" &
many=$!
exec 6>"$work/many"
for ((i = 0; i < 1200; i++)); do
  ! { grep -q ready "$work/few.out" && grep -q ready "$work/many.out"; } || break
  sleep 0.1
done
grep -q ready "$work/many.out" || die "the $MANY processes did not start"

# reading: run time and runs of Sonde's programs, then of runqlat's, and the wake-ups of both
reading() {
  bpftool prog show | awk '
    /^[0-9]+:/ { name = ""; for (i = 1; i < NF; i++) {
      if ($i == "name") name = $(i + 1)
      if ($i == "run_time_ns") ns = $(i + 1)
      if ($i == "run_cnt") { t[name] += ns; n[name] += $(i + 1) } } }
    END { printf "%d %d %d %d\n", t["sched_wakeup_btf"] + t["sched_switch_btf"] + t["sched_migrate_btf"],
      n["sched_wakeup_btf"] + n["sched_switch_btf"], t["sched_wakeup"] + t["sched_switch"], n["sched_wakeup"] + n["sched_switch"] }'
}

# hops DESCRIPTOR OUTPUT: lets the token go round, waits for it
hops() {
  local before
  before=$(grep -c "done" "$2" || true)
  echo "$HOPS" >&"$1"
  while [ "$(grep -c "done" "$2" || true)" = "$before" ]; do sleep 0.1; done
}

# measured COMMAND...: ns an event of Sonde's, of runqlat's
measured() {
  local before after
  before=$(reading)
  "$@" >/dev/null 2>&1
  after=$(reading)
  echo "$before $after" | awk '{ print ($5 - $1) / ($6 - $2), ($7 - $3) / ($8 - $4) }'
}

for ((round = 0; round < ROUNDS; round++)); do
  measured hops 5 "$work/few.out" >>"$work/ns-few"
  measured hops 6 "$work/many.out" >>"$work/ns-many"
  measured perf bench sched pipe -l "$HOPS" >>"$work/ns-pipe"
done
paste -d' ' "$work/ns-few" "$work/ns-many" "$work/ns-pipe" |
  awk '{ print $1, $3, $5, $2, $4, $6, $3 / $1, $4 / $2, $5 / $1 }' >"$work/all"

# middle COLUMN: median, least and greatest
middle() {
  sort -g -k"$1,$1" "$work/all" | awk -v c="$1" '{ v[NR] = $c } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.2f (%.2f..%.2f)", m, v[1], v[NR] }'
}

echo "B15: BPF time of an event (a wake-up or a switch), $ROUNDS rounds of $HOPS hops in turns, median (least..greatest)"
echo
echo "| load, with $MANY cgroups known | sonde ns | runqlat ns |"
echo "|---|---|---|"
echo "| token round $FEW cgroups | $(middle 1) | $(middle 4) |"
echo "| token round $MANY cgroups | $(middle 2) | $(middle 5) |"
echo "| pipe in one cgroup | $(middle 3) | $(middle 6) |"
echo "| ratio $MANY / $FEW | $(middle 7) | $(middle 8) |"
echo
echo "entries of cgroup_slots: $(curl -s "http://127.0.0.1:$PORT/metrics" | grep -c '^sonde_sched_on_cpu_seconds_total' || true) workloads with series at the last snapshot"
