#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# B15 of docs/benchmarks.md: what an event costs with 10 and with 10,000 cgroups. Prints Markdown.
#
#   sudo bench/sched/cgroups.sh
#   sudo ROUNDS=9 MANY=1000 bench/sched/cgroups.sh
#
# Each round has an agent of its own. A token goes round 10 processes, each in a cgroup of its own (every
# switch is to another workload): first while these are all the cgroups that the agent knows, then while
# it knows MANY. Then a token goes round 500 of them, and round all. runqlat beside it, whose programs
# know nothing of cgroups: what is dearer for it, too, is the processes' own memory, which is in no cache
# any more.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tools/lib.sh"

ROUNDS=${ROUNDS:-5}
MANY=${MANY:-10000}
SOME=${SOME:-500}
FEW=10
HOPS=${HOPS:-50000}
SONDE=${SONDE:-$ROOT/sonde}
PORT=${PORT:-19798}
CPU=$(($(nproc) - 1))
work=$(mktemp -d)
agent='' tool='' rings=()
cgroups=/sys/fs/cgroup/cpu
[ -d $cgroups ] || cgroups=/sys/fs/cgroup

stop_round() {
  local pid
  exec 5>&- 6>&- 7>&- || true
  for pid in "${rings[@]}"; do wait "$pid" 2>/dev/null || true; done
  rings=()
  [ -z "$tool" ] || { kill -INT "$tool" 2>/dev/null && wait "$tool" 2>/dev/null; } || true
  [ -z "$agent" ] || { kill "$agent" 2>/dev/null && wait "$agent" 2>/dev/null; } || true
  agent='' tool=''
}
trap 'stop_round; rm -rf "$work"' EXIT

[ "$(id -u)" = 0 ] || die "it needs root" "run: sudo $0"
for needed in bpftool runqlat curl cc "$SONDE"; do
  command -v "$needed" >/dev/null || die "$needed is missing" "run: tools/setup bench; make build"
done
cc -O2 -o "$work/ring" "$ROOT/bench/sched/ring.c"
mkfifo "$work/few" "$work/some" "$work/many"

# a snapshot of so many workloads would compete for the CPU: none during the measurement
start_agent() {
  JDK_JAVA_OPTIONS=-Xmx2g "$SONDE" agent --probes sched --listen "127.0.0.1:$PORT" --grpc-listen off \
    --max-workloads 16384 --snapshot-interval 60s --bpf-memory-limit 4GB --bpf-stats \
    --classic-histograms=false >"$work/agent.log" 2>&1 &
  agent=$!
  local i
  for ((i = 0; i < 300; i++)); do
    ! curl -sf "http://127.0.0.1:$PORT/readyz" >/dev/null || break
    sleep 0.1
  done
  env --default-signal=INT runqlat 100000 1 >/dev/null 2>&1 &
  tool=$!
}

# start_ring NAME PROCESSES: reads numbers of hops from the pipe NAME; the caller opens it.
start_ring() {
  "$work/ring" "$2" "$cgroups/sonde-bench-$1" $CPU <"$work/$1" >"$work/$1.out" &
  rings+=($!)
}

await_ring() {
  local i
  for ((i = 0; i < 1200; i++)); do
    ! grep -q ready "$work/$1.out" || return 0
    sleep 0.1
  done
  die "the processes of '$1' did not start"
}

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

# hops DESCRIPTOR NAME: lets the token go round, waits for it
hops() {
  local before
  before=$(grep -c "done" "$work/$2.out" || true)
  echo "$HOPS" >&"$1"
  while [ "$(grep -c "done" "$work/$2.out" || true)" = "$before" ]; do sleep 0.1; done
}

# measured COLUMN COMMAND...: ns an event of Sonde's, of runqlat's
measured() {
  local before after column=$1
  shift
  before=$(reading)
  "$@" >/dev/null 2>&1
  after=$(reading)
  echo "$before $after" | awk '{ print ($5 - $1) / ($6 - $2), ($7 - $3) / ($8 - $4) }' >>"$work/ns-$column"
}

for ((round = 0; round < ROUNDS; round++)); do
  start_agent
  start_ring few $FEW
  exec 5>"$work/few"
  await_ring few
  measured alone hops 5 few
  start_ring some "$SOME"
  exec 6>"$work/some"
  await_ring some
  start_ring many "$MANY"
  exec 7>"$work/many"
  await_ring many
  measured few hops 5 few
  measured some hops 6 some
  measured many hops 7 many
  stop_round
done

# middle: median, least and greatest of the numbers on standard input
middle() {
  sort -g | awk '{ v[NR] = $1 } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.2f (%.2f..%.2f)", m, v[1], v[NR] }'
}

# row TEXT COLUMN: its figures, and their ratios to "alone" of the same round
row() {
  printf '| %s | %s | %s | %s | %s |\n' "$1" "$(cut -d' ' -f1 "$work/ns-$2" | middle)" \
    "$(paste -d' ' "$work/ns-$2" "$work/ns-alone" | awk '{ print $1 / $3 }' | middle)" \
    "$(cut -d' ' -f2 "$work/ns-$2" | middle)" \
    "$(paste -d' ' "$work/ns-$2" "$work/ns-alone" | awk '{ print $2 / $4 }' | middle)"
}

echo "B15: BPF time of an event (a wake-up or a switch), $ROUNDS rounds of $HOPS hops, median (least..greatest)"
echo
echo "| load | sonde ns | ratio | runqlat ns | ratio |"
echo "|---|---|---|---|---|"
row "token round $FEW cgroups, all there are" alone
row "the same, with $((MANY + SOME)) more cgroups known" few
row "token round $SOME cgroups" some
row "token round $MANY cgroups" many
