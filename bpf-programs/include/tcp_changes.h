/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each change of a socket's state once, also one that the kernel skips a program for.
 *
 * The kernel does not run a program that it interrupts: of a packet that arrives while a process' change of state is being
 * counted the own change would be lost, and not only of one, since an interrupt brings all packets that have come by
 * then. So there are two programs at the hook, run one after the other for each change. The first counts; the second
 * counts what the first was not run for.
 *
 * Whether it was run, what it left behind tells: the change that it has just counted, one for each CPU, or, where a change
 * in between has overwritten that, the socket's own record, which the census moved. A flag that the first program
 * sets while it is at work does not do: the kernel skips it from a little before its first instruction to a little
 * after its last, and an interrupt in between lost all that it brought.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_connections.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct counted_change {
	u64 sk;
	u32 state;
	u32 padding[13]; /* a cache line of its own for each CPU */
};

_Static_assert(sizeof(struct counted_change) == 64, "one cache line per CPU");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* possible CPUs, set before load */
	__type(key, u32);
	__type(value, struct counted_change);
} tcp_counted_changes SEC(".maps");

static __always_inline struct counted_change *last_counted_change(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&tcp_counted_changes, &cpu);
}

static __always_inline void handle_set_state(void *ctx, struct sock *sk, int old_state,
					     int new_state, const bool typed)
{
	if (typed ? is_tcp_family(sk->__sk_common.skc_family, sk->sk_protocol) : is_tcp(sk))
		connection_changed(ctx, sk, old_state, new_state, typed);
}

static __always_inline void first_set_state(void *ctx, struct sock *sk, int old_state,
					    int new_state, const bool typed)
{
	struct counted_change *c;

	handle_set_state(ctx, sk, old_state, new_state, typed);
	c = last_counted_change();
	if (!c)
		return;
	c->sk = (u64)sk;
	c->state = new_state;
}

/* Rare: an interrupt brought a change between the two programs, or the first was not run. */
static __always_inline bool counted_in_record(struct sock *sk, int new_state)
{
	struct socket_record *r = find_socket(sk);

	return r && r->counted_state == census_state(new_state);
}

static __always_inline void second_set_state(void *ctx, struct sock *sk, int old_state,
					     int new_state, const bool typed)
{
	struct counted_change *c = last_counted_change();

	if (c && c->sk == (u64)sk && c->state == (u32)new_state) {
		c->sk = 0;
		return;
	}
	if (!counted_in_record(sk, new_state))
		handle_set_state(ctx, sk, old_state, new_state, typed);
}
