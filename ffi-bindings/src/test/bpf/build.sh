#!/bin/sh
# Rebuilds the tests' objects; only needed after a change to the .c files (needs clang-19).
set -eu
cd "$(dirname "$0")"
mkdir -p ../resources/dev/sonde/ffi
for source in *.bpf.c; do
	object="../resources/dev/sonde/ffi/${source%.c}.o"
	clang-19 -target bpf -O2 -g -mcpu=v3 -Wall -Werror -fdebug-compilation-dir=. \
		-idirafter "/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$object"
	llvm-strip-19 -g "$object"
done
