# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts of vmtest/ share. Sourced after tools/lib.sh.
# shellcheck disable=SC2034 # used by those that source it

VMTEST=$ROOT/vmtest
LOCK=${VMTEST_LOCK:-$VMTEST/kernels.lock}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sonde/kernels

# Ends of vmtest that are not the command's.
UNAVAILABLE=69 # the kernel cannot be had
TIMED_OUT=124
NO_ANSWER=125 # the guest ended without telling how the command did

# note TEXT: what happens, on standard error: standard output is the command's.
note() { printf 'vmtest: %s\n' "$*" >&2; }

# series_of_lock: every series, in the order of the lock file.
series_of_lock() { awk -F'\t' '!/^#/ && NF { if (!seen[$1]++) print $1 }' "$LOCK"; }

# pinned SERIES: its lines of the lock file.
pinned() { awk -F'\t' -v s="$1" '$1 == s' "$LOCK"; }
