# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Makes of Debian's kernel packages what qemu boots: vmlinux, a small initrd, a tree of plain
# modules, and the kernel's BTF. Sourced.

# number FILE OFFSET BYTES: a little-endian number in a file.
number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# slice FILE OFFSET BYTES: a part of a file.
slice() { dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none; }

# unpack_vmlinuz BZIMAGE OUT: the kernel proper, by the boot protocol's header: payload_offset and
# payload_length count from the protected-mode part (Documentation/arch/x86/boot.rst, 2.08).
unpack_vmlinuz() {
  local sectors offset length start magic
  sectors=$(number "$1" $((0x1f1)) 1)
  offset=$(number "$1" $((0x248)) 4)
  length=$(number "$1" $((0x24c)) 4)
  start=$(((sectors + 1) * 512 + offset))
  magic=$(od -An -v -t x1 -j "$start" -N 4 "$1" | tr -d ' ')
  # The last 4 bytes are the unpacked size, which is no part of the stream.
  case $magic in
    fd377a58) set -- "$1" "$2" xz -dc --single-stream ;;
    28b52ffd) set -- "$1" "$2" zstd -dcq ;;
    1f8b*) set -- "$1" "$2" gzip -dc ;;
    02214c18) set -- "$1" "$2" lz4 -dc ;;
    *) return 1 ;;
  esac
  local in=$1 out=$2
  shift 2
  slice "$in" "$start" $((length - 4)) | "$@" >"$out"
}

# unpack_arm64 VMLINUZ OUT: an EFI zboot image names its payload (drivers/firmware/efi/libstub/
# zboot-header.S); a plain or gzipped Image is taken as it is.
unpack_arm64() {
  local kind
  kind=$(slice "$1" 4 4 | tr -d "\0")
  if [ "$kind" = zimg ]; then
    local offset length tool
    offset=$(number "$1" 8 4)
    length=$(number "$1" 12 4)
    tool=$(slice "$1" 24 32 | tr -d "\0")
    case $tool in
      gzip) tool="gzip -dc" ;;
      zstd*) tool="zstd -dcq" ;;
      xz*) tool="xz -dc --single-stream" ;;
      *) return 1 ;;
    esac
    # gzip complains of what follows the stream
    slice "$1" "$offset" "$length" | { $tool 2>/dev/null || true; } >"$2"
  elif [ "$(od -An -v -t x1 -N 2 "$1" | tr -d ' ')" = 1f8b ]; then
    gzip -dc "$1" >"$2"
  else
    cp "$1" "$2"
  fi
  [ -s "$2" ]
}

# extract_btf IMAGE OUT: the types that CONFIG_DEBUG_INFO_BTF put into the image. Found by its
# header, which starts with magic, version, flags and its own length (24), wherever a section table
# may or may not say that it is.
extract_btf() {
  local at types strings
  while IFS=: read -r at _; do
    types=$(number "$1" $((at + 12)) 4)
    strings=$(number "$1" $((at + 16)) 4)
    # the kernel's own are megabytes, and the strings follow the types
    if [ "$types" = "$strings" ] && [ "$types" -gt 1000000 ]; then
      strings=$(number "$1" $((at + 20)) 4)
      slice "$1" "$at" $((24 + types + strings)) >"$2"
      return 0
    fi
  done < <(LC_ALL=C grep -obUaP '\x9f\xeb\x01\x00\x18\x00\x00\x00' "$1")
  return 1
}

# plain_modules FROM TO: the modules that guests need, unpacked, and their index.
plain_modules() {
  local release folder file
  release=$(basename "$1")
  mkdir -p "$2/lib/modules/$release"
  for folder in net lib crypto arch fs/fuse fs/overlayfs drivers/virtio drivers/net drivers/block; do
    [ -d "$1/kernel/$folder" ] || continue
    mkdir -p "$2/lib/modules/$release/kernel/$(dirname "$folder")"
    cp -r "$1/kernel/$folder" "$2/lib/modules/$release/kernel/$folder"
  done
  cp "$1"/modules.{builtin,order}* "$2/lib/modules/$release/"
  find "$2/lib/modules" -name '*.ko.xz' -exec xz -d {} +
  find "$2/lib/modules" -name '*.ko.zst' -exec zstd -dq --rm {} +
  (cd "$2" && "$(busybox_static)" depmod -b "$2" "$release")
}

busybox_static() {
  local file
  for file in /bin/busybox /usr/bin/busybox; do
    if [ -x $file ]; then
      echo $file
      return 0
    fi
  done
  die "no busybox" "run: tools/setup vmtest"
}

# fresh_initrd KERNEL FILES: the kernel's initrd, made anew when its first process, which is ours,
# has changed since. FILES are the guest's: its busybox is taken.
fresh_initrd() {
  local now busybox=$2/bin/busybox
  [ "$2" != / ] || busybox=$(busybox_static)
  now=$(cksum <"$VMTEST/guest-init")
  [ "$(cat "$1/initrd.of" 2>/dev/null)" != "$now" ] || return 0
  make_initrd "$1/modules" "$busybox" "$1/initrd.$$"
  mv "$1/initrd.$$" "$1/initrd"
  echo "$now" >"$1/initrd.of"
}

# make_initrd MODULES BUSYBOX OUT: busybox, and the modules without which the host's files cannot be
# reached.
make_initrd() {
  local dir tree=$1 release name file wanted=()
  dir=$(mktemp -d)
  release=$(basename "$tree"/lib/modules/*)
  mkdir -p "$dir"/{bin,proc,sys,dev,lower,upper,root,modules}
  cp "$2" "$dir/bin/busybox"
  cp "$VMTEST/guest-init" "$dir/init"
  for name in virtio_pci virtiofs overlay; do
    file=$(grep -E "(^|/)$name\.ko:" "$tree/lib/modules/$release/modules.dep") || continue # built in
    # what it needs stands behind it, the innermost last
    for file in $(echo "${file/:/}" | tr ' ' '\n' | tac); do
      case " ${wanted[*]} " in
        *" $file "*) ;;
        *) wanted+=("$file") ;;
      esac
    done
  done
  for file in "${wanted[@]}"; do
    cp "$tree/lib/modules/$release/$file" "$dir/modules/"
    basename "$file" >>"$dir/modules/order"
  done
  (cd "$dir" && find . -mindepth 1 | sort | "$(busybox_static)" cpio -o -H newc 2>/dev/null) >"$3"
  rm -rf "$dir"
}

# build_image PACKAGES... in the current directory: all of the above.
build_image() {
  local deb vmlinuz modules
  for deb in "$@"; do
    dpkg-deb -x "$deb" tree
  done
  vmlinuz=$(find tree -type f -name 'vmlinu[xz]*' ! -name '*.json' | head -n 1)
  modules=$(dirname "$(find tree -path '*/lib/modules/*/modules.order' | head -n 1)")
  if [ -z "$vmlinuz" ] || [ "$modules" = . ]; then
    note "no kernel or no modules in: $*"
    return 1
  fi
  basename "$modules" >release
  case $(basename "$modules") in
    *arm64) unpack_arm64 "$vmlinuz" vmlinux || return 1 ;;
    *) unpack_vmlinuz "$vmlinuz" vmlinux || return 1 ;;
  esac
  extract_btf vmlinux btf || return 1
  plain_modules "$PWD/$modules" "$PWD/modules" || return 1
  rm -rf tree
}
