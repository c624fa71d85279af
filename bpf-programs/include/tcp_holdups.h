/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What held connections up: windows that were closed, time that a sender was not allowed to send, and who left sockets
 * behind in TIME_WAIT.
 *
 * All of it is rare, so that one row per workload serves all CPUs.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum window_direction {
	WINDOW_SENT = 0, /* advertised by this side */
	WINDOW_RECEIVED = 1,
	WINDOW_DIRECTIONS = 2,
};

struct tcp_holdups {
	u64 limited_jiffies[LIMITS];
	u64 zero_windows[WINDOW_DIRECTIONS]; /* how often a window closed */
	u64 time_waits; /* connections that ended in TIME_WAIT on this side */
	u64 listen_drops; /* connections that listeners had no room for */
	u64 wait_told_at; /* when the last long wait was sent as an event */
	u64 padding;
};

_Static_assert(sizeof(struct tcp_holdups) == 64, "one cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* max_slots, set before load */
	__type(key, u32);
	__type(value, struct tcp_holdups);
} tcp_holdups SEC(".maps");

static __always_inline struct tcp_holdups *holdups_of(u32 slot)
{
	return bpf_map_lookup_elem(&tcp_holdups, &slot);
}

/*
 * A window that closes stays so until the application has read some, and is seen to be closed by that read or by the next
 * segment, whichever comes first: the flag in the record makes one of them.
 */
static __always_inline void window_closed(struct sock *sk, struct socket_record *r, u32 direction)
{
	u64 cgroup_id;
	struct tcp_holdups *h = holdups_of(socket_slot(sk, r, &cgroup_id));

	if (h)
		__sync_fetch_and_add(&h->zero_windows[direction & 1], 1);
}

static __always_inline void note_own_window(struct sock *sk, struct socket_record *r, u32 window)
{
	if (window) {
		if (r->zero_window_sent) /* what is not written stays in the other CPU's cache */
			r->zero_window_sent = 0;
	} else if (!r->zero_window_sent) {
		r->zero_window_sent = 1;
		window_closed(sk, r, WINDOW_SENT);
	}
}

static __always_inline void note_their_window(struct sock *sk, struct socket_record *r, u32 window)
{
	if (window) {
		if (r->zero_window_seen)
			r->zero_window_seen = 0;
	} else if (!r->zero_window_seen) {
		r->zero_window_seen = 1;
		window_closed(sk, r, WINDOW_RECEIVED);
	}
}

/* What the kernel's own stop watch says (tcp_get_info_chrono_stats), the interval that is under way included. */
static __always_inline u32 limited_so_far(struct tcp_sock *tp, u32 chrono, const bool typed)
{
	u32 type = typed ? BPF_CORE_READ_BITFIELD(tp, chrono_type)
			 : BPF_CORE_READ_BITFIELD_PROBED(tp, chrono_type);
	u32 start = typed ? tp->chrono_start : BPF_CORE_READ(tp, chrono_start);
	u32 sum;

	if (chrono == TCP_CHRONO_RWND_LIMITED)
		sum = typed ? tp->chrono_stat[TCP_CHRONO_RWND_LIMITED - 1]
			    : BPF_CORE_READ(tp, chrono_stat[TCP_CHRONO_RWND_LIMITED - 1]);
	else
		sum = typed ? tp->chrono_stat[TCP_CHRONO_SNDBUF_LIMITED - 1]
			    : BPF_CORE_READ(tp, chrono_stat[TCP_CHRONO_SNDBUF_LIMITED - 1]);
	return type == chrono ? sum + (u32)bpf_jiffies64() - start : sum;
}

/* Not negative: the socket may have begun anew. */
static __always_inline u32 step_of(u32 now, u32 before)
{
	return (s32)(now - before) > 0 ? now - before : 0;
}

/* With the socket locked. */
static __always_inline void note_limits(struct sock *sk, struct tcp_sock *tp,
					struct socket_record *r, const bool typed)
{
	u32 window = limited_so_far(tp, TCP_CHRONO_RWND_LIMITED, typed);
	u32 buffer = limited_so_far(tp, TCP_CHRONO_SNDBUF_LIMITED, typed);
	struct tcp_holdups *h;
	u64 cgroup_id;

	if (window == r->limited[LIMIT_RECEIVER_WINDOW] && buffer == r->limited[LIMIT_SEND_BUFFER])
		return;
	h = holdups_of(socket_slot(sk, r, &cgroup_id));
	if (h) {
		__sync_fetch_and_add(&h->limited_jiffies[LIMIT_RECEIVER_WINDOW],
				     step_of(window, r->limited[LIMIT_RECEIVER_WINDOW]));
		__sync_fetch_and_add(&h->limited_jiffies[LIMIT_SEND_BUFFER],
				     step_of(buffer, r->limited[LIMIT_SEND_BUFFER]));
	}
	r->limited[LIMIT_RECEIVER_WINDOW] = window;
	r->limited[LIMIT_SEND_BUFFER] = buffer;
}

/* What a record that is made late must not count. */
static __always_inline void skip_past_holdups(struct tcp_sock *tp, struct socket_record *fresh)
{
	fresh->limited[LIMIT_RECEIVER_WINDOW] = limited_so_far(tp, TCP_CHRONO_RWND_LIMITED, false);
	fresh->limited[LIMIT_SEND_BUFFER] = limited_so_far(tp, TCP_CHRONO_SNDBUF_LIMITED, false);
	fresh->zero_window_sent = !BPF_CORE_READ(tp, rcv_wnd);
	fresh->zero_window_seen = !BPF_CORE_READ(tp, snd_wnd);
}

/* Segments that come after an established connection's first FIN are not seen: what there is now is counted now. */
static __always_inline void holdups_at_end(struct sock *sk, struct socket_record *r, int old_state,
					   int new_state)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (old_state == TCP_ESTABLISHED) {
		note_own_window(sk, r, BPF_CORE_READ(tp, rcv_wnd));
		note_their_window(sk, r, BPF_CORE_READ(tp, snd_wnd));
	}
	if (new_state == TCP_CLOSE)
		note_limits(sk, tp, r, false);
}

static __always_inline void count_time_wait(u32 slot)
{
	struct tcp_holdups *h = holdups_of(slot);

	if (h)
		__sync_fetch_and_add(&h->time_waits, 1);
}
