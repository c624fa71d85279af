/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that do nothing, at the hooks that a request and its answer pass: what B6 would be if Sonde's programs
 * there took no time at all.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define EMPTY(hook)                      \
	SEC("tp_btf/" #hook)             \
	int empty_##hook(void *ctx)      \
	{                                \
		return 0;                \
	}

EMPTY(tcp_probe)
EMPTY(tcp_sendmsg_locked)
EMPTY(sock_send_length)
EMPTY(sk_data_ready)
EMPTY(tcp_rcv_space_adjust)

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
