#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# B3 and B5 of docs/benchmarks.md: what the TCP probes cost, against libbpf-tools' tcplife and
# bpftrace, with the objects that ship, attached by the agent. Prints Markdown.
#
#   sudo bench/tcp/run.sh            # 8 rounds of each
#   sudo ROUNDS=15 CONNECTIONS=50000 bench/tcp/run.sh b3
#
# Both are attached at once, so that both see the same events; who is attached first takes turns,
# since the second finds the socket in the cache. The kernel's own statistics, which the agent
# switches on by the BPF_ENABLE_STATS descriptor (--bpf-stats).
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tools/lib.sh"

ROUNDS=${ROUNDS:-8}
CONNECTIONS=${CONNECTIONS:-10000}
SONDE=${SONDE:-$ROOT/sonde}
PORT=${PORT:-19798}
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
for needed in bpftool tcplife bpftrace curl clang-19 "$SONDE"; do
  command -v "$needed" >/dev/null || die "$needed is missing" "run: tools/setup bench; make build"
done
clang-19 -O2 -Wall -Werror -o "$work/storm" "$ROOT/bench/tcp/storm.c"

foreign() { bpftool prog show | grep -E '^[0-9]+: (tracing|raw_tracepoint|tracepoint|kprobe|perf_event) ' || true; }
[ -z "$(foreign)" ] || die "other BPF programs are attached; their time would be counted too:" \
  "$(foreign)" "stop what attached them, then run it again"

# start_tool PROGRAM COMMAND...: until a program of that name is loaded
start_tool() {
  local name=$1 i
  shift
  env --default-signal=INT "$@" >/dev/null 2>"$work/tool.log" &
  tool=$!
  for ((i = 0; i < 200; i++)); do
    ! bpftool prog show name "$name" 2>/dev/null | grep -q gpl || return 0
    sleep 0.05
  done
  die "$1 did not attach: $(cat "$work/tool.log")"
}

start_agent() {
  "$SONDE" agent --bpf-stats --probes all,-sched --listen "127.0.0.1:$PORT" --grpc-listen off >"$work/agent.log" 2>&1 &
  agent=$!
  local i
  for ((i = 0; i < 300; i++)); do
    ! curl -sf "http://127.0.0.1:$PORT/readyz" >/dev/null || return 0
    sleep 0.1
  done
  die "the agent did not start: $(cat "$work/agent.log")"
}

stop_both() {
  stop "$tool"
  tool=''
  kill "$agent"
  wait "$agent" 2>/dev/null || true
  agent=''
}

# spent NAME...: "ns runs" of the programs; the runs of the first, which the others follow
spent() {
  local name first=1
  for name in "$@"; do
    bpftool prog show name "$name" 2>/dev/null | awk -v first=$first '
      { for (i = 1; i < NF; i++) { if ($i == "run_time_ns") t += $(i + 1); if ($i == "run_cnt") n += $(i + 1) } }
      END { print t + 0, first ? n + 0 : 0 }'
    first=0
  done | awk '{ t += $1; n += $2 } END { printf "%d %d\n", t, n }'
}

# middle FILE COLUMN: median, least and greatest
middle() {
  sort -g -k"$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.3f (%.3f..%.3f)", m, v[1], v[NR] }'
}

# compare TITLE PEER "OURS" PROGRAM COMMAND...
compare() {
  local title=$1 peer=$2 ours=$3 theirs=$4 round before after
  shift 4
  : >"$work/rounds"
  for ((round = 0; round < ROUNDS; round++)); do
    if ((round % 2)); then start_tool "$theirs" "$@" && start_agent; else start_agent && start_tool "$theirs" "$@"; fi
    # shellcheck disable=SC2086 # several names
    before="$(spent "$theirs") $(spent $ours)"
    "$work/storm" "$CONNECTIONS" >/dev/null
    # shellcheck disable=SC2086
    after="$(spent "$theirs") $(spent $ours)"
    stop_both
    echo "$before $after" | awk '{ t = ($5 - $1) / ($6 - $2); o = ($7 - $3) / ($8 - $4); print t, o, o / t }' >>"$work/rounds"
  done
  echo "$title, $ROUNDS rounds of $CONNECTIONS short connections, median (least..greatest)"
  echo
  echo "| | ns | ratio |"
  echo "|---|---|---|"
  echo "| $peer | $(middle "$work/rounds" 1) | 1 |"
  echo "| sonde | $(middle "$work/rounds" 2) | $(middle "$work/rounds" 3) |"
  echo
}

b3() {
  compare "B3: BPF time of one change of a socket's state" tcplife \
    "tcp_set_state_btf tcp_set_state_2_btf" inet_sock_set_state tcplife
}

b5() {
  compare "B5: BPF time of one tcp_probe" "bpftrace hist(srtt)" "tcp_probe_btf" tcp_probe \
    bpftrace -e 'tracepoint:tcp:tcp_probe { @ = hist(args->srtt); }'
}

echo "kernel $(uname -r), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg); sonde $(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || echo '?')"
echo
case ${1:-all} in
  b3) b3 ;;
  b5) b5 ;;
  all) b3; b5 ;;
  *) die "usage: $0 [b3|b5]" ;;
esac
