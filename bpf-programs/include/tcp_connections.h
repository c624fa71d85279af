/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a connection as its socket's state tells it: opened, failed to open, closed and why, and how many sockets
 * are in which state.
 *
 * The kernel reports a change of state before it makes it, with the socket locked, and what became of the connection
 * already stands in sk_err.
 */
#pragma once

#include "kernel.h"
#include "events.h"
#include "sockets.h"
#include "starts.h"
#include "tcp_latency.h"
#include "tcp_samples.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum close_reason {
	CLOSE_LOCAL = 0, /* this side said first that it had no more to send */
	CLOSE_PEER = 1, /* the other side did */
	CLOSE_RESET = 2, /* cut off by either side */
	CLOSE_TIMEOUT = 3, /* the other side no longer answered */
	CLOSE_REASONS = 4,
};

enum connect_failure {
	CONNECT_REFUSED = 0, /* a reset came back */
	CONNECT_TIMEOUT = 1, /* nothing came back */
	CONNECT_UNREACHABLE = 2, /* an ICMP error came back */
	CONNECT_ABORTED = 3, /* the application closed the socket before there was an answer */
	CONNECT_LOCAL = 4, /* no SYN went out: no free port, no route for the chosen address */
	CONNECT_FAILURES = 5,
};

enum reset_direction {
	RESET_SENT = 0,
	RESET_RECEIVED = 1,
	RESET_DIRECTIONS = 2,
};

/* One workload on one CPU; atomic, since a softirq or another task may interrupt a count. */
struct tcp_connection_stats {
	u64 opens[ROLES];
	u64 closes[CLOSE_REASONS];
	u64 failures[CONNECT_FAILURES];
	u64 resets[RESET_DIRECTIONS];
	u64 not_received; /* of the resets received: this host's own, see tcp_resets.h */
	u64 padding[2];
	/* came minus went, by enum tcp_state: wraps on one CPU, the sum over all of them is right */
	u32 sockets[16];
};

_Static_assert(sizeof(struct tcp_connection_stats) == 192, "three cache lines");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs * max_slots, set before load */
	__type(key, u32);
	__type(value, struct tcp_connection_stats);
} tcp_connection_stats SEC(".maps");

/* A connection opened, failed to open, or closed; or a reset. */
struct tcp_connection_event {
	u32 kind; /* EVENT_TCP_OPEN .. EVENT_TCP_RESET */
	u8 reason; /* enum role, connect_failure, close_reason or reset_direction, as the kind says */
	u8 state; /* enum tcp_state before the event */
	u16 family; /* AF_INET: the first 4 bytes of each address count */
	u64 time_ns; /* CLOCK_MONOTONIC, of the end */
	u64 duration_ns; /* of the handshake or of the connection; 0 if its start was not seen */
	u64 cgroup_id;
	u64 sent_bytes; /* acknowledged by the other side; closes only */
	u64 received_bytes; /* taken into the receive queue; closes only */
	u16 local_port;
	u16 remote_port;
	u32 padding;
	u8 local[16];
	u8 remote[16];
};

_Static_assert(sizeof(struct tcp_connection_event) == 88, "the agent reads this layout");

static __always_inline struct tcp_connection_stats *connection_row(u32 slot)
{
	u32 row = row_of(slot);

	return bpf_map_lookup_elem(&tcp_connection_stats, &row);
}

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_connection(void *ctx, struct tcp_connection_event *e)
{
	send_frequent_event(ctx, e, sizeof(*e), e->time_ns);
}

static __always_inline void fill_addresses(struct tcp_connection_event *e, struct sock *sk,
					   const bool typed)
{
	if (!typed) {
		e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
		e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
		e->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	} else {
		e->family = sk->__sk_common.skc_family;
		e->local_port = sk->__sk_common.skc_num;
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
		struct tcp_sock *tp = (struct tcp_sock *)sk;

		e.sent_bytes = BPF_CORE_READ(tp, bytes_acked);
		e.received_bytes = BPF_CORE_READ(tp, bytes_received);
	}
	send_connection(ctx, &e);
}

static __always_inline void count_sockets(u32 slot, u32 state, u32 by)
{
	struct tcp_connection_stats *s = connection_row(slot);

	if (!s)
		return;
	/* in assembler, since the compiler knows of the test that the verifier forgot and would drop the mask */
	asm volatile("%[state] &= 15" : [state] "+r"(state));
	__sync_fetch_and_add(&s->sockets[state], by);
}

/*
 * Moves the socket to where it belongs in the census. Only with the socket locked: of two CPUs that did it at once one
 * would count where the other no longer does.
 */
static __always_inline void census(struct socket_record *r, u32 slot, u8 state)
{
	u32 last = r->counted_state;

	if (last == state && (!state || r->counted_slot == slot))
		return;
	if (last)
		count_sockets(r->counted_slot, last, -1);
	if (state)
		count_sockets(slot, state, 1);
	r->counted_slot = slot;
	r->counted_state = state;
}

static __always_inline u32 connect_failure(struct sock *sk, int err)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	switch (err) {
	case ECONNREFUSED:
		return CONNECT_REFUSED;
	case ETIMEDOUT:
		return CONNECT_TIMEOUT;
	case 0:
		/* ICMP told of something while the application held the socket, and the application ended it */
		if (BPF_CORE_READ(sk, sk_err_soft))
			return CONNECT_UNREACHABLE;
		/* the SYN waits for its answer; if there is none, connect() itself failed */
		return BPF_CORE_READ(tp, packets_out) ? CONNECT_ABORTED : CONNECT_LOCAL;
	case ECONNABORTED: /* ss -K */
		return CONNECT_ABORTED;
	default:
		return CONNECT_UNREACHABLE;
	}
}

static __always_inline u32 close_reason(int old_state, int err)
{
	switch (err) {
	case 0:
		/* from these two without an error: the application threw the connection away */
		if (old_state == TCP_ESTABLISHED || old_state == TCP_CLOSE_WAIT)
			return CLOSE_RESET;
		return old_state == TCP_LAST_ACK ? CLOSE_PEER : CLOSE_LOCAL;
	case ECONNRESET:
	case EPIPE: /* a reset after the other side's end */
	case ECONNABORTED: /* ss -K */
		return CLOSE_RESET;
	default:
		return CLOSE_TIMEOUT; /* or what ICMP last said of why nothing came */
	}
}

static __always_inline void opened(void *ctx, struct sock *sk, struct socket_record *r,
				   struct tcp_connection_stats *s, int old_state, const bool typed)
{
	u64 now = bpf_ktime_get_ns();
	/* both ends may have sent a SYN at once: the record knows */
	u32 role = old_state == TCP_SYN_SENT || r->connecting ? ROLE_CLIENT : ROLE_SERVER;
	u64 since = role == ROLE_CLIENT ? r->since : 0;

	if (s)
		__sync_fetch_and_add(&s->opens[role], 1);
	if (since)
		count_latency(r->slot, LATENCY_CONNECT, now - since);
	report_connection(ctx, sk, EVENT_TCP_OPEN, role, old_state, now, since, r->cgroup_id,
			  typed);
	r->since = now;
	r->connecting = 0;
}

static __always_inline void ended(void *ctx, struct sock *sk, struct socket_record *r,
				  struct tcp_connection_stats *s, u64 cgroup_id, int old_state,
				  const bool typed)
{
	int err = typed ? sk->sk_err : BPF_CORE_READ(sk, sk_err);
	u64 since = r ? r->since : 0;
	u32 reason;

	switch (old_state) {
	case TCP_SYN_SENT:
		reason = connect_failure(sk, err);
		if (s)
			__sync_fetch_and_add(&s->failures[reason], 1);
		report_connection(ctx, sk, EVENT_TCP_CONNECT_FAILED, reason, old_state,
				  bpf_ktime_get_ns(), since, cgroup_id, typed);
		break;
	case TCP_LISTEN:
	case TCP_SYN_RECV: /* never was open: reset, or timed out, in the handshake */
	case TCP_CLOSE:
		break;
	default:
		reason = close_reason(old_state, err);
		if (s)
			__sync_fetch_and_add(&s->closes[reason], 1);
		report_connection(ctx, sk, EVENT_TCP_CLOSE, reason, old_state, bpf_ktime_get_ns(),
				  since, cgroup_id, typed);
	}
	if (r) {
		r->since = 0;
		r->connecting = 0;
	}
}

/* The record that a change to this state makes; none for those that go on with what there is. */
static __always_inline struct socket_record *begin_record(struct sock *sk, int old_state,
							  int new_state)
{
	struct socket_record fresh = {};

	if (new_state == TCP_SYN_SENT || new_state == TCP_LISTEN) {
		fresh.cgroup_id = current_workload_key();
		/* who listens does not tell who will use what is accepted */
		fresh.confirmed = new_state == TCP_SYN_SENT && fresh.cgroup_id != CGROUP_KERNEL;
		if (new_state == TCP_SYN_SENT) {
			fresh.connecting = 1;
			fresh.since = bpf_ktime_get_ns();
		}
	} else {
		fresh.cgroup_id = socket_cgroup_id(sk);
	}
	fresh.slot = slot_of(fresh.cgroup_id);
	fresh.server = new_state != TCP_SYN_SENT && old_state != TCP_SYN_SENT;
	if (new_state == TCP_LISTEN)
		note_listen(fresh.slot, fresh.cgroup_id);
	return put_socket(sk, &fresh);
}

static __always_inline void connection_changed(void *ctx, struct sock *sk, int old_state,
					       int new_state, const bool typed)
{
	struct tcp_connection_stats *s = NULL;
	struct socket_record *r;
	u64 cgroup_id;
	u32 slot;

	/* a child's first change; in socket storage it has its listener's record already */
	if (old_state == TCP_LISTEN && new_state == TCP_SYN_RECV) {
		if (!use_socket_storage)
			begin_record(sk, old_state, new_state);
		return;
	}
	if (new_state == TCP_SYN_SENT || new_state == TCP_LISTEN) {
		r = begin_record(sk, old_state, new_state);
	} else {
		r = find_socket(sk);
		if (!r && new_state == TCP_ESTABLISHED)
			r = begin_record(sk, old_state, new_state);
	}
	if (r && old_state == TCP_SYN_RECV)
		r->counted_state = 0; /* the listener's, if it is anybody's */
	slot = socket_slot(sk, r, &cgroup_id);
	if (new_state == TCP_ESTABLISHED || new_state == TCP_CLOSE)
		s = connection_row(slot);
	if (new_state == TCP_ESTABLISHED && r)
		opened(ctx, sk, r, s, old_state, typed);
	/* the FIN, and so all before it, is acknowledged */
	if (r &&
	    (new_state == TCP_FIN_WAIT2 || (new_state == TCP_CLOSE && old_state == TCP_LAST_ACK)))
		all_acknowledged(sk, r);
	if (new_state == TCP_CLOSE)
		ended(ctx, sk, r, s, cgroup_id, old_state, typed);
	/* a child that is not open yet is in no queue and in no application's hands */
	if (r)
		census(r, slot,
		       new_state == TCP_CLOSE || new_state == TCP_SYN_RECV ? 0 : new_state);
}
