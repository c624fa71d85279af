# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Finds a Java 25. Sourced by the launcher and by the build, so that both take the same one.
#
#   . tools/find-java.sh
#   java_home=$(find_java java) || die "..."     # a runtime is enough
#   java_home=$(find_java javac) || die "..."    # building needs the compiler
#
# Order: JAVA_HOME, then /usr/lib/jvm, then the `java` of PATH. The machine's default java may be
# older and is left alone. Exactly 25: the AOT cache and some flags belong to one release.

# is_java_25 HOME TOOL: HOME is a Java 25 that has TOOL. Reads the `release` file where there is
# one, since starting a JVM to ask costs 40 ms.
is_java_25() {
  [ -x "$1/bin/$2" ] || return 1
  if [ -r "$1/release" ]; then
    while IFS= read -r _line; do
      case $_line in
        JAVA_VERSION=\"25\"* | JAVA_VERSION=\"25.*) return 0 ;;
      esac
    done <"$1/release"
    return 1
  fi
  case $("$1/bin/java" -version 2>&1) in
    *version\ \"25\"* | *version\ \"25.*) return 0 ;;
  esac
  return 1
}

# find_java TOOL: prints the home of a Java 25 that has TOOL (java or javac), or fails.
find_java() {
  if [ -n "${JAVA_HOME:-}" ] && is_java_25 "$JAVA_HOME" "$1"; then
    printf '%s\n' "$JAVA_HOME"
    return 0
  fi
  for _home in "${SONDE_JVM_DIR:-/usr/lib/jvm}"/*; do
    if is_java_25 "$_home" "$1"; then
      printf '%s\n' "$_home"
      return 0
    fi
  done
  if _java=$(command -v java) && _java=$(readlink -f "$_java"); then
    _home=${_java%/bin/java}
    if is_java_25 "$_home" "$1"; then
      printf '%s\n' "$_home"
      return 0
    fi
  fi
  return 1
}
