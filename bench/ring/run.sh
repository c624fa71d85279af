#!/bin/sh
# B8, B9, B10: drains a BPF ring from Java and from C libbpf in the same run. Needs root, a JDK 25,
# clang-19, cc and libbpf-dev. Ends with 1 if a target is missed.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=${TMPDIR:-/tmp}/sonde-bench-ring
mkdir -p "$out"

foreign=$(bpftool prog show 2>/dev/null | grep -cE ': (tracing|raw_tracepoint|tracepoint|kprobe|perf_event) ' || true)
if [ "$foreign" -gt 0 ] && [ -z "${FORCE:-}" ]; then
	echo "bench/ring: $foreign foreign tracing programs are loaded (bpftool prog); they would be measured too. Stop them, or set FORCE=1." >&2
	exit 2
fi

if [ -z "${JAVA_HOME:-}" ]; then
	for jdk in /usr/lib/jvm/*25*; do [ -x "$jdk/bin/javac" ] && JAVA_HOME=$jdk; done
fi
: "${JAVA_HOME:?bench/ring: set JAVA_HOME to a JDK 25}"
export JAVA_HOME

[ -d "$root/ffi-bindings/target/classes" ] || (cd "$root" && ./mvnw -q -B -pl ffi-bindings compile)
clang-19 -target bpf -O2 -g -mcpu=v3 -Wall -Werror -idirafter "/usr/include/$(uname -m)-linux-gnu" \
	-c ring.bpf.c -o "$out/ring.bpf.o"
cc -O2 -Wall -Werror consumer.c -o "$out/consumer" -lbpf -lpthread
"$JAVA_HOME/bin/javac" -d "$out/classes" -cp "$root/ffi-bindings/target/classes" ./*.java
exec "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED \
	-cp "$out/classes:$root/ffi-bindings/target/classes" RingBench "$out/consumer" "$out/ring.bpf.o"
