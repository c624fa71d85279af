/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a container starts to serve: exec, the first listen, the first accept, the first byte sent over an accepted
 * connection. process.bpf.c begins a start, tcp.bpf.c goes on with it.
 *
 * One row per workload slot, written a few times in a container's life. Two CPUs may write one field at the same
 * moment, with the same meaning and times that differ by nanoseconds.
 */
#pragma once

#include "workloads.h"

struct container_start {
	u64 cgroup_id; /* whose: a slot changes its owner */
	u64 exec_ns; /* CLOCK_MONOTONIC, as all of them; 0: not seen */
	u64 listen_ns;
	u64 accept_ns;
	u64 first_byte_ns;
	u64 init_started; /* start time of the process that began it: tells it from others */
};

_Static_assert(sizeof(struct container_start) == 48, "the agent reads this layout");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* max_slots, set before load */
	__type(key, u32);
	__type(value, struct container_start);
} container_starts SEC(".maps");

/* The start under way of a workload, or the last one; NULL if none was seen. */
static __always_inline struct container_start *start_of(u32 slot, u64 cgroup_id)
{
	struct container_start *s = bpf_map_lookup_elem(&container_starts, &slot);

	return s && slot != SLOT_OTHER && s->exec_ns && s->cgroup_id == cgroup_id ? s : NULL;
}

static __always_inline void note_listen(u32 slot, u64 cgroup_id)
{
	struct container_start *s = start_of(slot, cgroup_id);

	if (s && !s->listen_ns)
		s->listen_ns = bpf_ktime_get_ns();
}

static __always_inline void note_accept(u32 slot, u64 cgroup_id)
{
	struct container_start *s = start_of(slot, cgroup_id);

	if (s && s->listen_ns && !s->accept_ns)
		s->accept_ns = bpf_ktime_get_ns();
}
