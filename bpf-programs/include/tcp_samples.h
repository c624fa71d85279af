/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Round trips, and how long sent and received bytes wait, measured on one thing at a time per socket: what a socket
 * remembers is a few words, and its hooks run once per packet.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_latency.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* A busy socket gives 100 samples a second of its smoothed round-trip time, whatever its packets are. */
#define RTT_INTERVAL_NS 10000000ULL

enum send_state {
	SEND_NONE = 0,
	SEND_BEGUN = 1, /* a send call is under way */
	SEND_SENT = 2, /* its last byte waits for its acknowledgement */
};

static __always_inline void count_since(struct sock *sk, struct socket_record *r, u32 kind,
					u64 since)
{
	u64 now = bpf_ktime_get_ns();
	u64 cgroup_id;

	if (since && now > since)
		count_latency(socket_slot(sk, r, &cgroup_id), kind, now - since);
}

/* Before a send call's bytes are queued. */
static __always_inline void send_began(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);

	if (!r || r->send_state != SEND_NONE)
		return;
	r->send_since = bpf_ktime_get_ns();
	r->send_state = SEND_BEGUN;
}

/* At its end. On loopback the acknowledgement has been here by now. */
static __always_inline void send_ended(struct sock *sk, struct socket_record *r)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (!r || r->send_state != SEND_BEGUN)
		return;
	r->send_target = BPF_CORE_READ(tp, write_seq);
	r->send_state = SEND_SENT;
	if ((s32)(BPF_CORE_READ(tp, snd_una) - r->send_target) >= 0) {
		r->send_state = SEND_NONE;
		count_since(sk, r, LATENCY_SEND_ACK, r->send_since);
	}
}

/* Everything is acknowledged, as a change of state tells. */
static __always_inline void all_acknowledged(struct sock *sk, struct socket_record *r)
{
	if (r->send_state != SEND_SENT)
		return;
	r->send_state = SEND_NONE;
	count_since(sk, r, LATENCY_SEND_ACK, r->send_since);
}

/* A segment arrives on an open connection; the kernel has not looked at its acknowledgement yet. */
static __always_inline void segment_arrived(struct sock *sk, struct sk_buff *skb, const bool typed)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)((void *)skb + bpf_core_field_offset(skb->cb));
	struct socket_record *r = find_socket(sk);
	struct tcp_sock *tp;
	u64 now, cgroup_id;
	u32 srtt;

	if (!r)
		return;
	if (r->send_state == SEND_SENT && (s32)(BPF_CORE_READ(cb, ack_seq) - r->send_target) >= 0) {
		r->send_state = SEND_NONE;
		count_since(sk, r, LATENCY_SEND_ACK, r->send_since);
	}
	now = bpf_ktime_get_ns();
	if (now - r->rtt_at < RTT_INTERVAL_NS)
		return;
	if (typed) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (!tp)
			return;
		srtt = tp->srtt_us;
	} else {
		tp = (struct tcp_sock *)sk;
		srtt = BPF_CORE_READ(tp, srtt_us);
	}
	if (!srtt)
		return;
	r->rtt_at = now;
	/* in eighths of a microsecond */
	count_latency(socket_slot(sk, r, &cgroup_id), LATENCY_RTT, srtt * 125ULL);
}

/* Data is there for an application that had taken all, or was told and has not come yet. */
static __always_inline void data_ready(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);

	if (r && !r->ready_since)
		r->ready_since = bpf_ktime_get_ns();
}

/* The application has taken some; the socket is locked. */
static __always_inline void data_taken(struct sock *sk, struct socket_record *r)
{
	u64 since = r->ready_since;

	if (!since)
		return;
	r->ready_since = 0;
	count_since(sk, r, LATENCY_RECEIVE_WAIT, since);
}
