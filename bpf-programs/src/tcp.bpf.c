/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP: bytes that applications sent and received, and segments that were sent again, by the workload that owns the
 * socket.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "events.h"
#include "loss.h"
#include "sockets.h"
#include "starts.h"
#include "tcp_accepts.h"
#include "tcp_census.h"
#include "tcp_changes.h"
#include "tcp_connections.h"
#include "tcp_holdups.h"
#include "tcp_latency.h"
#include "tcp_listeners.h"
#include "tcp_resets.h"
#include "tcp_samples.h"
#include "workloads.h"

enum retransmit_type {
	RETRANSMIT_TIMEOUT = 0,
	RETRANSMIT_FAST = 1,
	RETRANSMIT_TAIL_LOSS_PROBE = 2,
	RETRANSMIT_SYN = 3,
	RETRANSMIT_SYNACK = 4,
	RETRANSMIT_TYPES = 5,
};

/* One workload on one CPU; atomic, since a softirq or another task may interrupt a count. */
struct tcp_stats {
	u64 sent_bytes;
	u64 received_bytes;
	u64 retransmits[RETRANSMIT_TYPES];
	u64 padding;
};

_Static_assert(sizeof(struct tcp_stats) == 64, "one cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs * max_slots, set before load */
	__type(key, u32);
	__type(value, struct tcp_stats);
} tcp_stats SEC(".maps");

struct tcp_retransmit_event {
	u32 kind; /* EVENT_TCP_RETRANSMIT */
	u32 segments;
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 cgroup_id;
	u8 type; /* enum retransmit_type */
	u8 state; /* enum tcp_state */
	u16 family; /* AF_INET: the first 4 bytes of each address count */
	u16 local_port;
	u16 remote_port;
	u8 local[16];
	u8 remote[16];
};

_Static_assert(sizeof(struct tcp_retransmit_event) == 64, "the agent reads this layout");

static __always_inline struct tcp_stats *stats_row(u32 slot)
{
	u32 row = row_of(slot);

	return bpf_map_lookup_elem(&tcp_stats, &row);
}

/* Owners, and the life of connections */

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

/* Only for the hash by address: socket storage goes with the socket. */
SEC("raw_tp/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_raw, struct sock *sk)
{
	u64 address = (u64)sk;

	bpf_map_delete_elem(&socket_records_by_address, &address);
	return 0;
}

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

/* One pass at start over every descriptor of every process: the sockets that are older than the agent. */
SEC("iter/task_file")
int tcp_old_sockets(struct bpf_iter__task_file *ctx)
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

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void write_listener(struct seq_file *out, struct listener_row *row)
{
	bpf_seq_write(out, row, sizeof(*row));
}

/* At each snapshot: every listener that there is, of whichever network namespace. */
SEC("iter/bpf_sk_storage_map")
int tcp_listeners(struct bpf_iter__bpf_sk_storage_map *ctx)
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

/* The first byte that a container sends as a server */

struct container_start_event {
	u32 kind; /* EVENT_CONTAINER_START */
	u32 padding;
	u64 time_ns; /* of the exec, CLOCK_MONOTONIC */
	u64 cgroup_id;
	u64 listen_ns; /* after the exec, as all that follow */
	u64 accept_ns;
	u64 first_byte_ns;
};

_Static_assert(sizeof(struct container_start_event) == 48, "the agent reads this layout");

/* Starts that an event was sent of: two threads may both send the first byte. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, u64);
} reported_starts SEC(".maps");

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_container_start(void *ctx, struct container_start_event *e)
{
	send_event(ctx, e, sizeof(*e));
}

static __always_inline void note_first_byte(void *ctx, u32 slot, u64 cgroup_id)
{
	struct container_start_event e = { .kind = EVENT_CONTAINER_START };
	struct container_start *s;

	note_accept(slot, cgroup_id);
	s = start_of(slot, cgroup_id);
	if (!s || !s->accept_ns || s->first_byte_ns)
		return;
	s->first_byte_ns = bpf_ktime_get_ns();
	e.time_ns = s->exec_ns;
	e.cgroup_id = cgroup_id;
	e.listen_ns = s->listen_ns - s->exec_ns;
	e.accept_ns = s->accept_ns - s->exec_ns;
	e.first_byte_ns = s->first_byte_ns - s->exec_ns;
	if (bpf_map_update_elem(&reported_starts, &e.time_ns, &cgroup_id, BPF_NOEXIST) == 0)
		send_container_start(ctx, &e);
}

/* Bytes sent */

static __always_inline void count_sent(void *ctx, struct sock *sk, long accepted)
{
	struct socket_record *r;
	struct tcp_stats *s;
	u32 slot;

	if (accepted <= 0) {
		send_failed(sk);
		return;
	}
	r = socket_at_io(sk);
	slot = socket_slot_in_process(sk, r);
	/* once per accepted socket, and all there is to it on this path */
	if (r && r->server && !r->answered) {
		r->used = 1;
		r->answered = 1;
		note_first_byte(ctx, slot, r->cgroup_id);
	}
	s = stats_row(slot);
	if (s)
		__sync_fetch_and_add(&s->sent_bytes, accepted);
	send_ended(ctx, sk, r);
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_exit, struct sock *sk, void *msg, u64 size, int accepted)
{
	count_sent(ctx, sk, accepted);
	return 0;
}

/* sendfile and splice until 6.5, where they became sends (dc97391e6610) */
SEC("fexit/tcp_sendpage")
int BPF_PROG(tcp_sendpage_exit, struct sock *sk, void *page, int offset, u64 size, int flags,
	     int accepted)
{
	count_sent(ctx, sk, accepted);
	return 0;
}

/* 6.3; every protocol's sends, so that TCP has to be told from the others */
SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length_btf, struct sock *sk, int accepted, int flags)
{
	if (sk->sk_protocol == IPPROTO_TCP && is_tcp(sk))
		count_sent(ctx, sk, accepted);
	return 0;
}

SEC("raw_tp/sock_send_length")
int BPF_PROG(sock_send_length_raw, struct sock *sk, int accepted, int flags)
{
	if (is_tcp(sk))
		count_sent(ctx, sk, accepted);
	return 0;
}

/*
 * The return of tcp_sendmsg where neither fexit nor the tracepoint is to be had. A kprobe knows no socket at the
 * return, so that the bytes are the calling process's, which is the owner for all but sockets that are shared.
 */
SEC("kretprobe/tcp_sendmsg")
int BPF_KRETPROBE(tcp_sendmsg_return, int accepted)
{
	struct tcp_stats *s;

	if (accepted <= 0)
		return 0;
	s = stats_row(slot_of(current_workload_key()));
	if (s)
		__sync_fetch_and_add(&s->sent_bytes, accepted);
	return 0;
}

/* Bytes received */

static __always_inline void count_received(void *ctx, struct sock *sk, struct tcp_sock *tp,
					   const bool typed)
{
	struct socket_record *r = socket_at_io(sk);
	struct tcp_stats *s;
	u64 taken, before;
	u32 slot;

	if (!r)
		return;
	/* as it was before this read, which may open it */
	note_own_window(sk, r, typed ? tp->rcv_wnd : BPF_CORE_READ(tp, rcv_wnd));
	taken = taken_bytes(tp, sk, typed);
	before = r->received;
	r->received = taken;
	slot = socket_slot_in_process(sk, r);
	if (r->server && !r->used) {
		r->used = 1;
		note_accept(slot, r->cgroup_id);
	}
	s = stats_row(slot);
	/* also where an owner that was corrected, or a socket that was met late, comes into the census */
	census(r, r->slot,
	       typed ? sk->__sk_common.skc_state : BPF_CORE_READ(sk, __sk_common.skc_state));
	/* less than before: the address was used again, or a disconnect set the socket back */
	if (s && taken > before)
		__sync_fetch_and_add(&s->received_bytes, taken - before);
	if (taken > before)
		data_taken(ctx, sk, r);
}

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

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_retransmit(void *ctx, struct tcp_retransmit_event *e)
{
	send_event(ctx, e, sizeof(*e));
}

static __always_inline void report_retransmit(void *ctx, struct sock *sk,
					      struct sock_common *addresses, u32 type, u32 segments)
{
	struct tcp_retransmit_event e = { .kind = EVENT_TCP_RETRANSMIT };
	struct tcp_stats *s = stats_row(socket_slot(sk, find_socket(sk), &e.cgroup_id));

	if (s && type < RETRANSMIT_TYPES)
		__sync_fetch_and_add(&s->retransmits[type], segments);
	e.segments = segments;
	e.time_ns = bpf_ktime_get_ns();
	e.type = type;
	e.state = BPF_CORE_READ(addresses, skc_state);
	e.family = BPF_CORE_READ(addresses, skc_family);
	e.local_port = BPF_CORE_READ(addresses, skc_num);
	e.remote_port = bpf_ntohs(BPF_CORE_READ(addresses, skc_dport));
	if (e.family == AF_INET6) {
		BPF_CORE_READ_INTO(&e.local, addresses, skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&e.remote, addresses, skc_v6_daddr.in6_u.u6_addr8);
	} else {
		*(__be32 *)e.local = BPF_CORE_READ(addresses, skc_rcv_saddr);
		*(__be32 *)e.remote = BPF_CORE_READ(addresses, skc_daddr);
	}
	send_retransmit(ctx, &e);
}

/* Why the segment goes out again; docs/truth.md says what each type was compared with. */
static __always_inline u32 retransmit_type(struct sock *sk)
{
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;
	u32 ca_state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state);

	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_SENT)
		return RETRANSMIT_SYN;
	if (ca_state == TCP_CA_LOSS)
		return RETRANSMIT_TIMEOUT;
	if (ca_state < TCP_CA_CWR && BPF_CORE_READ(icsk, icsk_pending) == ICSK_TIME_LOSS_PROBE)
		return RETRANSMIT_TAIL_LOSS_PROBE;
	return RETRANSMIT_FAST;
}

/*
 * From 6.17 on (ba4e3ab9ee3a) the tracepoint also tells of attempts that ended before TcpRetransSegs was counted:
 * the first transmission still waits in this host's queue (EBUSY), the receiver shrank its window (EAGAIN), no route
 * (EHOSTUNREACH), no memory to split the segment (ENOMEM), acknowledged already (EINVAL). What fails later, in the
 * queue below, was an attempt to send and counts there and here.
 */
static __always_inline bool gave_up_before_sending(int err)
{
	return err == -EBUSY || err == -EAGAIN || err == -EHOSTUNREACH || err == -ENOMEM ||
	       err == -EINVAL;
}

static __always_inline void handle_retransmit(void *ctx, struct sock *sk, struct sk_buff *skb,
					      int err)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)((void *)skb + bpf_core_field_offset(skb->cb));
	u16 segments = BPF_CORE_READ(cb, tcp_gso_segs);

	if (gave_up_before_sending(err))
		return;
	report_retransmit(ctx, sk, (struct sock_common *)sk, retransmit_type(sk),
			  segments ? segments : 1);
}

/* Before 6.17 the tracepoint has no err and fires only when the segment was sent. */
#define RETRANSMIT_ERR(ctx)                                                           \
	(bpf_core_field_exists(((struct trace_event_raw_tcp_retransmit_skb *)0)->err) \
		 ? (int)(ctx)[2]                                                      \
		 : 0)

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
	if (sk->sk_protocol == IPPROTO_TCP && sk->__sk_common.skc_state != TCP_LISTEN && is_tcp(sk))
		data_ready(sk);
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
