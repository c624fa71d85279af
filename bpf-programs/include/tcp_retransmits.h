/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Segments that are sent again: of what type, whose, and between which addresses. */
#pragma once

#include "kernel.h"
#include "events.h"
#include "sockets.h"
#include "tcp_stats.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct tcp_retransmit_event {
	u32 kind; /* EVENT_TCP_RETRANSMIT */
	u32 segments;
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 cgroup_id;
	u8 type; /* enum retransmit_type */
	u8 state; /* enum tcp_state */
	u16 family; /* AF_INET: the first 4 bytes of each address count */
	u16 local_port;
	u16 remote_port;
	u8 local[16];
	u8 remote[16];
};

_Static_assert(sizeof(struct tcp_retransmit_event) == 64, "the agent reads this layout");

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_retransmit(void *ctx, struct tcp_retransmit_event *e)
{
	send_event(ctx, e, sizeof(*e));
}

static __always_inline void report_retransmit(void *ctx, struct sock *sk,
					      struct sock_common *addresses, u32 type, u32 segments)
{
	struct tcp_retransmit_event e = { .kind = EVENT_TCP_RETRANSMIT };
	struct tcp_stats *s = stats_row(socket_slot(sk, find_socket(sk), &e.cgroup_id));

	if (s && type < RETRANSMIT_TYPES)
		__sync_fetch_and_add(&s->retransmits[type], segments);
	e.segments = segments;
	e.time_ns = bpf_ktime_get_ns();
	e.type = type;
	e.state = BPF_CORE_READ(addresses, skc_state);
	e.family = BPF_CORE_READ(addresses, skc_family);
	e.local_port = BPF_CORE_READ(addresses, skc_num);
	e.remote_port = bpf_ntohs(BPF_CORE_READ(addresses, skc_dport));
	if (e.family == AF_INET6) {
		BPF_CORE_READ_INTO(&e.local, addresses, skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&e.remote, addresses, skc_v6_daddr.in6_u.u6_addr8);
	} else {
		*(__be32 *)e.local = BPF_CORE_READ(addresses, skc_rcv_saddr);
		*(__be32 *)e.remote = BPF_CORE_READ(addresses, skc_daddr);
	}
	send_retransmit(ctx, &e);
}

/* Why the segment goes out again; docs/truth.md says what each type was compared with. */
static __always_inline u32 retransmit_type(struct sock *sk)
{
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;
	u32 ca_state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state);

	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_SENT)
		return RETRANSMIT_SYN;
	if (ca_state == TCP_CA_LOSS)
		return RETRANSMIT_TIMEOUT;
	if (ca_state < TCP_CA_CWR && BPF_CORE_READ(icsk, icsk_pending) == ICSK_TIME_LOSS_PROBE)
		return RETRANSMIT_TAIL_LOSS_PROBE;
	return RETRANSMIT_FAST;
}

/*
 * From 6.17 on (ba4e3ab9ee3a) the tracepoint also tells of attempts that ended before TcpRetransSegs was counted:
 * the first transmission still waits in this host's queue (EBUSY), the receiver shrank its window (EAGAIN), no route
 * (EHOSTUNREACH), no memory to split the segment (ENOMEM), acknowledged already (EINVAL). What fails later, in the
 * queue below, was an attempt to send and counts there and here.
 */
static __always_inline bool gave_up_before_sending(int err)
{
	return err == -EBUSY || err == -EAGAIN || err == -EHOSTUNREACH || err == -ENOMEM ||
	       err == -EINVAL;
}

static __always_inline void handle_retransmit(void *ctx, struct sock *sk, struct sk_buff *skb,
					      int err)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)((void *)skb + bpf_core_field_offset(skb->cb));
	u16 segments = BPF_CORE_READ(cb, tcp_gso_segs);

	if (gave_up_before_sending(err))
		return;
	report_retransmit(ctx, sk, (struct sock_common *)sk, retransmit_type(sk),
			  segments ? segments : 1);
}

/* Before 6.17 the tracepoint has no err and fires only when the segment was sent. */
#define RETRANSMIT_ERR(ctx)                                                           \
	(bpf_core_field_exists(((struct trace_event_raw_tcp_retransmit_skb *)0)->err) \
		 ? (int)(ctx)[2]                                                      \
		 : 0)
