/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes and the retransmits of each workload: what nearly every TCP program counts into. */
#pragma once

#include "kernel.h"
#include "workloads.h"
#include <bpf/bpf_helpers.h>

enum retransmit_type {
	RETRANSMIT_TIMEOUT = 0,
	RETRANSMIT_FAST = 1,
	RETRANSMIT_TAIL_LOSS_PROBE = 2,
	RETRANSMIT_SYN = 3,
	RETRANSMIT_SYNACK = 4,
	RETRANSMIT_TYPES = 5,
};

/* One workload on one CPU; atomic, since a softirq or another task may interrupt a count. */
struct tcp_stats {
	u64 sent_bytes;
	u64 received_bytes;
	u64 retransmits[RETRANSMIT_TYPES];
	u64 padding;
};

_Static_assert(sizeof(struct tcp_stats) == 64, "one cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs * max_slots, set before load */
	__type(key, u32);
	__type(value, struct tcp_stats);
} tcp_stats SEC(".maps");

static __always_inline struct tcp_stats *stats_row(u32 slot)
{
	u32 row = row_of(slot);

	return bpf_map_lookup_elem(&tcp_stats, &row);
}
