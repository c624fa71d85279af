#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# B14 (CPU of a start) and B12 (memory at 10,000 series) of the agent that `make build` left.
#
#   bench/footprint/run.sh [start|memory]      both by default; root; about 3 minutes
#
#   RUNS      starts to measure, 9
#   CGROUPS   workloads to make, 990: each runs one process that talks TCP
#   SECONDS_  of scraping before memory is read, 60
#   SONDE_JAVA_OPTS   to compare other flags
#   IMAGE=1   the image under runc, with daemonset.yaml's security context and memory limit; its CPU
#             holds what runc's own init takes before it becomes the agent
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tools/lib.sh"

port=${PORT:-9571}
[ -z "${IMAGE:-}" ] || port=9520 # the manifest's
url=http://127.0.0.1:$port/metrics
token=bench-$RANDOM$RANDOM$RANDOM$RANDOM
agent=
parent=
log=$(mktemp)
page=$(mktemp)

cleanup() {
  stop_agent
  [ -z "$parent" ] || find "$parent" -depth -type d -exec rmdir {} + 2>/dev/null || true
  rm -f "$log" "$page"
  [ -z "${bundle:-}" ] || rm -rf "$bundle"
  rmdir /sys/fs/cgroup/{,*/}kubepods/burstable/podsonde 2>/dev/null || true
}
trap cleanup EXIT

get() { curl -sf -H "Authorization: Bearer $token" "$@"; }

# make_bundle: what runc runs, by the code that the tests have for it.
make_bundle() {
  local classes
  tools/image --if-changed
  bundle=$(mktemp -d)
  # each module writes its own, the agent the last; what they are made of comes out of their targets
  tools/mvn -q -pl agent -am test-compile dependency:build-classpath -DincludeScope=test \
    -Dmdep.outputFile="$bundle/classpath" >"$log" 2>&1 || die "no class path" "$(tail -3 "$log")"
  classes=agent/target/test-classes:agent/target/classes:$(cat "$bundle/classpath")
  "$JAVA_HOME/bin/java" -Dsonde.root="$root" -cp "$classes" \
    dev.sonde.agent.truth.DeployBundleMain "$bundle" build/image/rootfs "$token"
}

start_image() {
  rm -f "$bundle/pid"
  runc --root "$bundle/state" run --pid-file "$bundle/pid" --bundle "$bundle" sonde-bench \
    >"$log" 2>&1 </dev/null &
  runc=$!
  until [ -s "$bundle/pid" ]; do
    kill -0 "$runc" 2>/dev/null || die "runc ended" "$(tail -3 "$log")"
    sleep 0.005
  done
  agent=$(cat "$bundle/pid")
}

start_agent() {
  if [ -n "${IMAGE:-}" ]; then
    start_image
    return
  fi
  "$root/sonde" agent --listen "127.0.0.1:$port" --grpc-listen "127.0.0.1:$((port + 1))" \
    >"$log" 2>&1 &
  agent=$!
}

stop_agent() {
  [ -n "$agent" ] || return 0
  kill "$agent" 2>/dev/null || true
  wait "${runc:-$agent}" 2>/dev/null || true
  agent=
}

# await_live: until a scrape holds a count that only the kernel can have given. Asked is by /readyz,
# as a kubelet does, so that no scrape is refused, whose cost would be the client's and not the start's.
await_live() {
  local tries=0
  until get "${url%/metrics}/readyz" -o "$page" && get "$url" -o "$page" &&
    grep -q '^sonde_sched_on_cpu_seconds_total' "$page"; do
    tries=$((tries + 1))
    [ $tries -lt 1000 ] || die "no live data within 20 s" "$(tail -3 "$log")"
    kill -0 "$agent" 2>/dev/null || die "the agent ended" "$(tail -3 "$log")"
    sleep 0.02
  done
}

cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }
status_mb() { awk -v key="$2:" '$1 == key { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }

# BPF maps that are mapped count as resident files of the process, all of their pages.
maps_mb() {
  awk '/^[0-9a-f]+-[0-9a-f]+ /{ is = $6 ~ /bpf-map/ } is && /^Rss:/{ n += $2 } END { printf "%.1f", n / 1024 }' "/proc/$1/smaps"
}

# spread LABEL UNIT: median and range of the numbers on standard input.
spread() {
  sort -n | awk -v label="$1" -v unit="$2" '{ v[NR] = $1 }
    END { printf "%-34s %s %s  (%s to %s, n=%d)\n", label, v[int((NR + 1) / 2)], unit, v[1], v[NR], NR }'
}

# An empty JVM of the same kind, in the same minutes: what the machine was worth just then.
empty_jvm_ms() {
  local TIMEFORMAT='%U %S'
  { time "$JAVA_HOME/bin/java" -XX:+UseSerialGC -version >/dev/null 2>&1; } 2>&1 |
    awk '{ print ($1 + $2) * 1000 }'
}

bench_start() {
  local cpu=() wall=() empty=() rss=() begin
  for ((i = 0; i < ${RUNS:-9}; i++)); do
    begin=$(date +%s%N)
    start_agent
    await_live
    cpu+=("$(cpu_ms "$agent")")
    wall+=("$((($(date +%s%N) - begin) / 1000000))")
    rss+=("$(status_mb "$agent" VmRSS)")
    stop_agent
    empty+=("$(empty_jvm_ms)")
  done
  printf '%s\n' "${cpu[@]}" | spread "B14 CPU to the first live scrape" ms
  printf '%s\n' "${wall[@]}" | spread "    wall time" ms
  printf '%s\n' "${rss[@]}" | spread "    RSS then" MB
  printf '%s\n' "${empty[@]}" | spread "    CPU of java -version" ms
  [ -s "$root/agent/target/sonde.aot" ] || echo "    (without an AOT cache)"
}

# workload DIR: a cgroup with a process that runs, waits, sends and receives.
workload() {
  mkdir "$1"
  bash -c 'echo $$ >"$1/cgroup.procs"
    exec 3<>"/dev/tcp/127.0.0.1/$2"
    printf "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" >&3
    read -r _ <&3' _ "$1" "$port" || true
}

bench_memory() {
  local hierarchy=/sys/fs/cgroup end series
  [ -d /sys/fs/cgroup/cpu ] && hierarchy=/sys/fs/cgroup/cpu
  start_agent
  await_live
  parent=$hierarchy/sonde-footprint.slice
  mkdir -p "$parent"
  for ((i = 0; i < ${CGROUPS:-990}; i++)); do workload "$parent/w$i.service"; done
  end=$((SECONDS + ${SECONDS_:-60}))
  while [ $SECONDS -lt $end ]; do
    get "$url" -o "$page"
    get -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' \
      "$url" -o /dev/null
    sleep 0.5
  done
  series=$(awk '/^sonde_series\{/ { n += $NF } END { print n }' "$page")
  echo "B12 RSS                            $(status_mb "$agent" VmRSS) MB at $series series," \
    "$(grep -vc '^#' "$page") lines of text" \
    "(peak $(status_mb "$agent" VmHWM), anonymous $(status_mb "$agent" RssAnon)," \
    "files $(status_mb "$agent" RssFile), of which mapped BPF arrays and rings, the kernel's own memory," \
    "$(maps_mb "$agent"))"
  stop_agent
}

[ "$(id -u)" = 0 ] || die "bench/footprint needs root (BPF, cgroups)"
[ -e "$root/agent/target/.built" ] || die "not built yet" "run: make build"
use_java java
cd "$root"
[ -z "${IMAGE:-}" ] || make_bundle
case ${1:-all} in
  start) bench_start ;;
  memory) bench_memory ;;
  all)
    bench_start
    bench_memory
    ;;
  *) die "unknown argument $1" "start, memory or nothing" ;;
esac
