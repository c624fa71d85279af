#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# B3 to B7 of docs/benchmarks.md: what the TCP probes cost, against libbpf-tools' tcplife and
# bpftrace, and what all probes cost nginx, with the objects that ship, attached by the agent.
# Prints Markdown.
#
#   sudo bench/tcp/run.sh            # 8 rounds of each
#   sudo ROUNDS=15 CONNECTIONS=50000 bench/tcp/run.sh b3 b4
#
# B3, B5: both are attached at once, so that both see the same events; who is attached first takes
#     turns, since the second finds the socket in the cache. The kernel's own statistics, which the
#     agent switches on by the BPF_ENABLE_STATS descriptor (--bpf-stats).
# B4, B7: CPU time (rusage) of the same load with nothing, the peer or the agent attached, in turns;
#     the order turns too. Statistics off. What the tools themselves use is told beside it.
# B7 also: the BPF time of all programs that ran, of both, by the kernel's statistics.
# B6: CPU time of nginx (schedstat) and wrk (rusage), each on a CPU and in a cgroup of its own, as
#     two pods are, with nothing attached, with empty programs at the same hooks (what any tool pays
#     that looks there), and with the agent, all probes on, in turns.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tools/lib.sh"

ROUNDS=${ROUNDS:-8}
CONNECTIONS=${CONNECTIONS:-10000}
SECONDS_EACH=${SECONDS_EACH:-5}
GIGABYTES=${GIGABYTES:-4}
SONDE=${SONDE:-$ROOT/sonde}
PORT=${PORT:-19798}
agent='' tool='' nginx='' cgroups='' mounted='' floor=0'' work=$(mktemp -d)

stop() {
  local pid
  for pid in "$@"; do
    kill -INT "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
# shellcheck disable=SC2086 # empty or one word
trap '[ -z "$mounted" ] || umount "$mounted"; stop $tool $nginx; [ -z "$agent" ] || kill "$agent" 2>/dev/null; rmdir $cgroups 2>/dev/null; rm -rf "$work"' EXIT

[ "$(id -u)" = 0 ] || die "it needs root" "run: sudo $0"
[ "$ROUNDS" -ge 7 ] || die "ROUNDS=$ROUNDS: fewer than 7 say nothing"
for needed in bpftool tcplife bpftrace curl clang-19 wrk nginx iperf3 taskset "$SONDE"; do
  command -v "$needed" >/dev/null || die "$needed is missing" "run: tools/setup bench; make build"
done
clang-19 -O2 -Wall -Werror -o "$work/storm" "$ROOT/bench/tcp/storm.c"
# the peers attach by tracefs
if [ ! -d /sys/kernel/tracing/events ]; then
  mount -t tracefs sonde-bench /sys/kernel/tracing
  mounted=/sys/kernel/tracing
fi

# BESIDE=1 measures although others' programs are attached: only the time of those that were loaded
# since is counted, but who comes second finds the socket in the cache.
BESIDE=${BESIDE:-}
foreign() {
  [ -n "$BESIDE" ] || bpftool prog show | grep -E '^[0-9]+: (tracing|raw_tracepoint|tracepoint|kprobe|perf_event) ' || true
}

# newest: the id of the program that was loaded last
newest() { bpftool prog show | sed -n 's/^\([0-9]*\): .*/\1/p' | sort -n | tail -n 1; }
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

# start_agent FLAG...
start_agent() {
  "$SONDE" agent --listen "127.0.0.1:$PORT" --grpc-listen off "$@" >"$work/agent.log" 2>&1 &
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

# spent NAME...: "ns runs" of the programs that are younger than $floor; the runs of the first, which
# the others follow
spent() {
  local name first=1
  for name in "$@"; do
    bpftool prog show name "$name" 2>/dev/null | awk -v first=$first -v floor="$floor" '
      /^[0-9]+: / { own = $1 + 0 > floor }
      own { for (i = 1; i < NF; i++) { if ($i == "run_time_ns") t += $(i + 1); if ($i == "run_cnt") n += $(i + 1) } }
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
    floor=$(newest)
    if ((round % 2)); then
      start_tool "$theirs" "$@" && start_agent --bpf-stats --probes all,-sched
    else
      start_agent --bpf-stats --probes all,-sched && start_tool "$theirs" "$@"
    fi
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

# await_alone: a minute for others' programs to go, who came after the start
await_alone() {
  local i
  for ((i = 0; i < 60; i++)); do
    [ -n "$(foreign)" ] || return 0
    sleep 1
  done
  die "other BPF programs are attached:" "$(foreign)"
}

# own_cpu PID: seconds of CPU that a process has used, its threads included
own_cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.2f\n", ($12 + $13) / hz }' "/proc/$1/stat"; }

# rusage COMMAND...: seconds of CPU of a command and its children
rusage() {
  local TIMEFORMAT='%U %S'
  { time "$@" >"$work/out" 2>&1; } 2>&1 | awk '{ printf "%.6f\n", $1 + $2 }'
}

# extra TITLE UNIT UNITS PROGRAM "PEER COMMAND" LOAD...: what the peer and Sonde add to the CPU time
# of a load. Rounds in which somebody else attached something are taken again.
extra() {
  local title=$1 unit=$2 units=$3 program=$4 peer=$5 round what load own before
  shift 5
  : >"$work/rounds"
  for ((round = 0; round < ROUNDS; round++)); do
    local -A cpu=() self=([none]=0)
    for what in $( ((round % 2)) && echo none peer sonde || echo sonde peer none); do
      await_alone
      case $what in
        peer) eval "start_tool $program $peer" && own=$tool ;;
        sonde) start_agent --probes all,-sched && own=$agent ;;
        none) own=$$ ;;
      esac
      [ "$what" = none ] || sleep 2 # the compiler threads of a young JVM; bpftrace's start
      before=$(own_cpu "$own")
      load=$(rusage "$@")
      self[$what]=$(awk -v a="$before" -v b="$(own_cpu "$own")" 'BEGIN { print b - a }')
      cpu[$what]=$load
      case $what in
        peer) stop "$tool" && tool='' ;;
        sonde) kill "$agent" && { wait "$agent" 2>/dev/null || true; } && agent='' ;;
      esac
    done
    echo "${cpu[none]} ${cpu[peer]} ${cpu[sonde]} ${self[peer]} ${self[sonde]}" |
      awk -v n="$units" '{ u = 1e6 / n; print $1 * u, ($2 - $1) * u, ($3 - $1) * u, $4 * u, $5 * u }' >>"$work/rounds"
  done
  # the ratio of the medians: a single round's difference may be next to nothing
  local theirs ours
  theirs=$(middle "$work/rounds" 2)
  ours=$(middle "$work/rounds" 3)
  echo "$title, $ROUNDS rounds, us of CPU per $unit, median (least..greatest)"
  echo
  echo "| | us | extra us | ratio | the tool itself, us |"
  echo "|---|---|---|---|---|"
  echo "| nothing attached | $(middle "$work/rounds" 1) | | | |"
  echo "| ${peer%% *} | | $theirs | 1 | $(middle "$work/rounds" 4) |"
  echo "| sonde | | $ours | $(awk -v o="${ours%% *}" -v t="${theirs%% *}" 'BEGIN { printf "%.2f", o / t }') | $(middle "$work/rounds" 5) |"
  echo
}

b4() {
  extra "B4: $CONNECTIONS short connections" connection "$CONNECTIONS" inet_sock_set_state tcplife \
    "$work/storm" "$CONNECTIONS"
}

SRTT="bpftrace -e 'tracepoint:tcp:tcp_probe { @ = hist(args->srtt); }'"

# bulk: so much through iperf3 on loopback, sender and receiver on a CPU each
bulk() {
  taskset -c 0 iperf3 -s -1 -p 19796 >/dev/null &
  local server=$!
  until grep -q ":4D54 " /proc/net/tcp /proc/net/tcp6; do sleep 0.02; done
  taskset -c 1 iperf3 -c 127.0.0.1 -p 19796 -n "${GIGABYTES}G" >/dev/null
  wait "$server"
}

# bpf_time: ns of all tracing programs that are loaded, and of those with this name
bpf_time() {
  bpftool prog show | awk -v name="name $1 " -v floor="$floor" '
    /^[0-9]+: / { own = $1 + 0 > floor; theirs = index($0, name) > 0 }
    own { for (i = 1; i < NF; i++) if ($i == "run_time_ns") { all += $(i + 1); if (theirs) t += $(i + 1) } }
    END { printf "%d %d\n", all - t, t }'
}

b7() {
  extra "B7: iperf3, ${GIGABYTES} GiB" "64 KiB" $((GIGABYTES * 16384)) tcp_probe "$SRTT" bulk
  local round before after
  : >"$work/rounds"
  for ((round = 0; round < ROUNDS; round++)); do
    await_alone
    floor=$(newest)
    if ((round % 2)); then
      eval "start_tool tcp_probe $SRTT" && start_agent --bpf-stats --probes all,-sched
    else
      start_agent --bpf-stats --probes all,-sched && eval "start_tool tcp_probe $SRTT"
    fi
    before=$(bpf_time tcp_probe)
    bulk
    after=$(bpf_time tcp_probe)
    stop_both
    echo "$before $after" | awk -v n=$((GIGABYTES * 16384)) '{ o = ($3 - $1) / n; t = ($4 - $2) / n; print t, o, o / t }' >>"$work/rounds"
  done
  echo "B7, BPF time: all of Sonde's programs but the scheduler's, against bpftrace's, ns per 64 KiB of the same transfer"
  echo
  echo "| | ns | ratio |"
  echo "|---|---|---|"
  echo "| bpftrace hist(srtt) | $(middle "$work/rounds" 1) | 1 |"
  echo "| sonde | $(middle "$work/rounds" 2) | $(middle "$work/rounds" 3) |"
  echo
}

# within NAME COMMAND...: in a cgroup of its own, in place of this shell
within() {
  local hierarchy=/sys/fs/cgroup
  [ ! -d /sys/fs/cgroup/cpu ] || hierarchy=/sys/fs/cgroup/cpu
  local cgroup=$hierarchy/sonde-bench-$$-$1
  mkdir -p "$cgroup"
  # shellcheck disable=SC2016 # the inner shell's
  shift && exec sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" "$@"
}

start_nginx() {
  mkdir -p "$work/www"
  head -c 1024 /dev/zero | tr '\0' x >"$work/www/index.html"
  cat >"$work/nginx.conf" <<CONF
user root;
worker_processes 1;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; server { listen 127.0.0.1:19795; root $work/www; } }
CONF
  (within nginx taskset -c 0 nginx -p "$work" -c "$work/nginx.conf") &
  nginx=$!
  local i
  for ((i = 0; i < 100; i++)); do
    ! curl -sf http://127.0.0.1:19795/ >/dev/null || return 0
    sleep 0.1
  done
  die "nginx did not start: $(cat "$work/nginx.log")"
}

# worker FIELD: ns on a CPU, or context switches, of nginx' worker
worker() {
  local pid
  pid=$(pgrep -P "$nginx")
  case $1 in
    cpu) cut -d' ' -f1 "/proc/$pid/schedstat" ;;
    switches) awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status" ;;
  esac
}

in_wrk() { (within wrk "$@"); }

# http: "requests, us of CPU a request, requests/s, p99 ms, switches a request" of one run of wrk
http() {
  local cpu switches wrk
  cpu=$(worker cpu) switches=$(worker switches)
  wrk=$(rusage in_wrk taskset -c 1 wrk -t1 -c64 -d"$SECONDS_EACH" --latency http://127.0.0.1:19795/)
  awk -v wrk="$wrk" -v cpu="$(($(worker cpu) - cpu))" -v switches="$(($(worker switches) - switches))" '
    /requests in/ { n = $1 }
    /Requests\/sec/ { rate = $2 }
    $1 == "99%" { p = $2; f = p ~ /us$/ ? 0.001 : p ~ /ms$/ ? 1 : 1000; sub(/[a-z]+$/, "", p); p *= f }
    END { print n, (wrk * 1e6 + cpu / 1e3) / n, rate, p, switches / n }' "$work/out"
}

# build_empty: programs that do nothing, at the hooks of a request
build_empty() {
  clang-19 -target bpf -mcpu=v3 -O2 -g -idirafter "/usr/include/$(uname -m)-linux-gnu" \
    -c "$ROOT/bench/tcp/empty.bpf.c" -o "$work/empty.bpf.o"
  clang-19 -O2 -Wall -Werror -o "$work/empty" "$ROOT/bench/tcp/empty.c" -lbpf
}

b6() {
  local round what own order
  cgroups=$(echo /sys/fs/cgroup{,/cpu}/sonde-bench-$$-{nginx,wrk})
  build_empty
  start_nginx
  http >/dev/null # warm
  : >"$work/rounds"
  for ((round = 0; round < ROUNDS; round++)); do
    local -A run=()
    order=$( ((round % 2)) && echo on empty off || echo off empty on)
    for what in $order; do
      await_alone
      case $what in
        on)
          start_agent
          sleep 3
          own=$(own_cpu "$agent")
          ;;
        empty) start_tool empty_tcp_probe "$work/empty" "$work/empty.bpf.o" ;;
      esac
      run[$what]=$(http)
      case $what in
        on)
          own=$(awk -v a="$own" -v b="$(own_cpu "$agent")" -v s="$SECONDS_EACH" 'BEGIN { print 100 * (b - a) / s }')
          kill "$agent" && { wait "$agent" 2>/dev/null || true; } && agent=''
          ;;
        empty)
          stop "$tool"
          tool=''
          ;;
      esac
    done
    echo "${run[off]} ${run[on]} $own ${run[empty]}" |
      awk '{ print $2, $7, $7 / $2, $3, $8, $8 / $3, $4, $9, $9 - $4, $5, $10, $10 / $5, $11, $13, $13 / $2, $14, $14 / $3 }' >>"$work/rounds"
  done
  stop "$nginx"
  nginx=''
  echo "B6: wrk (1 thread, 64 connections, $SECONDS_EACH s) against nginx (1 worker), $ROUNDS pairs, median (least..greatest)"
  echo
  echo "| | off | on | on against off |"
  echo "|---|---|---|---|"
  echo "| us of CPU a request, nginx and wrk | $(middle "$work/rounds" 1) | $(middle "$work/rounds" 2) | $(middle "$work/rounds" 3) |"
  echo "| the same, empty programs at the same hooks | | $(middle "$work/rounds" 14) | $(middle "$work/rounds" 15) |"
  echo "| requests/s | $(middle "$work/rounds" 4) | $(middle "$work/rounds" 5) | $(middle "$work/rounds" 6) |"
  echo "| the same, empty programs at the same hooks | | $(middle "$work/rounds" 16) | $(middle "$work/rounds" 17) |"
  echo "| p99, ms | $(middle "$work/rounds" 7) | $(middle "$work/rounds" 8) | $(middle "$work/rounds" 9) |"
  echo "| switches of nginx a request | $(middle "$work/rounds" 10) | $(middle "$work/rounds" 11) | $(middle "$work/rounds" 12) |"
  echo "| the agent, % of a CPU | | $(middle "$work/rounds" 13) | |"
  echo
}

echo "kernel $(uname -r), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg); sonde $(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || echo '?')"
echo
[ $# -gt 0 ] || set -- b3 b4 b5 b6 b7
for which in "$@"; do
  case $which in
    b3 | b4 | b5 | b6 | b7) "$which" ;;
    *) die "usage: $0 [b3|b4|b5|b6|b7]..." ;;
  esac
done
