/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Resets, sent and received.
 *
 * The kernel also calls tcp_reset(), which is what is reported as a reset received, when data arrives for a socket whose
 * application has closed it: nobody sent a reset then, and this host sends one next. Both look the same here at first;
 * the reset that follows on the same socket tells, and takes the first back.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_connections.h"

static __always_inline void count_reset(void *ctx, struct sock *sk, struct socket_record *r,
					u32 direction, u8 state)
{
	u64 cgroup_id;
	u32 slot = socket_slot(sk, r, &cgroup_id);
	struct tcp_connection_stats *s = connection_row(slot);

	if (s)
		__sync_fetch_and_add(&s->resets[direction], 1);
	report_connection(ctx, sk, EVENT_TCP_RESET, direction, state, bpf_ktime_get_ns(),
			  r ? r->since : 0, cgroup_id, false);
}

static __always_inline void reset_received(void *ctx, struct sock *sk)
{
	struct socket_record *r = find_socket(sk);
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (r && state != TCP_SYN_SENT && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
		r->reset_doubtful = 1;
	count_reset(ctx, sk, r, RESET_RECEIVED, state);
}

/* Nobody's: a segment for no socket, or for one that only waits for its time to end. */
static __always_inline void reset_sent_for_nobody(void)
{
	struct tcp_connection_stats *s = connection_row(slot_of(CGROUP_UNKNOWN));

	if (s)
		__sync_fetch_and_add(&s->resets[RESET_SENT], 1);
}

static __always_inline void reset_sent(void *ctx, struct sock *sk)
{
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	struct tcp_connection_stats *s;
	struct socket_record *r;

	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV) {
		reset_sent_for_nobody();
		return;
	}
	r = find_socket(sk);
	if (r && r->reset_doubtful) {
		r->reset_doubtful = 0;
		s = connection_row(r->slot);
		if (s)
			__sync_fetch_and_add(&s->not_received, 1);
	}
	count_reset(ctx, sk, r, RESET_SENT, state);
}
