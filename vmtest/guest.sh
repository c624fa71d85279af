# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Boots a guest and runs a command in it. Sourced.

# What may be tried again: boots after which the command was never started.
BOOTS=3

# What a boot may take on a machine that does much else.
BOOT_SECONDS=120

# run SERIES [OPTION...] -- COMMAND...
run() {
  local series=${1:-} lockdown="" cgroup=v2 memory=1536 cpus=1 limit=600 out=""
  local kernel architecture files=/ status
  [ $# -gt 0 ] || die "usage: vmtest run SERIES [OPTION...] -- COMMAND..."
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    [ $# -gt 1 ] || die "$1 needs a value, and -- must stand before the command"
    case $1=$2 in
      --lockdown=integrity | --lockdown=confidentiality) lockdown=$2 ;;
      --cgroup=v1 | --cgroup=v2) cgroup=$2 ;;
      --mem=[1-9]*) memory=$2 ;;
      --smp=[1-9]) cpus=$2 ;;
      --timeout=[1-9]*) limit=$2 ;;
      --out=*) out=$(realpath -m "$2") ;;
      *) die "vmtest run: '$1 $2'?" "see: vmtest --help" ;;
    esac
    shift 2
  done
  [ $# -gt 1 ] || die "no command; usage: vmtest run SERIES [OPTION...] -- COMMAND..."
  shift
  [ "$(id -u)" = 0 ] || die "vmtest run needs root, to share this machine's files with the guest"
  kernel=$(fetch "$series") || exit $?
  architecture=$(architecture_of "$series")
  need "$(emulator "$architecture")"
  if [ "$architecture" != "$(dpkg --print-architecture)" ]; then
    files=$(userland "$architecture") || exit $?
    JAVA_HOME=$USERLAND_JAVA
  fi
  fresh_initrd "$kernel" "$files"
  out=${out:-$ROOT/build/vmtest/$series-$$}
  mkdir -p "$out"
  write_command "$out/command" "$@"

  local boot
  for ((boot = 1; boot <= BOOTS; boot++)); do
    rm -f "$out"/{started,exit,stdout,stderr,kernel.log,console.log}
    : >"$out/stdout"
    : >"$out/stderr"
    status=0
    boot_once || status=$?
    if [ -e "$out/started" ] || [ "$status" = "$TIMED_OUT" ]; then
      break
    fi
    note "$series: the guest ended before it started the command (boot $boot of $BOOTS): $out/console.log"
    cp "$out/console.log" "$out/console-$boot.log" 2>/dev/null || true
  done
  if [ $status != 0 ] || [ ! -e "$out/exit" ]; then
    note "$series: logs in $out"
  fi
  return $status
}

# architecture_of SERIES: as Debian calls it.
architecture_of() {
  case $1 in
    *-arm64) echo arm64 ;;
    *) echo amd64 ;;
  esac
}

emulator() {
  case $1 in
    amd64) echo qemu-system-x86_64 ;;
    arm64) echo qemu-system-aarch64 ;;
  esac
}

# write_command FILE COMMAND...: here, with the environment that a build needs.
write_command() {
  local file=$1 name
  shift
  {
    for name in JAVA_HOME LANG LC_ALL; do
      [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
    done
    printf 'export HOME=/root VMTEST=1\ncd %q\n' "$PWD"
    printf 'exec'
    printf ' %q' "$@"
    echo
  } >"$file"
}

# virtiofsd is Debian 12's (C, in qemu-system-common) or 13's (Rust, a package of its own). No
# setting may need more rights than mounting does.
serve_files() {
  local socket=$1 root=$2
  if [ -x /usr/lib/qemu/virtiofsd ]; then
    exec /usr/lib/qemu/virtiofsd --socket-path="$socket" -o "source=$root" -o cache=always \
      -o sandbox=chroot -o log_level=err -f
  elif [ -x /usr/libexec/virtiofsd ]; then
    exec /usr/libexec/virtiofsd --socket-path="$socket" --shared-dir "$root" --cache always \
      --sandbox chroot --log-level error
  fi
  echo "no virtiofsd; run: tools/setup vmtest"
  exit 1
}

# share_root: in a mount namespace of its own, the guest's files read-only and the output folder
# writable. They are this machine's, and of other file systems only those that hold something the
# guest needs; or a userland's, and of this machine's only the folders that the guest needs.
share_root() {
  local files=$1 root=$2 socket=$3 out=$4 target
  shift 4
  mount --bind "$files" "$root"
  [ "$files" = / ] || (cd "$root" && mkdir -p "${@/#/.}" ".$out")
  mount -o remount,bind,ro "$root"
  for target in "$@"; do
    [ "$files" != / ] || target=$(findmnt -nfo TARGET -T "$target")
    if [ "$target" != / ] && ! findmnt "$root$target" >/dev/null; then
      mount --bind "$target" "$root$target"
      mount -o remount,bind,ro "$root$target"
    fi
  done
  mount --bind "$out" "$root$out"
  serve_files "$socket" "$root"
}

# boot_once, with the variables of run: 0 to 255 as the command ended, or one of vmtest's own.
boot_once() {
  local work server guest machine clock=() follow=() waited=0 arguments deadline tail_pid begun=no end=$NO_ANSWER
  local needed=("$ROOT" "$kernel" "$PWD" "$out")
  if [ "$files" = / ]; then
    needed+=("${JAVA_HOME:-/}" "$HOME")
  else
    needed+=("$HOME/.m2")
  fi
  work=$(mktemp -d /tmp/vmtest.XXXXXX)
  mkdir "$work/root"
  export -f share_root serve_files
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --propagation private bash -c 'share_root "$@"' share_root \
    "$files" "$work/root" "$work/files" "$out" "${needed[@]}" >"$out/virtiofsd.log" 2>&1 &
  server=$!
  while [ ! -S "$work/files" ] && kill -0 $server 2>/dev/null && [ $((waited++)) -lt 200 ]; do
    sleep 0.05
  done
  arguments="quiet panic=-1 reboot=t mitigations=off nokaslr tsc=reliable no_timer_check"
  arguments+=" cryptomgr.notests random.trust_cpu=on net.ifnames=0 clocksource=tsc"
  arguments+=" vmtest.out=$out vmtest.scripts=$VMTEST vmtest.modules=$kernel/modules vmtest.cgroup=$cgroup"
  [ -z "$lockdown" ] || arguments+=" lockdown=$lockdown"
  [ "$cgroup" != v2 ] || arguments+=" cgroup_no_v1=all"

  case $architecture in
    amd64)
      arguments+=" console=ttyS0"
      machine=(-machine "q35,memory-backend=memory" -cpu "${VMTEST_CPU:-max}" -bios qboot.rom)
      ;;
    arm64)
      arguments+=" console=ttyAMA0"
      machine=(-machine "virt,memory-backend=memory" -cpu "${VMTEST_CPU:-cortex-a72}")
      ;;
  esac
  # An instruction takes the guest 2 ns, however long it takes here: while this machine does something
  # else the guest's clock stands still with its processor, and while it idles it goes with ours.
  # Several processors would wait for each other in vain until their turn is over.
  [ "$cpus" != 1 ] || clock=(-icount "shift=1,sleep=on")
  "$(emulator "$architecture")" -nodefaults -no-user-config -no-reboot -display none -monitor none \
    "${machine[@]}" -accel tcg,thread=single "${clock[@]}" -smp "$cpus" -m "$memory" \
    -object "memory-backend-memfd,id=memory,size=${memory}M,share=on" \
    -kernel "$kernel/vmlinux" -initrd "$kernel/initrd" -append "$arguments" \
    -chardev "socket,id=files,path=$work/files" -device vhost-user-fs-pci,chardev=files,tag=root \
    -serial "file:$out/console.log" </dev/null >"$out/qemu.log" 2>&1 &
  guest=$!
  # ended by a signal to us, the guest ends too
  # shellcheck disable=SC2064 # these pids
  trap "kill $guest $server 2>/dev/null; exit 143" INT TERM
  tail -q -n +1 -s 0.1 --pid=$guest -f "$out/stdout" 2>/dev/null &
  follow+=($!)
  tail -q -n +1 -s 0.1 --pid=$guest -f "$out/stderr" >&2 2>/dev/null &
  follow+=($!)

  # the command's time begins when it does
  deadline=$((SECONDS + (limit > BOOT_SECONDS ? limit : BOOT_SECONDS)))
  while kill -0 $guest 2>/dev/null; do
    if [ $begun = no ] && [ -e "$out/started" ]; then
      begun=yes
      deadline=$((SECONDS + limit))
    fi
    if [ $SECONDS -ge $deadline ]; then
      [ "$end" = "$TIMED_OUT" ] || note "$series: ended after $limit s (--timeout)"
      end=$TIMED_OUT
      kill -TERM $guest 2>/dev/null || true
    fi
    sleep 0.1
  done
  wait $guest 2>/dev/null || true
  for tail_pid in "${follow[@]}"; do
    wait "$tail_pid" 2>/dev/null || true
  done
  kill $server 2>/dev/null || true
  wait $server 2>/dev/null || true
  trap - INT TERM
  rm -rf "$work"
  [ ! -s "$out/qemu.log" ] || note "qemu: $(tail -n 3 "$out/qemu.log")"
  [ -e "$out/kernel.log" ] || cp "$out/console.log" "$out/kernel.log" 2>/dev/null || true
  if [ "$end" = "$NO_ANSWER" ] && [ -e "$out/exit" ]; then
    end=$(cat "$out/exit")
  fi
  return "$end"
}
