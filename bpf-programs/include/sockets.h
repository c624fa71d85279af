/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who owns a socket, also when the kernel works on it in softirq, where the current task is whoever was interrupted.
 *
 *  - A socket that connects or listens belongs to the workload of the process that does it.
 *  - An accepted one first belongs to its listener's owner: the kernel clones the listener's storage into it.
 *  - That is corrected once, at the first I/O by a process: the acceptor may be another workload's.
 *  - Sockets older than the agent are found through the descriptors of every process (iter/task_file).
 *  - What was missed by all of that (accepted only after that pass, or held by no descriptor) is met at its first I/O.
 *
 * The record stands in socket storage where tracing programs may use it (5.11), else in a hash by the socket's address.
 * That the kernel does not clone: a child's listener is looked for instead (listener_of).
 */
#pragma once

#include "kernel.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum role {
	ROLE_CLIENT = 0,
	ROLE_SERVER = 1,
	ROLES = 2,
};

enum limit {
	LIMIT_RECEIVER_WINDOW = 0,
	LIMIT_SEND_BUFFER = 1,
	LIMITS = 2,
};

/* The kernel lets it begin 8 bytes into a cache line: what packets touch comes first and stays within that line. */
struct socket_record {
	u64 cgroup_id;
	u64 received; /* bytes that the application had taken at the last look */
	u64 send_since; /* when the send call began that is being followed */
	u64 ready_since; /* when the application was told of data that it has not read; 0: there is none */
	u32 slot;
	u32 counted_slot; /* where the census has this socket */
	u8 counted_state; /* as what; 0: nowhere */
	u8 confirmed; /* the owner is the user itself: no correction at the next I/O */
	u8 connecting; /* this side sent the SYN, and the connection is not open yet */
	u8 reset_doubtful; /* see tcp_resets.h */
	u8 server; /* it listens, or was accepted */
	u8 used; /* accepted, and its user has read or written */
	u8 answered; /* accepted, and its user has written */
	u8 send_state; /* enum send_state of tcp_samples.h */
	u32 send_target; /* the sequence number that ends that call's bytes */
	u8 zero_window_sent; /* this side's window is closed, and counted */
	u8 zero_window_seen; /* the other side's is */
	u16 rtt_at; /* when the round-trip time was last sampled, in jiffies; 0: never */
	u64 since; /* when the SYN was sent, then when the connection was open; 0 if not seen */
	u32 limited[LIMITS]; /* jiffies of struct tcp_sock's chrono_stat that are counted */
};

_Static_assert(__builtin_offsetof(struct socket_record, since) == 56, "the rest of the line");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_record);
} socket_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1048576);
	__type(key, u64);
	__type(value, struct socket_record);
} socket_records_by_address SEC(".maps");

const volatile bool use_socket_storage = true;

static __always_inline struct socket_record *find_socket(struct sock *sk)
{
	u64 address = (u64)sk;

	if (use_socket_storage)
		return bpf_sk_storage_get(&socket_records, sk, NULL, 0);
	return bpf_map_lookup_elem(&socket_records_by_address, &address);
}

/* Makes or replaces a socket's record; NULL if it cannot. */
static __always_inline struct socket_record *put_socket(struct sock *sk,
							struct socket_record *fresh)
{
	u64 address = (u64)sk;
	struct socket_record *r;

	if (use_socket_storage) {
		r = bpf_sk_storage_get(&socket_records, sk, fresh, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (r)
			*r = *fresh;
	} else {
		bpf_map_update_elem(&socket_records_by_address, &address, fresh, BPF_ANY);
		r = bpf_map_lookup_elem(&socket_records_by_address, &address);
	}
	if (!r)
		COUNT_LOSS(storage);
	return r;
}

/* Makes a socket's record unless another CPU has just made it, and gives the one that stands; NULL if it cannot. */
static __always_inline struct socket_record *make_socket(struct sock *sk,
							 struct socket_record *fresh)
{
	u64 address = (u64)sk;
	struct socket_record *r;

	if (use_socket_storage) {
		r = bpf_sk_storage_get(&socket_records, sk, fresh, BPF_LOCAL_STORAGE_GET_F_CREATE);
	} else {
		bpf_map_update_elem(&socket_records_by_address, &address, fresh, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&socket_records_by_address, &address);
	}
	if (!r)
		COUNT_LOSS(storage);
	return r;
}

/* Only of the hash: a record in storage goes with its socket. */
static __always_inline void forget_socket(struct sock *sk)
{
	u64 address = (u64)sk;

	bpf_map_delete_elem(&socket_records_by_address, &address);
}

static __always_inline bool is_tcp_family(u16 family, u16 protocol)
{
	return (family == AF_INET || family == AF_INET6) && protocol == IPPROTO_TCP;
}

static __always_inline bool is_tcp(struct sock *sk)
{
	return is_tcp_family(BPF_CORE_READ(sk, __sk_common.skc_family),
			     BPF_CORE_READ(sk, sk_protocol));
}

/*
 * The socket's own cgroup, for sockets that no record was made for: the creator's (for a child, the listener's
 * creator's). It is a v2 id, so that it says nothing where v1 ids are the keys.
 */
static __always_inline u64 socket_cgroup_id(struct sock *sk)
{
	struct sock_cgroup_data___before_5_15 *before = (void *)&sk->sk_cgrp_data;
	u64 id;

	if (cgroup_v1)
		return CGROUP_UNKNOWN;
	if (bpf_core_field_exists(before->val)) {
		u64 tagged = BPF_CORE_READ(before, val);

		id = tagged & 3 ? 0 : BPF_CORE_READ((struct cgroup *)tagged, kn, id);
	} else {
		id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	}
	return id ? id : CGROUP_UNKNOWN;
}

/*
 * The listener of a child that the kernel is making, at the child's first change of state, for the hash, where nothing
 * was cloned from the one to the other. The child is a copy that still says where the listener stands among the sockets
 * of its port (sk_clone leaves skc_bind_node, until __inet_inherit_port): whoever is there is the listener or, if
 * another CPU was at that list meanwhile, another of its children. NULL if it has no record.
 */
static __always_inline struct socket_record *listener_of(struct sock *child)
{
	struct hlist_node **place = BPF_CORE_READ(child, __sk_common.skc_bind_node.pprev);
	struct hlist_node *node = NULL;
	u64 address;

	bpf_probe_read_kernel(&node, sizeof(node), place);
	address = (u64)node - bpf_core_field_offset(child->__sk_common.skc_bind_node);
	return bpf_map_lookup_elem(&socket_records_by_address, &address);
}

/* The slot to charge for work on this socket by nobody in particular (timers, incoming packets). */
static __always_inline u32 socket_slot(struct sock *sk, struct socket_record *r, u64 *cgroup_id)
{
	u32 slot;

	if (!r) {
		*cgroup_id = socket_cgroup_id(sk);
		return slot_of(*cgroup_id);
	}
	*cgroup_id = r->cgroup_id;
	slot = slot_again(r->cgroup_id, r->slot);
	if (slot != r->slot)
		r->slot = slot;
	return slot;
}

/* The same for I/O by the current process, which is what confirms an owner. Kernel threads work for others. */
static __always_inline u32 socket_slot_in_process(struct sock *sk, struct socket_record *r)
{
	u64 cgroup_id;

	if (r && !r->confirmed) {
		u64 key = current_workload_key();

		if (key != CGROUP_KERNEL) {
			r->cgroup_id = key;
			r->slot = slot_of(key);
			r->confirmed = 1;
		}
	}
	return socket_slot(sk, r, &cgroup_id);
}
