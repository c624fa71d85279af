# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts in tools/ share. Sourced; sets ROOT, the top of the repository.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# shellcheck source=tools/find-java.sh
. "$ROOT/tools/find-java.sh"

# say TEXT: one line of progress.
say() { printf '==> %s\n' "$*"; }

# die TEXT...: an error, one line per argument, on standard error; ends the script with 1.
die() {
  printf 'sonde: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '       %s\n' "$@" >&2
  exit 1
}

# use_java TOOL: exports JAVA_HOME of a Java 25, or ends with what to do.
use_java() {
  local home
  home=$(find_java "$1") || die "no Java 25 found (JAVA_HOME, /usr/lib/jvm, PATH)" "run: make build"
  export JAVA_HOME=$home
}

# as_root COMMAND...: runs it as root, by sudo where we are not. need_root says so beforehand.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# can_be_root: whether as_root has a chance.
can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

# need_root SCRIPT ARGS...: runs SCRIPT again under sudo if we are not root.
need_root() {
  [ "$(id -u)" != 0 ] || return 0
  if command -v sudo >/dev/null; then
    exec sudo --preserve-env=JAVA_HOME,SONDE_LISTEN,SONDE_JAVA_OPTS "$@"
  fi
  die "$(basename "$1") needs root (BPF, network namespaces, cgroups) and there is no sudo" \
    "run: su -c '$*'"
}

# maven LOG ARGS...: ./mvnw with everything in the file LOG and only the lines that tell of progress
# or trouble on the screen (-q would swallow the warning that -Werror failed on).
maven() {
  local log=$1 status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$ROOT/tools/mvn" "$@" 2>&1 | tee "$log" | awk '
    /^\[INFO\] Building .*\[[0-9]+\/[0-9]+\]/ || /Tests run: .* in / { print; fflush() }
    /^\[(ERROR|WARNING)\] *[^ ]/ && ++trouble <= 40 { print; fflush() }
    trouble == 41 && !told { print "(more in the log)"; told = 1 }' || status=$?
  # What failed before Maven itself ran (its download, the JVM's flags) has no such line.
  [ $status = 0 ] || grep -q '^\[ERROR\]' "$log" || head -n 12 "$log" >&2
  return $status
}
