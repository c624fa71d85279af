/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Waits longer than --sched-long-wait, each as an event: how long, where, and who ran meanwhile. */
#pragma once

#include "events.h"
#include "neighbours.h"
#include "sched_stats.h"

struct sched_wait_event {
	u32 kind; /* EVENT_SCHED_WAIT */
	u32 cpu; /* where the wait ended */
	u64 start_ns; /* when it began */
	u64 duration_ns;
	u64 victim; /* cgroup ids */
	u64 culprit; /* CGROUP_NOBODY: nobody ran, or throttled; who ran longest in one piece */
	u32 reason; /* enum wait_reason */
	u32 padding;
};

_Static_assert(sizeof(struct sched_wait_event) == 48, "no holes");

const volatile u64 long_wait_ns = ~0ULL;
/* Per workload and CPU, at most one in so long: what comes sooner is counted and not sent. */
const volatile u64 long_wait_interval_ns = 100000000;

static __always_inline u64 owner_of(u32 slot)
{
	u64 *owner = bpf_map_lookup_elem(&slot_owners, &slot);

	return owner ? *owner : CGROUP_NOBODY;
}

/* Not inlined, so that the record's layout stands in the object's types. */
static __noinline int send_wait(void *ctx, struct sched_wait_event *e)
{
	if (e)
		send_event(ctx, e, sizeof(*e));
	return 0;
}

/* Not inlined: it is rare. */
static __noinline int tell_long_wait(void *ctx, struct sched_stats *s, struct task_record *r,
				     u64 now)
{
	struct sched_wait_event e = { .kind = EVENT_SCHED_WAIT };
	u32 culprit = SLOT_NONE;

	u32 cpu = bpf_get_smp_processor_id();

	if (!s || !r)
		return 0;
	if (s->event_at && now - s->event_at < long_wait_interval_ns) {
		COUNT_LOSS(suppressed);
		return 0;
	}
	s->event_at = now;
	if (r->reason != WAIT_THROTTLED)
		culprit = longest_neighbour(cpu, r->queued_at, now);
	e.cpu = cpu;
	e.start_ns = r->queued_at;
	e.duration_ns = now - r->queued_at;
	e.victim = owner_of(r->slot);
	e.culprit = culprit == SLOT_NONE ? CGROUP_NOBODY : owner_of(culprit);
	e.reason = r->reason;
	return send_wait(ctx, &e);
}
