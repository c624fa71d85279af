#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the files of many cgroups cost: CPU time of the agent for a snapshot, without and with N containers.
#
#   sudo bench/usage/run.sh                      # 2,000 containers; docs/benchmarks.md
#   sudo bench/usage/run.sh 2000 ../other/sonde  # another build as well, in turns
#
# The containers are cgroups as the kubelet names them, in every hierarchy that counts CPU time or pressure,
# without processes. Sources of names are off and one small probe is on, so that little else costs time.
#   WARM=20 SECONDS_=30 ROUNDS=1
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tools/lib.sh"

N=${1:-2000}
shift || true
builds=("$@" "$ROOT/sonde")
WARM=${WARM:-20}
SECONDS_=${SECONDS_:-30}
PORT=${PORT:-19811}
work=$(mktemp -d)
agent=''
roots=()
for r in /sys/fs/cgroup/cpu /sys/fs/cgroup/cpuacct /sys/fs/cgroup/unified; do
  [ ! -e $r/cgroup.procs ] || roots+=("$(readlink -f $r)")
done
[ ! -e /sys/fs/cgroup/cgroup.procs ] || roots+=(/sys/fs/cgroup)
mapfile -t roots < <(printf '%s\n' "${roots[@]}" | sort -u)

containers() {
  local i r id
  for ((i = 0; i < N; i++)); do
    id=$(printf '%064x' "$((i + 0xbe7c))")
    for r in "${roots[@]}"; do
      printf '%s\0' "$r/kubepods/burstable/pod00000000-0000-4000-8000-$(printf '%012x' "$i")/$id"
    done
  done
}

stop_agent() {
  [ -z "$agent" ] || { kill "$agent" 2>/dev/null; wait "$agent" 2>/dev/null; } || true
  agent=''
}

cleanup() {
  stop_agent
  if [ -e "$work/made" ]; then
    containers | xargs -0 rmdir 2>/dev/null || true
    containers | xargs -0 -n 100 dirname -z | sort -zu | xargs -0 rmdir 2>/dev/null || true
    for r in "${roots[@]}"; do
      rmdir "$r/kubepods/burstable" "$r/kubepods" 2>/dev/null || true
    done
  fi
  rm -rf "$work"
}
trap cleanup EXIT
[ "$(id -u)" = 0 ] || die "it needs root" "run: sudo $0"

value() { awk -v m="$1" '$1 ~ "^" m "($|[{])" { s += $2 } END { print s + 0 }' "$work/page"; }
count() { grep -c "^$1{" "$work/page" || true; }

# measure BUILD CONTAINERS
measure() {
  "$1" agent --probes process --cri-endpoint off --grpc-listen off --listen "127.0.0.1:$PORT" \
    --snapshot-interval 1s >"$work/log" 2>&1 &
  agent=$!
  sleep "$WARM"
  curl -sf "http://127.0.0.1:$PORT/metrics" -o "$work/page" || die "no page" "$(tail -3 "$work/log")"
  local cpu snapshots
  cpu=$(value process_cpu_seconds_total)
  snapshots=$(value sonde_snapshots_total)
  sleep "$SECONDS_"
  curl -sf "http://127.0.0.1:$PORT/metrics" -o "$work/page"
  printf '| %s | %s | %s | %s | %s |\n' "$1" "$2" \
    "$(awk -v a="$cpu" -v b="$(value process_cpu_seconds_total)" -v n="$snapshots" \
      -v m="$(value sonde_snapshots_total)" 'BEGIN { printf "%.1f", (b - a) * 1000 / (m - n) }')" \
    "$(count sonde_cpu_usage_seconds_total)" "$(find "/proc/$agent/fd" -mindepth 1 | wc -l)"
  stop_agent
}

echo '| build | containers | CPU a snapshot, ms | series of CPU time | descriptors |'
echo '|---|---|---|---|---|'
for ((round = 0; round < ${ROUNDS:-1}; round++)); do
  for b in "${builds[@]}"; do measure "$b" 0; done
  touch "$work/made"
  containers | xargs -0 mkdir -p
  for b in "${builds[@]}"; do measure "$b" "$N"; done
done
