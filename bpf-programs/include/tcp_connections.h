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
#include "sockets.h"
#include "starts.h"
#include "tcp_events.h"
#include "tcp_holdups.h"
#include "tcp_latency.h"
#include "tcp_listeners.h"
#include "tcp_samples.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
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

static __always_inline struct tcp_connection_stats *connection_row(u32 slot)
{
	u32 row = row_of(slot);

	return bpf_map_lookup_elem(&tcp_connection_stats, &row);
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

/* What the census has a socket as; a child that is not open yet is in no queue and in no application's hands. */
static __always_inline u8 census_state(int state)
{
	return state == TCP_CLOSE || state == TCP_SYN_RECV ? 0 : state;
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
				  struct tcp_connection_stats *s, u32 slot, u64 cgroup_id,
				  int old_state, const bool typed)
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
		if (!err && (old_state == TCP_FIN_WAIT2 || old_state == TCP_CLOSING))
			count_time_wait(slot);
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
		struct socket_record *listener = new_state == TCP_SYN_RECV ? listener_of(sk) : NULL;

		fresh.cgroup_id =
			listener && listener->server ? listener->cgroup_id : socket_cgroup_id(sk);
	}
	fresh.slot = slot_of(fresh.cgroup_id);
	fresh.server = new_state != TCP_SYN_SENT && old_state != TCP_SYN_SENT;
	if (new_state == TCP_LISTEN) {
		note_listen(fresh.slot, fresh.cgroup_id);
		note_listener(sk, fresh.cgroup_id);
	}
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
	if (r && (new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK))
		forget_unseen_acknowledgement((struct tcp_sock *)sk, r, false);
	/* the FIN, and so all before it, is acknowledged */
	if (r &&
	    (new_state == TCP_FIN_WAIT2 || (new_state == TCP_CLOSE && old_state == TCP_LAST_ACK)))
		all_acknowledged(ctx, sk, r);
	if (r && (new_state == TCP_CLOSE || old_state == TCP_ESTABLISHED))
		holdups_at_end(sk, r, old_state, new_state);
	if (old_state == TCP_LISTEN)
		listener_ended(sk);
	if (new_state == TCP_CLOSE)
		ended(ctx, sk, r, s, slot, cgroup_id, old_state, typed);
	if (r)
		census(r, slot, census_state(new_state));
}
