/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that the application sent: what its calls accepted. */
#pragma once

#include "kernel.h"
#include "first_byte.h"
#include "sockets.h"
#include "tcp_late.h"
#include "tcp_samples.h"
#include "tcp_stats.h"
#include "workloads.h"
#include <bpf/bpf_helpers.h>

static __always_inline void count_sent(void *ctx, struct sock *sk, long accepted, const bool typed)
{
	struct socket_record *r;
	struct tcp_stats *s;
	u32 slot;

	if (accepted <= 0) {
		send_failed(sk);
		return;
	}
	r = socket_at_io(sk);
	slot = socket_slot_in_process(sk, r);
	/* once per accepted socket, and all there is to it on this path */
	if (r && r->server && !r->answered) {
		r->used = 1;
		r->answered = 1;
		note_first_byte(ctx, slot, r->cgroup_id);
	}
	s = stats_row(slot);
	if (s)
		__sync_fetch_and_add(&s->sent_bytes, accepted);
	send_ended(ctx, sk, r, typed);
}

/* Where no socket is to be had: the calling process' workload. */
static __always_inline void count_sent_by_current(long accepted)
{
	struct tcp_stats *s;

	if (accepted <= 0)
		return;
	s = stats_row(slot_of(current_workload_key()));
	if (s)
		__sync_fetch_and_add(&s->sent_bytes, accepted);
}
