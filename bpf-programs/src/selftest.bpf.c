/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The histogram's arithmetic behind BPF_PROG_TEST_RUN: the test gives a duration and gets its slot, from the very code
 * that the probes run.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include "histogram.h"

SEC("raw_tp")
int selftest_histogram_slot(u64 *ctx)
{
	return histogram_slot(ctx[0]);
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
