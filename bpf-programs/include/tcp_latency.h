/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Durations of each workload's TCP sockets, binned where they happen.
 *
 * One row per workload and kind for all CPUs: a copy per CPU would be gigabytes on a large node, and no two CPUs meet
 * in a row more often than once per packet.
 */
#pragma once

#include "kernel.h"
#include "histogram.h"
#include "workloads.h"
#include <bpf/bpf_helpers.h>

enum tcp_latency_kind {
	LATENCY_CONNECT = 0, /* SYN sent to established */
	LATENCY_RTT = 1, /* smoothed round-trip time */
	LATENCY_SEND_ACK = 2, /* a send call to the ACK of its last byte */
	LATENCY_RECEIVE_WAIT = 3, /* data ready to the application's read */
	LATENCY_ACCEPT_WAIT = 4, /* established to accepted */
	LATENCIES = 5,
};

struct tcp_latency {
	u64 sum_ns;
	u64 counts[HISTOGRAM_SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* max_slots * LATENCIES, set before load */
	__type(key, u32);
	__type(value, struct tcp_latency);
} tcp_latencies SEC(".maps");

static __always_inline void count_latency(u32 slot, u32 kind, u64 nanos)
{
	u32 row = slot * LATENCIES + kind;
	struct tcp_latency *l = bpf_map_lookup_elem(&tcp_latencies, &row);

	if (!l)
		return;
	__sync_fetch_and_add(&l->counts[histogram_slot(nanos)], 1);
	__sync_fetch_and_add(&l->sum_ns, nanos);
}
