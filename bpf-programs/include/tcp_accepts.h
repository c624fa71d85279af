/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long connections that were established waited for accept().
 *
 * When one was established stands in the socket itself, untouched until its first read, so that no record is needed, and
 * the pointer may come from anywhere. The owner is who accepts: the process that called.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include "tcp_waits.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

static __always_inline int accepted(void *ctx, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u64 cgroup_id;

	if (!sk || !is_tcp(sk))
		return 0;
	cgroup_id = current_workload_key();
	count_wait(ctx, sk, slot_of(cgroup_id), cgroup_id, LATENCY_ACCEPT_WAIT,
		   BPF_CORE_READ(tp, rcvq_space.time) * 1000);
	return 0;
}

/* The socket behind a descriptor of the current process; NULL if it is none, or none any more. */
static __always_inline struct sock *socket_of_descriptor(long descriptor)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct socket *socket;
	struct file **files;
	struct file *file = NULL;

	if (descriptor < 0 || descriptor >= BPF_CORE_READ(table, max_fds))
		return NULL;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	/* another thread may have closed it, and opened something else */
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}
