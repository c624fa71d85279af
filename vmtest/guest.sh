# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Boots a guest and runs a command in it. Sourced.

# What may be tried again: boots after which the command was never started.
BOOTS=3

# run SERIES [OPTION...] -- COMMAND...
run() {
  local series=${1:-} lockdown="" cgroup=v2 memory=1536 cpus=1 limit=600 out="" kernel status
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
  need qemu-system-x86_64
  [ "$(id -u)" = 0 ] || die "vmtest run needs root, to share this machine's files with the guest"
  kernel=$(fetch "$series") || exit $?
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

# share_root: in a mount namespace of its own, this machine's / read-only and the output folder
# writable; of other file systems only those that hold something the guest needs.
share_root() {
  local root=$1 socket=$2 out=$3 target
  shift 3
  mount --bind / "$root"
  mount -o remount,bind,ro "$root"
  for target in "$@"; do
    target=$(findmnt -nfo TARGET -T "$target")
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
  local work files guest follow=() waited=0 arguments deadline tail_pid end=$NO_ANSWER
  work=$(mktemp -d /tmp/vmtest.XXXXXX)
  mkdir "$work/root"
  export -f share_root serve_files
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --propagation private bash -c 'share_root "$@"' share_root \
    "$work/root" "$work/files" "$out" "$ROOT" "$kernel" "$PWD" "$out" "${JAVA_HOME:-/}" "$HOME" \
    >"$out/virtiofsd.log" 2>&1 &
  files=$!
  while [ ! -S "$work/files" ] && kill -0 $files 2>/dev/null && [ $((waited++)) -lt 200 ]; do
    sleep 0.05
  done
  arguments="console=ttyS0 quiet panic=-1 reboot=t mitigations=off nokaslr tsc=reliable no_timer_check"
  arguments+=" cryptomgr.notests random.trust_cpu=on net.ifnames=0 clocksource=tsc"
  arguments+=" vmtest.out=$out vmtest.scripts=$VMTEST vmtest.modules=$kernel/modules vmtest.cgroup=$cgroup"
  [ -z "$lockdown" ] || arguments+=" lockdown=$lockdown"
  [ "$cgroup" != v2 ] || arguments+=" cgroup_no_v1=all"

  qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -monitor none \
    -machine q35,memory-backend=memory -accel tcg,thread=single -cpu "${VMTEST_CPU:-max}" -smp "$cpus" \
    -bios qboot.rom -m "$memory" -object "memory-backend-memfd,id=memory,size=${memory}M,share=on" \
    -kernel "$kernel/vmlinux" -initrd "$kernel/initrd" -append "$arguments" \
    -chardev "socket,id=files,path=$work/files" -device vhost-user-fs-pci,chardev=files,tag=root \
    -serial "file:$out/console.log" </dev/null >"$out/qemu.log" 2>&1 &
  guest=$!
  # ended by a signal to us, the guest ends too
  # shellcheck disable=SC2064 # these pids
  trap "kill $guest $files 2>/dev/null; exit 143" INT TERM
  tail -q -n +1 -s 0.1 --pid=$guest -f "$out/stdout" 2>/dev/null &
  follow+=($!)
  tail -q -n +1 -s 0.1 --pid=$guest -f "$out/stderr" >&2 2>/dev/null &
  follow+=($!)

  deadline=$((SECONDS + limit))
  while kill -0 $guest 2>/dev/null; do
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
  kill $files 2>/dev/null || true
  wait $files 2>/dev/null || true
  trap - INT TERM
  rm -rf "$work"
  [ ! -s "$out/qemu.log" ] || note "qemu: $(tail -n 3 "$out/qemu.log")"
  [ -e "$out/kernel.log" ] || cp "$out/console.log" "$out/kernel.log" 2>/dev/null || true
  if [ "$end" = "$NO_ANSWER" ] && [ -e "$out/exit" ]; then
    end=$(cat "$out/exit")
  fi
  return "$end"
}
