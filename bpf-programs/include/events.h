/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events: rare things, delivered whole, through one buffer for all probes.
 *
 * The ring buffer where the kernel has it (5.8), else, or by `--mechanism buffer=perf`, a perf buffer per CPU.
 */
#pragma once

#include "kernel.h"
#include "loss.h"
#include <bpf/bpf_helpers.h>

enum event_kind {
	EVENT_TCP_RETRANSMIT = 1,
	EVENT_SCHED_WAIT = 2,
	EVENT_CONTAINER_START = 3,
	EVENT_OOM_KILL = 4,
	EVENT_CGROUP = 5,
	EVENT_TCP_OPEN = 10,
	EVENT_TCP_CLOSE = 11,
	EVENT_TCP_CONNECT_FAILED = 12,
	EVENT_TCP_RESET = 13,
	EVENT_TCP_WAIT = 14,
};

const volatile bool use_perf_buffer = false;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1); /* bytes, set before load */
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1); /* possible CPUs, set before load */
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events_perf SEC(".maps");

/* Sends a record that stands on the caller's stack. */
static __always_inline void send_event(void *ctx, void *record, u64 size)
{
	long err = use_perf_buffer ? bpf_perf_event_output(ctx, &events_perf, BPF_F_CURRENT_CPU,
							   record, size)
				   : bpf_ringbuf_output(&events, record, size, 0);

	if (err)
		COUNT_LOSS(reserve);
	else
		COUNT_LOSS(written);
}

/* Of which events that come by the thousand woke the reader last; a race costs one wake-up more. */
u64 last_wakeup_ns;

#define WAKEUP_INTERVAL_NS 1000000

/*
 * The same for events that come by the thousand: the reader looks by itself five times a second, and is woken when a
 * quarter of the ring is full, at most once in a millisecond. A wake-up is an interrupt that a processor sends to itself,
 * which costs more than all the rest of the event.
 */
static __always_inline void send_frequent_event(void *ctx, void *record, u64 size, u64 now)
{
	u64 flags = BPF_RB_NO_WAKEUP;
	long err;

	if (use_perf_buffer) {
		send_event(ctx, record, size);
		return;
	}
	if (now - last_wakeup_ns > WAKEUP_INTERVAL_NS &&
	    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >
		    bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 4) {
		flags = BPF_RB_FORCE_WAKEUP;
		last_wakeup_ns = now;
	}
	err = bpf_ringbuf_output(&events, record, size, flags);
	if (err)
		COUNT_LOSS(reserve);
	else
		COUNT_LOSS(written);
}
