/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first byte that a container sends as a server, which is where its start ends: an event tells of all of it. */
#pragma once

#include "kernel.h"
#include "events.h"
#include "starts.h"
#include "workloads.h"
#include <bpf/bpf_helpers.h>

struct container_start_event {
	u32 kind; /* EVENT_CONTAINER_START */
	u32 padding;
	u64 time_ns; /* of the exec, CLOCK_MONOTONIC */
	u64 cgroup_id;
	u64 listen_ns; /* after the exec, as all that follow */
	u64 accept_ns;
	u64 first_byte_ns;
};

_Static_assert(sizeof(struct container_start_event) == 48, "the agent reads this layout");

/* Starts that an event was sent of: two threads may both send the first byte. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, u64);
} reported_starts SEC(".maps");

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_container_start(void *ctx, struct container_start_event *e)
{
	send_event(ctx, e, sizeof(*e));
}

static __always_inline void note_first_byte(void *ctx, u32 slot, u64 cgroup_id)
{
	struct container_start_event e = { .kind = EVENT_CONTAINER_START };
	struct container_start *s;

	note_accept(slot, cgroup_id);
	s = start_of(slot, cgroup_id);
	if (!s || !s->accept_ns || s->first_byte_ns)
		return;
	s->first_byte_ns = bpf_ktime_get_ns();
	e.time_ns = s->exec_ns;
	e.cgroup_id = cgroup_id;
	e.listen_ns = s->listen_ns - s->exec_ns;
	e.accept_ns = s->accept_ns - s->exec_ns;
	e.first_byte_ns = s->first_byte_ns - s->exec_ns;
	if (bpf_map_update_elem(&reported_starts, &e.time_ns, &cgroup_id, BPF_NOEXIST) == 0)
		send_container_start(ctx, &e);
}
