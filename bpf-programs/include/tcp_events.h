/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happened to one connection, as a record with its addresses, for the event buffer. */
#pragma once

#include "kernel.h"
#include "events.h"
#include "tcp_bytes.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* A connection opened, failed to open, or closed; a reset; or a long wait. */
struct tcp_connection_event {
	u32 kind; /* EVENT_TCP_OPEN .. EVENT_TCP_WAIT */
	/* enum role, connect_failure, close_reason, reset_direction or tcp_latency_kind, as the kind says */
	u8 reason;
	u8 state; /* enum tcp_state before the event */
	u16 family; /* AF_INET: the first 4 bytes of each address count */
	u64 time_ns; /* CLOCK_MONOTONIC, of the end */
	u64 duration_ns; /* of the handshake, the connection or the wait; 0 if its start was not seen */
	u64 cgroup_id;
	u64 sent_bytes; /* payload that the other side acknowledged; closes only */
	u64 received_bytes; /* payload that arrived in order; closes only */
	u16 local_port;
	u16 remote_port;
	u32 padding;
	u8 local[16];
	u8 remote[16];
};

_Static_assert(sizeof(struct tcp_connection_event) == 88, "the agent reads this layout");

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_connection(void *ctx, struct tcp_connection_event *e)
{
	send_frequent_event(ctx, e, sizeof(*e), e->time_ns);
}

/* A socket that closes has given skc_num back (inet_put_port) before its change of state is reported; this is left. */
static __always_inline u16 local_port(struct sock *sk)
{
	struct inet_sock *inet = (struct inet_sock *)sk;

	return bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
}

static __always_inline void fill_addresses(struct tcp_connection_event *e, struct sock *sk,
					   const bool typed)
{
	if (!typed) {
		e->local_port = local_port(sk);
		e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
		e->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	} else {
		e->local_port = sk->__sk_common.skc_num;
		if (!e->local_port)
			e->local_port = local_port(sk);
		e->family = sk->__sk_common.skc_family;
		e->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	}
	if (e->family == AF_INET6) {
		BPF_CORE_READ_INTO(&e->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&e->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else if (typed) {
		*(__be32 *)e->local = sk->__sk_common.skc_rcv_saddr;
		*(__be32 *)e->remote = sk->__sk_common.skc_daddr;
	} else {
		*(__be32 *)e->local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		*(__be32 *)e->remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	}
}

static __always_inline void report_connection(void *ctx, struct sock *sk, u32 kind, u8 reason,
					      u8 state, u64 now, u64 since, u64 cgroup_id,
					      const bool typed)
{
	struct tcp_connection_event e = {
		.kind = kind,
		.reason = reason,
		.state = state,
		.time_ns = now,
		.duration_ns = since ? now - since : 0,
		.cgroup_id = cgroup_id,
	};

	fill_addresses(&e, sk, typed);
	if (kind == EVENT_TCP_CLOSE) {
		e.sent_bytes = acknowledged_bytes(sk, state);
		e.received_bytes = arrived_bytes(sk);
	}
	send_connection(ctx, &e);
}
