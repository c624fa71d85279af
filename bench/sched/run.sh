#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# B1 and B2 of docs/benchmarks.md: what the scheduler probe costs, against libbpf-tools' runqlat,
# with the objects that ship, attached by the agent. Prints Markdown.
#
#   sudo bench/sched/run.sh            # 8 rounds of each
#   sudo ROUNDS=15 OPS=400000 bench/sched/run.sh b1
#   sudo SONDE=/usr/bin/sonde bench/sched/run.sh b2
#
# B1: both attached at once, so that both see the same wake-ups and switches; who is attached first
#     takes turns, since the second finds the task in the cache. The kernel's own statistics, which
#     the agent switches on by the BPF_ENABLE_STATS descriptor (--bpf-stats). What moves between CPUs
#     cost (sched_migrate_task, which runqlat does not look at) is in Sonde's switch.
# B2: CPU time (rusage) of the same benchmark, both ends on one CPU, with nothing, runqlat or the agent
#     attached, in turns; statistics off. On two CPUs the time of an op is that of waking one from idle,
#     which varies by more than either tool costs.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tools/lib.sh"

ROUNDS=${ROUNDS:-8}
OPS=${OPS:-100000}
SONDE=${SONDE:-$ROOT/sonde}
PORT=${PORT:-19797}
agent='' tool='' work=$(mktemp -d)

stop() {
  local pid
  for pid in "$@"; do
    kill -INT "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
# shellcheck disable=SC2086 # empty or one word
trap 'stop $tool; [ -z "$agent" ] || kill "$agent" 2>/dev/null; rm -rf "$work"' EXIT

[ "$(id -u)" = 0 ] || die "it needs root" "run: sudo $0"
[ "$ROUNDS" -ge 7 ] || die "ROUNDS=$ROUNDS: fewer than 7 say nothing"
for needed in bpftool runqlat perf curl taskset "$SONDE"; do
  command -v "$needed" >/dev/null || die "$needed is missing" "run: tools/setup bench; make build"
done

# Programs that a cgroup has (systemd's) cost nothing at a wake-up.
foreign() { bpftool prog show | grep -E '^[0-9]+: (tracing|raw_tracepoint|raw_tracepoint_writable|tracepoint|kprobe|perf_event|lsm|struct_ops|sched_ext) ' || true; }

refuse_company() {
  local others
  others=$(foreign)
  [ -z "$others" ] || die "other BPF programs are attached; their time would be counted too:" \
    "$others" "stop what attached them, then run it again"
}

# alone: nobody else is attached; asked while nothing of ours is.
alone() { [ -z "$(foreign)" ]; }

# alone_within SECONDS: until nobody else is attached
alone_within() {
  local i
  for ((i = 0; i < 10 * $1; i++)); do
    ! alone || return 0
    sleep 0.1
  done
  return 1
}

# undisturbed: nobody else came meanwhile. Programs that were just detached are freed a moment later.
undisturbed() { alone_within 3; }

# await_alone: a minute for others to go, who came after the start.
await_alone() { alone_within 60 || refuse_company; }

start_runqlat() {
  # a shell's background jobs ignore SIGINT, which is how runqlat is ended
  env --default-signal=INT runqlat 100000 1 >/dev/null 2>"$work/runqlat.log" &
  tool=$!
  local i
  for ((i = 0; i < 200; i++)); do
    [ "$(bpftool prog show name sched_switch 2>/dev/null | grep -c gpl)" -lt 1 ] || return 0
    sleep 0.05
  done
  die "runqlat did not attach: $(cat "$work/runqlat.log")"
}

stop_runqlat() { stop "$tool"; tool=''; }

start_agent() {
  "$SONDE" agent --probes sched --listen "127.0.0.1:$PORT" --grpc-listen off "$@" >"$work/agent.log" 2>&1 &
  agent=$!
  local i
  for ((i = 0; i < 300; i++)); do
    if curl -sf "http://127.0.0.1:$PORT/readyz" >/dev/null; then
      sleep 1 # the compiler threads of a young JVM
      return 0
    fi
    kill -0 "$agent" 2>/dev/null || break
    sleep 0.1
  done
  die "the agent did not start: $(cat "$work/agent.log")"
}

stop_agent() { kill "$agent"; wait "$agent" 2>/dev/null || true; agent=''; }

# programs NAME...: "run time in ns, runs" of all programs with these names.
programs() {
  local name
  for name in "$@"; do bpftool prog show name "$name" 2>/dev/null || true; done |
    awk '{ for (i = 1; i < NF; i++) { if ($i == "run_time_ns") t += $(i + 1); if ($i == "run_cnt") n += $(i + 1) } }
      END { printf "%d %d\n", t, n }'
}

# reading: the sums of runqlat's programs and of Sonde's; the last is what moves between CPUs cost
reading() {
  echo "$(programs sched_wakeup sched_wakeup_new) $(programs sched_switch) \
$(programs sched_wakeup_btf sched_wakeup_new_btf sched_wakeup_raw sched_wakeup_new_raw) $(programs sched_switch_btf sched_switch_raw) $(programs sched_migrate_btf sched_migrate_raw)"
}

# pipe [COMMAND...]: by that command
pipe() { "$@" perf bench sched pipe -l "$OPS" >/dev/null 2>&1; }

# middle FILE COLUMN: median, least and greatest
middle() {
  sort -g -k"$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.3f (%.3f..%.3f)", m, v[1], v[NR] }'
}

b1() {
  local round before after
  refuse_company
  : >"$work/b1"
  for ((round = 0; round < ROUNDS; )); do
    await_alone
    if ((round % 2)); then start_runqlat && start_agent --bpf-stats; else start_agent --bpf-stats && start_runqlat; fi
    before=$(reading)
    pipe
    after=$(reading)
    stop_runqlat
    stop_agent
    undisturbed || continue # once more
    round=$((round + 1))
    echo "$before $after" | awk '{
      rw = ($11 - $1) / ($12 - $2); rs = ($13 - $3) / ($14 - $4)
      sw = ($15 - $5) / ($16 - $6); ss = ($17 - $7 + $19 - $9) / ($18 - $8)
      print rw, rs, rw + rs, sw, ss, sw + ss, (sw + ss) / (rw + rs) }' >>"$work/b1"
  done
  echo "B1: BPF time of one wake-up and one switch, $ROUNDS rounds of perf bench sched pipe -l $OPS, median (least..greatest)"
  echo
  echo "| | wake-up ns | switch ns | both ns | ratio |"
  echo "|---|---|---|---|---|"
  echo "| runqlat | $(middle "$work/b1" 1) | $(middle "$work/b1" 2) | $(middle "$work/b1" 3) | 1 |"
  echo "| sonde | $(middle "$work/b1" 4) | $(middle "$work/b1" 5) | $(middle "$work/b1" 6) | $(middle "$work/b1" 7) |"
  echo
}

# cpu: microseconds of CPU per op of one run
cpu() {
  local TIMEFORMAT='%U %S'
  { time pipe taskset -c 1; } 2>&1 | awk -v ops="$OPS" '{ printf "%.4f\n", ($1 + $2) * 1e6 / ops }'
}

b2() {
  local round none theirs ours
  refuse_company
  : >"$work/b2"
  for ((round = 0; round < ROUNDS; )); do
    await_alone
    none=$(cpu)
    start_runqlat
    theirs=$(cpu)
    stop_runqlat
    start_agent
    ours=$(cpu)
    stop_agent
    undisturbed || continue
    round=$((round + 1))
    echo "$none $theirs $ours" >>"$work/b2"
  done
  # the extra is a small difference of large noisy figures: the ratio is that of the medians
  echo "B2: CPU of one op, $ROUNDS rounds in turns, median (least..greatest)"
  echo
  echo "| attached | us CPU per op |"
  echo "|---|---|"
  echo "| nothing | $(middle "$work/b2" 1) |"
  echo "| runqlat | $(middle "$work/b2" 2) |"
  echo "| sonde | $(middle "$work/b2" 3) |"
  echo
  printf '%s\n' "$(middle "$work/b2" 1) $(middle "$work/b2" 2) $(middle "$work/b2" 3)" |
    awk '{ printf "extra of sonde / extra of runqlat: %.2f (%.3f us / %.3f us)\n\n", ($5 - $1) / ($3 - $1), $5 - $1, $3 - $1 }'
}

echo "kernel $(uname -r), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg); runqlat of libbpf-tools $(dpkg-query -W -f '${Version}' libbpf-tools 2>/dev/null || echo '?'); sonde $(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || echo '?')"
echo
case ${1:-all} in
  b1) b1 ;;
  b2) b2 ;;
  all) b1; b2 ;;
  *) die "usage: $0 [b1|b2]" ;;
esac
