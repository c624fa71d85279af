# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The files of a guest whose processor is not this machine's: a small Debian, unpacked and never
# configured, with the JVM and the tools that guest tests call. Sourced.

USERLAND_SUITE=trixie
USERLAND_PACKAGES=(base-files bash busybox-static coreutils dash findutils grep hostname iproute2
  libbpf1 mawk mount nftables openjdk-25-jre-headless procps sed util-linux)
USERLAND_JAVA=/usr/lib/jvm/java-25-openjdk-arm64

# userland ARCHITECTURE: downloads and unpacks it, if it is not there yet; prints its folder.
userland() {
  local dir=$CACHE/userland-$1 wanted gate
  wanted=$(printf '%s\n' "$USERLAND_SUITE" "${USERLAND_PACKAGES[@]}" | cksum)
  exec {gate}>"$CACHE/userland-$1.lock"
  flock "$gate"
  if [ "$(cat "$dir/complete" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$dir" "$dir.new"
    mkdir -p "$dir.new"
    if ! unpack_userland "$1" "$dir.new" >"$dir.log" 2>&1; then
      note "no files for $1 guests from $(mirror debian): $(tail -n 1 "$dir.log")"
      rm -rf "$dir.new"
      return "$UNAVAILABLE"
    fi
    echo "$wanted" >"$dir.new/complete"
    mv "$dir.new" "$dir"
  fi
  exec {gate}>&-
  echo "$dir"
}

# unpack_userland ARCHITECTURE DIR: apt resolves what the packages need, as on an empty machine.
unpack_userland() {
  local deb debs=$CACHE/apt/$USERLAND_SUITE-$1/archives
  note "fetching the files of $1 guests (80 MB)"
  archive_apt apt-get debian "$USERLAND_SUITE" "$1" -qq update || return 1
  archive_apt apt-get debian "$USERLAND_SUITE" "$1" -qq --yes --download-only \
    --no-install-recommends install "${USERLAND_PACKAGES[@]}" || return 1
  # first what makes /bin and /lib links, so that the others unpack through them
  for deb in "$debs"/base-files_*.deb "$debs"/*.deb; do
    dpkg-deb -x "$deb" "$2" || return 1
  done
  rm -f "$debs"/*.deb
  ln -sf mawk "$2/usr/bin/awk"
  ln -sf dash "$2/usr/bin/sh"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$2/etc/passwd"
  echo 'root:x:0:' >"$2/etc/group"
  [ -x "$2/usr/bin/bash" ] && [ -x "$2$USERLAND_JAVA/bin/java" ] && [ -e "$2/bin/busybox" ]
}
