/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Listening sockets: connections that are half made or wait for accept(), and those that there was no room for. No hook
 * tells of them; the kernel counts them per listener, and an iterator over a map that holds only listeners, of all
 * network namespaces, reads them at each snapshot.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_holdups.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct listener {
	u64 cgroup_id;
	u32 drops; /* that are counted */
	u32 padding;
};

/* Not cloned: an accepted socket is no listener. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct listener);
} listeners SEC(".maps");

/* What the iterator writes of each. */
struct listener_row {
	u64 cgroup_id;
	u32 half_made; /* their handshake is not complete: SYN_RECV */
	u32 waiting; /* for accept() */
	u32 room; /* for so many */
	u32 padding;
};

static __always_inline void note_listener(struct sock *sk, u64 cgroup_id)
{
	struct listener fresh = { .cgroup_id = cgroup_id };
	struct listener *l;

	if (!use_socket_storage)
		return;
	fresh.drops = BPF_CORE_READ(sk, sk_drops.counter);
	l = bpf_sk_storage_get(&listeners, sk, &fresh, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (l)
		*l = fresh;
	else
		COUNT_LOSS(storage);
}

static __always_inline void count_listen_drops(struct listener *l, u32 drops)
{
	u32 step = drops - l->drops;
	struct tcp_holdups *h;

	if (!step)
		return;
	l->drops = drops;
	h = holdups_of(slot_of(l->cgroup_id));
	if (h)
		__sync_fetch_and_add(&h->listen_drops, step);
}

/* What came since the iterator was last here. */
static __always_inline void listener_ended(struct sock *sk)
{
	struct listener *l;

	if (!use_socket_storage)
		return;
	l = bpf_sk_storage_get(&listeners, sk, NULL, 0);
	if (l)
		count_listen_drops(l, BPF_CORE_READ(sk, sk_drops.counter));
}

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void write_listener(struct seq_file *out, struct listener_row *row)
{
	bpf_seq_write(out, row, sizeof(*row));
}

static __always_inline int report_listener(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct inet_connection_sock *icsk;
	struct listener_row row = {};
	struct listener *l = ctx->value;
	struct sock *sk = ctx->sk;

	if (!sk || !l || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	icsk = (struct inet_connection_sock *)sk;
	count_listen_drops(l, BPF_CORE_READ(sk, sk_drops.counter));
	row.cgroup_id = l->cgroup_id;
	row.half_made = BPF_CORE_READ(icsk, icsk_accept_queue.qlen.counter);
	row.waiting = BPF_CORE_READ(sk, sk_ack_backlog);
	row.room = BPF_CORE_READ(sk, sk_max_ack_backlog);
	write_listener(ctx->meta->seq, &row);
	return 0;
}
