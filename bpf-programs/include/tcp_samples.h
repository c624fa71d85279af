/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Round trips, and how long sent and received bytes wait, measured on one thing at a time per socket: what a socket
 * remembers is a few words, and its hooks run once per packet.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_holdups.h"
#include "tcp_latency.h"
#include "tcp_waits.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * 10 ms, in jiffies, rounded up: a busy socket gives at most 100 samples a second of its smoothed round-trip time, whatever
 * its packets are. Jiffies, since to read the clock is the dearest thing in these programs.
 */
const volatile u32 rtt_interval_jiffies = 1;

enum send_state {
	SEND_NONE = 0,
	SEND_BEGUN = 1, /* a send call is under way */
	SEND_SENT = 2, /* its last byte waits for its acknowledgement */
};

static __always_inline void count_since(void *ctx, struct sock *sk, struct socket_record *r,
					u32 kind, u64 since)
{
	u64 cgroup_id;
	u32 slot = socket_slot(sk, r, &cgroup_id);

	count_wait(ctx, sk, slot, cgroup_id, kind, since);
}

/* Whether what is followed was acknowledged before now. */
static __always_inline bool send_acknowledged(struct tcp_sock *tp, struct socket_record *r,
					      const bool typed)
{
	return (s32)(GET(tp, snd_una) - r->send_target) >= 0;
}

/*
 * Of a send whose acknowledgement came unseen nobody knows how long it took: the kernel reports the segments of
 * established connections only, and none to a program that it interrupts. To be asked before the next segment that is
 * seen, the next send and the own FIN, whose acknowledgement is seen again.
 */
static __always_inline void forget_unseen_acknowledgement(struct tcp_sock *tp,
							  struct socket_record *r, const bool typed)
{
	if (r->send_state == SEND_SENT && send_acknowledged(tp, r, typed))
		r->send_state = SEND_NONE;
}

/* Before a send call's bytes are queued. */
static __always_inline void send_began(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);

	if (!r)
		return;
	forget_unseen_acknowledgement((struct tcp_sock *)sk, r, false);
	if (r->send_state != SEND_NONE)
		return;
	r->send_since = bpf_ktime_get_ns();
	r->send_state = SEND_BEGUN;
}

/* At its end. On loopback the acknowledgement has been here by now. */
static __always_inline void send_ended(void *ctx, struct sock *sk, struct socket_record *r,
				       const bool typed)
{
	struct tcp_sock *tp;

	if (!r || r->send_state != SEND_BEGUN)
		return;
	tp = typed ? bpf_skc_to_tcp_sock(sk) : (struct tcp_sock *)sk;
	if (!tp)
		return;
	r->send_target = GET(tp, write_seq);
	r->send_state = SEND_SENT;
	if (send_acknowledged(tp, r, typed)) {
		r->send_state = SEND_NONE;
		count_since(ctx, sk, r, LATENCY_SEND_ACK, r->send_since);
	}
}

/* At the end of a call that the kernel took nothing of, for want of room: the next call is another. */
static __always_inline void send_failed(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);

	if (r && r->send_state == SEND_BEGUN)
		r->send_state = SEND_NONE;
}

/* Everything is acknowledged, as a change of state tells. */
static __always_inline void all_acknowledged(void *ctx, struct sock *sk, struct socket_record *r)
{
	if (r->send_state != SEND_SENT)
		return;
	r->send_state = SEND_NONE;
	count_since(ctx, sk, r, LATENCY_SEND_ACK, r->send_since);
}

/* A segment arrives on an open connection; the kernel has not looked at its acknowledgement yet. */
static __always_inline void segment_arrived(void *ctx, struct sock *sk, struct sk_buff *skb,
					    const bool typed)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)((void *)skb + bpf_core_field_offset(skb->cb));
	struct socket_record *r = find_socket(sk);
	struct tcp_sock *tp;
	u64 cgroup_id;
	u32 srtt;
	u16 now;

	if (!r)
		return;
	tp = typed ? bpf_skc_to_tcp_sock(sk) : (struct tcp_sock *)sk;
	if (!tp)
		return;
	forget_unseen_acknowledgement(tp, r, typed);
	if (r->send_state == SEND_SENT && (s32)(BPF_CORE_READ(cb, ack_seq) - r->send_target) >= 0) {
		r->send_state = SEND_NONE;
		count_since(ctx, sk, r, LATENCY_SEND_ACK, r->send_since);
	}
	note_own_window(sk, r, typed ? tp->rcv_wnd : BPF_CORE_READ(tp, rcv_wnd));
	note_their_window(sk, r, typed ? tp->snd_wnd : BPF_CORE_READ(tp, snd_wnd));
	now = bpf_jiffies64();
	if (r->rtt_at && (u16)(now - r->rtt_at) < rtt_interval_jiffies)
		return;
	r->rtt_at = now ? now : 1;
	note_limits(sk, tp, r, typed);
	srtt = typed ? tp->srtt_us : BPF_CORE_READ(tp, srtt_us);
	/* in eighths of a microsecond */
	if (srtt)
		count_latency(socket_slot(sk, r, &cgroup_id), LATENCY_RTT, srtt * 125ULL);
}

/* Data is there for an application that had taken all, or was told and has not come yet. */
static __always_inline void data_ready(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);

	if (r && !r->ready_since)
		r->ready_since = bpf_ktime_get_ns();
}

/* The same from where the kernel tells the application, which it does with the segment in hand: it has read the clock. */
static __always_inline void data_told(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);
	struct tcp_sock *tp;

	if (!r || r->ready_since)
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		r->ready_since = tp->tcp_mstamp * 1000;
}

/* The application has taken some; the socket is locked. */
static __always_inline void data_taken(void *ctx, struct sock *sk, struct socket_record *r)
{
	u64 since = r->ready_since;

	if (!since)
		return;
	r->ready_since = 0;
	count_since(ctx, sk, r, LATENCY_RECEIVE_WAIT, since);
}

/*
 * Where the kernel does not say that it has told the application (before 6.3): a segment arrives that goes on where what
 * was received so far ends. The kernel has not looked at it yet.
 */
static __always_inline void data_arrived(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)((void *)skb + bpf_core_field_offset(skb->cb));
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u32 next = BPF_CORE_READ(tp, rcv_nxt);

	if ((s32)(BPF_CORE_READ(cb, seq) - next) <= 0 &&
	    (s32)(BPF_CORE_READ(cb, end_seq) - next) > 0)
		data_ready(sk);
}
