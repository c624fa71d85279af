/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets that are older than the agent, and those that are met late: a record is made that counts from now on.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_connections.h"
#include "tcp_holdups.h"
#include "tcp_listeners.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * How many bytes the application has taken so far: received in order, less what still waits in the queue. A FIN has a
 * sequence number too, which the kernel counts in bytes_received (tcp_rcv_nxt_update) but is no byte: while it waits
 * it is in both terms and falls out; once the application has read the end, so that nothing waits, it is in the first.
 */
static __always_inline u64 taken_bytes(struct tcp_sock *tp, struct sock *sk, const bool typed)
{
	u64 received = typed ? tp->bytes_received : BPF_CORE_READ(tp, bytes_received);
	u32 next = typed ? tp->rcv_nxt : BPF_CORE_READ(tp, rcv_nxt);
	u32 copied = typed ? tp->copied_seq : BPF_CORE_READ(tp, copied_seq);
	u64 flags = typed ? sk->__sk_common.skc_flags : BPF_CORE_READ(sk, __sk_common.skc_flags);
	u32 waiting = next - copied;

	/* SOCK_DONE: the FIN has arrived (tcp_fin) */
	if (!waiting && flags & (1ULL << bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		waiting = 1;
	return received > waiting ? received - waiting : 0;
}

/*
 * The record of a socket at an I/O by a process. One that has none was in an accept queue, or on its way between
 * processes, while the pass over all descriptors was made: it gets one now, and what it took before is not counted.
 */
static __always_inline struct socket_record *socket_at_io(struct sock *sk)
{
	struct socket_record *r = find_socket(sk);
	struct socket_record fresh = {};

	if (r)
		return r;
	fresh.cgroup_id = current_workload_key();
	if (fresh.cgroup_id == CGROUP_KERNEL)
		return NULL;
	fresh.slot = slot_of(fresh.cgroup_id);
	fresh.received = taken_bytes((struct tcp_sock *)sk, sk, false);
	skip_past_holdups((struct tcp_sock *)sk, &fresh);
	fresh.confirmed = 1;
	return make_socket(sk, &fresh);
}

/* What a descriptor of some process stands for, if that is a socket that is not known yet. */
static __always_inline int old_socket(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_record fresh = {};
	struct socket_record *r;
	struct socket *socket;
	struct tcp_sock *tp;
	struct sock *sk;
	u8 state;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !is_tcp(sk) || find_socket(sk))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	fresh.cgroup_id = workload_key(task_cgroup_id(task, false), BPF_CORE_READ(task, flags));
	fresh.slot = slot_of(fresh.cgroup_id);
	fresh.received = taken_bytes(tp, sk, false);
	skip_past_holdups(tp, &fresh);
	r = make_socket(sk, &fresh);
	/* read last: a change from now on finds the record, and one before is in what is read */
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (r && !r->counted_state && state != TCP_CLOSE && state != TCP_SYN_RECV)
		census(r, r->slot, state);
	if (r && state == TCP_LISTEN)
		note_listener(sk, r->cgroup_id);
	return 0;
}
