/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs could not deliver or count, by where it was lost, and what they delivered: read is exact only
 * if events written = events read, and the rest is here.
 *
 * One row per CPU; atomic, since a softirq may interrupt a program that runs in a system call.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_helpers.h>

struct loss_row {
	u64 written;  /* events put into the buffer */
	u64 reserve;  /* events lost because the buffer was full */
	u64 storage; /* socket or task storage could not be made: the owner or the wait is unknown */
	u64 map_full; /* no slot left for a workload: counted for ~other */
	u64 missed_switch; /* context switches that no sched_switch told of: made up for from the task's own books */
	u64 suppressed; /* events held back by their rate limit */
	u64 padding[2]; /* a cache line of its own for each CPU */
};

_Static_assert(sizeof(struct loss_row) == 64, "one cache line per CPU");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs, set before load */
	__type(key, u32);
	__type(value, struct loss_row);
} losses SEC(".maps");

#define COUNT_LOSS(field)                                                    \
	do {                                                                 \
		u32 cpu_ = bpf_get_smp_processor_id();                       \
		struct loss_row *row_ = bpf_map_lookup_elem(&losses, &cpu_); \
		if (row_)                                                    \
			__sync_fetch_and_add(&row_->field, 1);               \
	} while (0)
