# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian's archive, without touching the machine's apt: lists and settings of our own, and the
# mirror that the machine is set up for. Sourced.

# mirror ARCHIVE: the base address of "debian" or "debian-security". A security mirror that is not
# configured is looked for beside the main one.
mirror() {
  local found
  found=$(sed -nE 's/^[[:space:]]*(URIs:|deb(-src)?)[[:space:]]+(\[[^]]*\][[:space:]]+)?//p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null | tr ' ' '\n' |
    sed 's,/*$,,' | grep -E "^(https?|mirror\+[a-z]+)://.*/$1\$" | head -n 1) || true
  if [ -z "$found" ] && [ "$1" != debian ]; then
    found=$(mirror debian)
    found=${found%debian}$1
  fi
  echo "${found:-http://deb.debian.org/$1}"
}

# download ARCHIVE PATH SHA256 FILE: one file of the pool.
download() {
  /usr/lib/apt/apt-helper -o Dir::Etc::sourcelist=/dev/null -o APT::Sandbox::User=root \
    -o Acquire::Retries=2 download-file "$(mirror "$1")/$2" "$4.part" "SHA256:$3" >"$4.log" 2>&1 &&
    echo "$3  $4.part" | sha256sum --quiet -c - >>"$4.log" 2>&1 && mv "$4.part" "$4" && rm -f "$4.log"
}

# archive_apt TOOL ARCHIVE SUITE ARCHITECTURE ARGS...: apt-get or apt-cache on that suite alone.
archive_apt() {
  local tool=$1 archive=$2 suite=$3 architecture=$4
  local dir=$CACHE/apt/$suite-$architecture
  local key=/usr/share/keyrings/debian-archive-keyring.gpg
  shift 4
  mkdir -p "$dir"/{lists/partial,archives/partial,etc}
  : >"$dir/status"
  echo "deb [signed-by=$key arch=$architecture] $(mirror "$archive") $suite main" >"$dir/sources.list"
  "$tool" -o Dir::State="$dir" -o Dir::State::lists="$dir/lists" -o Dir::State::status="$dir/status" \
    -o Dir::Cache="$dir" -o Dir::Etc::sourcelist="$dir/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none \
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
    -o APT::Sandbox::User=root "$@"
}

# newest SERIES ARCHIVE/SUITE FLAVOUR PREFIX...: lock lines of the newest release of the series,
# for the packages PREFIX-<release>-FLAVOUR, all of one version.
newest() {
  local series=$1 archive=${2%%/*} suite=${2#*/} flavour=$3 prefix package version first
  local architecture=${flavour##*-} number=${1%%-*} found
  shift 3
  archive_apt apt-get "$archive" "$suite" "$architecture" -qq update >&2 || return 1
  for prefix in "$@"; do
    found=$(archive_apt apt-cache "$archive" "$suite" "$architecture" dumpavail |
      awk -v want="^$prefix-${number//./\\.}[.-].*[0-9]-$flavour\$" -v version="${version:-}" '
        /^Package: / { p = $2; v = "" }
        /^Version: / { v = $2 }
        /^Filename: / { f = $2 }
        /^Size: / { s = $2 }
        /^SHA256: / { h = $2 }
        /^$/ { if (p ~ want && (version == "" || v == version)) print v "\t" p "\t" f "\t" s "\t" h; p = "" }
        END { if (p ~ want && (version == "" || v == version)) print v "\t" p "\t" f "\t" s "\t" h }' |
      sort -V | tail -n 1)
    [ -n "$found" ] || return 1
    IFS=$'\t' read -r version package first <<<"$found"
    printf '%s\t%s\t%s\t%s/%s\t%s\n' "$series" "$package" "$version" "$archive" "$suite" "$first"
  done
}

# newest_like SERIES: the same for a series as it is pinned.
newest_like() {
  local suite="" package where flavour prefixes=()
  while IFS=$'\t' read -r _ package _ where _; do
    suite=$where
    case $package in
      *-cloud-*) flavour=cloud-${package##*-} ;;
      *) flavour=${package##*-} ;;
    esac
    prefixes+=("$(echo "$package" | grep -oE '^linux-(image|binary|modules|base)')")
  done < <(pinned "$1")
  [ ${#prefixes[@]} -gt 0 ] || return 1
  newest "$1" "$suite" "$flavour" "${prefixes[@]}"
}
