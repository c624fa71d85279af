/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs that attach, hook by hook and each in the forms that a ladder may take: typed (`_btf`), untyped (`_raw`),
 * plain tracepoints (`_tp`), kernel functions. What they do stands in the headers: `tcp_sends.h` has what a send does.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "sockets.h"
#include "tcp_accepts.h"
#include "tcp_census.h"
#include "tcp_changes.h"
#include "tcp_late.h"
#include "tcp_listeners.h"
#include "tcp_receives.h"
#include "tcp_resets.h"
#include "tcp_retransmits.h"
#include "tcp_samples.h"
#include "tcp_sends.h"

/* Changes of state, which tell owners and connections */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_set_state_btf, struct sock *sk, int old_state, int new_state)
{
	first_set_state(ctx, sk, old_state, new_state, true);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_set_state_2_btf, struct sock *sk, int old_state, int new_state)
{
	second_set_state(ctx, sk, old_state, new_state, true);
	return 0;
}

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(tcp_set_state_raw, struct sock *sk, int old_state, int new_state)
{
	first_set_state(ctx, sk, old_state, new_state, false);
	return 0;
}

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(tcp_set_state_2_raw, struct sock *sk, int old_state, int new_state)
{
	second_set_state(ctx, sk, old_state, new_state, false);
	return 0;
}

/* Only for the hash by address: socket storage goes with the socket. Two, since the kernel skips one that is interrupted. */
SEC("raw_tp/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_raw, struct sock *sk)
{
	forget_socket(sk);
	return 0;
}

SEC("raw_tp/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_2_raw, struct sock *sk)
{
	forget_socket(sk);
	return 0;
}

/* One pass at start over every descriptor of every process: the sockets that are older than the agent. */
SEC("iter/task_file")
int tcp_old_sockets(struct bpf_iter__task_file *ctx)
{
	return old_socket(ctx);
}

/* At each snapshot: every listener that there is, of whichever network namespace. */
SEC("iter/bpf_sk_storage_map")
int tcp_listeners(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	return report_listener(ctx);
}

/* Every socket that there is, now and then; at the end it writes which pass that was. */
SEC("iter/bpf_sk_storage_map")
int tcp_census_pass(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	u64 session = ctx->meta->session_id;
	struct socket_record *r = ctx->value;
	struct sock *sk = ctx->sk;
	u8 state;

	if (!sk || !r) {
		bpf_seq_write(ctx->meta->seq, &session, sizeof(session));
		return 0;
	}
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	/* a child that is not open yet has a copy of its listener's record */
	if (state != TCP_SYN_RECV && state != TCP_CLOSE)
		count_in_census(r, session);
	return 0;
}

/* Bytes sent */

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_exit, struct sock *sk, void *msg, u64 size, int accepted)
{
	count_sent(ctx, sk, accepted, true);
	return 0;
}

/* sendfile and splice until 6.5, where they became sends (dc97391e6610) */
SEC("fexit/tcp_sendpage")
int BPF_PROG(tcp_sendpage_exit, struct sock *sk, void *page, int offset, u64 size, int flags,
	     int accepted)
{
	count_sent(ctx, sk, accepted, true);
	return 0;
}

/* 6.3; every protocol's sends, so that TCP has to be told from the others */
SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length_btf, struct sock *sk, int accepted, int flags)
{
	if (is_tcp_family(sk->__sk_common.skc_family, sk->sk_protocol))
		count_sent(ctx, sk, accepted, true);
	return 0;
}

SEC("raw_tp/sock_send_length")
int BPF_PROG(sock_send_length_raw, struct sock *sk, int accepted, int flags)
{
	if (is_tcp(sk))
		count_sent(ctx, sk, accepted, false);
	return 0;
}

/*
 * The return of tcp_sendmsg where neither fexit nor the tracepoint is to be had. A kprobe knows no socket at the
 * return, so that the bytes are the calling process's, which is the owner for all but sockets that are shared.
 */
SEC("kretprobe/tcp_sendmsg")
int BPF_KRETPROBE(tcp_sendmsg_return, int accepted)
{
	count_sent_by_current(accepted);
	return 0;
}

/* Bytes received */

/* Runs after every copy to the application, splice and zero-copy included; its owner holds the socket's lock. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_rcv_space_adjust_btf, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (tp)
		count_received(ctx, sk, tp, true);
	return 0;
}

SEC("raw_tp/tcp_rcv_space_adjust")
int BPF_PROG(tcp_rcv_space_adjust_raw, struct sock *sk)
{
	count_received(ctx, sk, (struct tcp_sock *)sk, false);
	return 0;
}

SEC("tracepoint/tcp/tcp_rcv_space_adjust")
int tcp_rcv_space_adjust_tp(struct trace_event_raw_tcp_event_sk *ctx)
{
	struct sock *sk = (struct sock *)BPF_CORE_READ(ctx, skaddr);

	count_received(ctx, sk, (struct tcp_sock *)sk, false);
	return 0;
}

/* Retransmits */

SEC("tp_btf/tcp_retransmit_skb")
int tcp_retransmit_skb_btf(u64 *ctx)
{
	handle_retransmit(ctx, (struct sock *)ctx[0], (struct sk_buff *)ctx[1],
			  RETRANSMIT_ERR(ctx));
	return 0;
}

SEC("raw_tp/tcp_retransmit_skb")
int tcp_retransmit_skb_raw(u64 *ctx)
{
	handle_retransmit(ctx, (struct sock *)ctx[0], (struct sk_buff *)ctx[1],
			  RETRANSMIT_ERR(ctx));
	return 0;
}

SEC("tracepoint/tcp/tcp_retransmit_skb")
int tcp_retransmit_skb_tp(void *ctx)
{
	struct trace_event_raw_tcp_retransmit_skb *now = ctx;
	struct trace_event_raw_tcp_event_sk_skb *before = ctx;

	if (bpf_core_field_exists(now->err))
		handle_retransmit(ctx, (struct sock *)BPF_CORE_READ(now, skaddr),
				  (struct sk_buff *)BPF_CORE_READ(now, skbaddr),
				  BPF_CORE_READ(now, err));
	else
		handle_retransmit(ctx, (struct sock *)BPF_CORE_READ(before, skaddr),
				  (struct sk_buff *)BPF_CORE_READ(before, skbaddr), 0);
	return 0;
}

/* A SYN-ACK that is sent again belongs to the listener; the request knows the addresses. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack_btf, struct sock *listener, struct request_sock *request)
{
	report_retransmit(ctx, listener, (struct sock_common *)request, RETRANSMIT_SYNACK, 1);
	return 0;
}

SEC("raw_tp/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack_raw, struct sock *listener, struct request_sock *request)
{
	report_retransmit(ctx, listener, (struct sock_common *)request, RETRANSMIT_SYNACK, 1);
	return 0;
}

SEC("tracepoint/tcp/tcp_retransmit_synack")
int tcp_retransmit_synack_tp(struct trace_event_raw_tcp_retransmit_synack *ctx)
{
	report_retransmit(ctx, (struct sock *)BPF_CORE_READ(ctx, skaddr),
			  (struct sock_common *)BPF_CORE_READ(ctx, req), RETRANSMIT_SYNACK, 1);
	return 0;
}

/* Resets */

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset_btf, struct sock *sk)
{
	reset_received(ctx, sk);
	return 0;
}

SEC("raw_tp/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset_raw, struct sock *sk)
{
	reset_received(ctx, sk);
	return 0;
}

/*
 * Without a socket since 6.10 (edefba66d929), where resets for segments of no connection are reported too. The verifier
 * of 6.3 to 6.12 believes that the pointer is never null and drops the test: what is done with it bears a null.
 */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset_btf, struct sock *sk)
{
	if (sk && BPF_CORE_READ(sk, __sk_common.skc_state))
		reset_sent(ctx, sk);
	else
		reset_sent_for_nobody();
	return 0;
}

SEC("raw_tp/tcp_send_reset")
int BPF_PROG(tcp_send_reset_raw, struct sock *sk)
{
	if (sk)
		reset_sent(ctx, sk);
	else
		reset_sent_for_nobody();
	return 0;
}

/* Samples */

SEC("tp_btf/tcp_probe")
int BPF_PROG(tcp_probe_btf, struct sock *sk, struct sk_buff *skb)
{
	segment_arrived(ctx, sk, skb, true);
	return 0;
}

SEC("raw_tp/tcp_probe")
int BPF_PROG(tcp_probe_raw, struct sock *sk, struct sk_buff *skb)
{
	segment_arrived(ctx, sk, skb, false);
	return 0;
}

/* 6.16; once for each packet that a send call fills, the socket locked */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tcp_sendmsg_locked_btf, struct sock *sk)
{
	send_began(sk);
	return 0;
}

SEC("raw_tp/tcp_sendmsg_locked")
int BPF_PROG(tcp_sendmsg_locked_raw, struct sock *sk)
{
	send_began(sk);
	return 0;
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_entry, struct sock *sk)
{
	send_began(sk);
	return 0;
}

/* 6.3; every protocol's sockets */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(sk_data_ready_btf, struct sock *sk)
{
	if (is_tcp_family(sk->__sk_common.skc_family, sk->sk_protocol) &&
	    sk->__sk_common.skc_state != TCP_LISTEN)
		data_told(sk);
	return 0;
}

SEC("raw_tp/sk_data_ready")
int BPF_PROG(sk_data_ready_raw, struct sock *sk)
{
	if (is_tcp(sk) && BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		data_ready(sk);
	return 0;
}

/* Before 6.3, which has no sk_data_ready */
SEC("tp_btf/tcp_probe")
int BPF_PROG(tcp_data_arrived_btf, struct sock *sk, struct sk_buff *skb)
{
	data_arrived(sk, skb);
	return 0;
}

SEC("raw_tp/tcp_probe")
int BPF_PROG(tcp_data_arrived_raw, struct sock *sk, struct sk_buff *skb)
{
	data_arrived(sk, skb);
	return 0;
}

/* Accepts */

SEC("fexit/inet_csk_accept")
int tcp_accept_exit(u64 *ctx)
{
	u64 sk;

	/* after two arguments, or after four; the barriers keep the compiler from loading at a computed place */
	if (bpf_core_type_exists(struct proto_accept_arg)) {
		sk = ctx[2];
		barrier_var(sk);
	} else {
		sk = ctx[4];
		barrier_var(sk);
	}
	return accepted(ctx, (struct sock *)sk);
}

SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(tcp_accept_return, struct sock *sk)
{
	return accepted(ctx, sk);
}

/* Any program at any system call makes every system call of the node a little slower: these two are only for who asks. */
SEC("tracepoint/syscalls/sys_exit_accept4")
int tcp_accept4_tp(struct trace_event_raw_sys_exit *ctx)
{
	return accepted(ctx, socket_of_descriptor(BPF_CORE_READ(ctx, ret)));
}

SEC("tracepoint/syscalls/sys_exit_accept")
int tcp_accept_tp(struct trace_event_raw_sys_exit *ctx)
{
	return accepted(ctx, socket_of_descriptor(BPF_CORE_READ(ctx, ret)));
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
