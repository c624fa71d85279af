/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Payload of a connection that ends. The kernel's own sums, which stand in tcp_info, are of sequence numbers: they have
 * the SYN and the FIN in them, which are no bytes.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * What the other side acknowledged, before the socket leaves this state. The SYN is in bytes_acked on the side that
 * connected; of a socket whose begin was not seen it falls out by what was sent at all.
 */
static __always_inline u64 acknowledged_bytes(struct sock *sk, u8 state)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct socket_record *r = find_socket(sk);
	u64 acked = BPF_CORE_READ(tp, bytes_acked);
	u64 sent = BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);
	u64 others = r && r->since && !r->server;

	if (state == TCP_FIN_WAIT2 ||
	    ((state == TCP_LAST_ACK || state == TCP_CLOSING) && !BPF_CORE_READ(sk, sk_err)))
		others++;
	acked = acked > others ? acked - others : 0;
	return acked < sent ? acked : sent;
}

/* What arrived in order, whether the application read it or not. */
static __always_inline u64 arrived_bytes(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u64 received = BPF_CORE_READ(tp, bytes_received);
	u64 flags = BPF_CORE_READ(sk, __sk_common.skc_flags);

	/* SOCK_DONE: the FIN has arrived (tcp_fin) */
	if (received && flags & (1ULL << bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		received--;
	return received;
}
