/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Waits longer than --tcp-long-wait, each as an event: of what kind, how long, whose, and between which addresses. */
#pragma once

#include "kernel.h"
#include "loss.h"
#include "tcp_events.h"
#include "tcp_holdups.h"
#include "tcp_latency.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

const volatile u64 tcp_long_wait_ns = ~0ULL;
/* Per workload, at most one in so long: what comes sooner is counted and not sent. */
const volatile u64 tcp_long_wait_interval_ns = 100000000;

/* Not inlined: it is rare. */
static __noinline int tell_long_tcp_wait(void *ctx, struct sock *sk, u64 cgroup_id, u32 kind,
					 u64 since)
{
	struct tcp_holdups *h = holdups_of(slot_of(cgroup_id));
	u64 now = bpf_ktime_get_ns();

	if (!h)
		return 0;
	if (h->wait_told_at && now - h->wait_told_at < tcp_long_wait_interval_ns) {
		COUNT_LOSS(suppressed);
		return 0;
	}
	h->wait_told_at = now;
	report_connection(ctx, sk, EVENT_TCP_WAIT, kind, BPF_CORE_READ(sk, __sk_common.skc_state),
			  now, since, cgroup_id, false);
	return 0;
}

/* A wait that has just ended. */
static __always_inline void count_wait(void *ctx, struct sock *sk, u32 slot, u64 cgroup_id,
				       u32 kind, u64 since)
{
	u64 now = bpf_ktime_get_ns();

	if (!since || now <= since)
		return;
	count_latency(slot, kind, now - since);
	if (__builtin_expect(now - since > tcp_long_wait_ns, 0))
		tell_long_tcp_wait(ctx, sk, cgroup_id, kind, since);
}
