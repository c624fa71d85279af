/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A change of a socket's state, which two programs see to: see below. */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_connections.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

static __always_inline void handle_set_state(void *ctx, struct sock *sk, int old_state,
					     int new_state, const bool typed)
{
	if (typed ? is_tcp_family(sk->__sk_common.skc_family, sk->sk_protocol) : is_tcp(sk))
		connection_changed(ctx, sk, old_state, new_state, typed);
}

/*
 * The kernel skips a program that it interrupts itself: a packet that arrives while a process' change of state is being
 * counted would have its own change lost, for tens of connections in ten thousand. So there are two programs at the
 * hook: the second does what the first was skipped for, which is when the first is at work on this CPU.
 */
struct nesting {
	u32 at_work;
	u32 padding[15];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* possible CPUs, set before load */
	__type(key, u32);
	__type(value, struct nesting);
} tcp_set_state_nesting SEC(".maps");

static __always_inline volatile u32 *set_state_at_work(void)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct nesting *n = bpf_map_lookup_elem(&tcp_set_state_nesting, &cpu);

	return n ? &n->at_work : NULL;
}

static __always_inline void first_set_state(void *ctx, struct sock *sk, int old_state,
					    int new_state, const bool typed)
{
	volatile u32 *at_work = set_state_at_work();

	if (!at_work)
		return;
	*at_work = 1;
	handle_set_state(ctx, sk, old_state, new_state, typed);
	*at_work = 0;
}

static __always_inline void second_set_state(void *ctx, struct sock *sk, int old_state,
					     int new_state, const bool typed)
{
	volatile u32 *at_work = set_state_at_work();

	if (at_work && *at_work)
		handle_set_state(ctx, sk, old_state, new_state, typed);
}
