/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that the application took, and all else that its reads tell of. */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "starts.h"
#include "tcp_connections.h"
#include "tcp_holdups.h"
#include "tcp_late.h"
#include "tcp_samples.h"
#include "tcp_stats.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

static __always_inline void count_received(void *ctx, struct sock *sk, struct tcp_sock *tp,
					   const bool typed)
{
	struct socket_record *r = socket_at_io(sk);
	struct tcp_stats *s;
	u64 taken, before;
	u32 slot;

	if (!r)
		return;
	/* as it was before this read, which may open it */
	note_own_window(sk, r, typed ? tp->rcv_wnd : BPF_CORE_READ(tp, rcv_wnd));
	taken = taken_bytes(tp, sk, typed);
	before = r->received;
	r->received = taken;
	slot = socket_slot_in_process(sk, r);
	if (r->server && !r->used) {
		r->used = 1;
		note_accept(slot, r->cgroup_id);
	}
	s = stats_row(slot);
	/* also where an owner that was corrected, or a socket that was met late, comes into the census */
	census(r, r->slot,
	       typed ? sk->__sk_common.skc_state : BPF_CORE_READ(sk, __sk_common.skc_state));
	/* less than before: the address was used again, or a disconnect set the socket back */
	if (s && taken > before)
		__sync_fetch_and_add(&s->received_bytes, taken - before);
	if (taken > before)
		data_taken(ctx, sk, r);
}
