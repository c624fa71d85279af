/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that Sonde reads, and of each only the fields it reads: CO-RE relocates every access to where the
 * running kernel has the field, so that a whole vmlinux.h (and a kernel to generate it from) is not needed to build.
 *
 * A name with three underscores is a flavour: the same kernel type as it looks in some versions only.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

/* Tells bpf_tracing.h that the kernel's own names of registers are in force, not those of user space. */
#define __VMLINUX_H__

/* bpf_helpers.h's generated part wants these names, which uapi headers spell with underscores. */
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __s64 s64;
typedef __u64 u64;

/* From uapi/linux/bpf.h, which cannot be included beside kernel types. */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158, /* 5.11 */
};

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_CLONE = 512,
	BPF_F_MMAPABLE = 1024,
};

#define BPF_F_CURRENT_CPU 0xffffffffULL

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_RING_SIZE = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* cgroups */

struct kernfs_node {
	u64 id; /* the directory's inode; 5.5 */
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

enum cgroup_subsys_id {
	cpu_cgrp_id = 1,
	CGROUP_SUBSYS_COUNT = 14,
};

struct css_set {
	struct cgroup_subsys_state *subsys[CGROUP_SUBSYS_COUNT];
	struct cgroup *dfl_cgrp; /* the v2 hierarchy */
	int nr_tasks; /* threads that share it */
};

/* tasks */

struct cfs_rq {
	unsigned int throttle_count; /* how many of its groups, itself included, are out of quota */
	u64 throttled_clock_pelt_time; /* how long that was so; 5.19: renamed (64eaf50731ac) */
};

struct cfs_rq___before_5_19 {
	u64 throttled_clock_task_time;
};

struct sched_entity {
	u64 sum_exec_runtime;
	u64 prev_sum_exec_runtime; /* what it was when the task last got its CPU */
	u64 nr_migrations;
	struct cfs_rq *cfs_rq;
};

struct thread_info {
	u32 cpu; /* 5.16: here again, before in task_struct (bcf9033e5449) */
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not begun to exit */
	int nr_threads; /* threads that were not released yet */
	int group_exit_code;
	unsigned int flags;
};

struct upid {
	int nr;
};

/* A number for each pid namespace from the host's to the process' own. */
struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct linux_binprm {
	const char *filename;
};

struct task_struct {
	struct thread_info thread_info;
	struct sched_entity se;
	unsigned int __state; /* 5.14: renamed from state (2f064a59a11f) */
	/* an int until 7.1, then a u8 beside others: unsigned, so that libbpf sets the load's size */
	unsigned int on_cpu;
	unsigned int on_rq;
	bool throttled; /* 6.18: groups out of quota stop task by task */
	unsigned int flags;
	unsigned in_iowait : 1;
	unsigned long nvcsw;
	unsigned long nivcsw;
	int pid;
	int tgid;
	int exit_code;
	u64 start_time;
	char comm[16];
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct files_struct *files;
	struct css_set *cgroups;
};

struct task_struct___before_5_14 {
	long state;
};

struct task_struct___before_5_16 {
	unsigned int cpu;
};

/* sockets */

struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct hlist_node skc_bind_node; /* among the sockets of the same local port */
};

struct sock_cgroup_data {
	/* 5.15; before that a tagged integer of the same place (8520e224f547) */
	struct cgroup *cgroup;
};

struct sock_cgroup_data___before_5_15 {
	u64 val; /* a pointer unless one of the lowest two bits is set (sock_cgroup_ptr) */
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol; /* 5.6: a field of its own (bf9765145b85) */
	u8 sk_shutdown;
	int sk_err;
	int sk_err_soft;
	atomic_t sk_drops;
	u32 sk_ack_backlog; /* of a listener: connections that wait for accept() */
	u32 sk_max_ack_backlog;
	struct sock_cgroup_data sk_cgrp_data;
};

struct socket {
	struct sock *sk;
};

struct request_sock_queue {
	atomic_t qlen; /* connections whose handshake is not complete */
};

struct inet_sock {
	__be16 inet_sport;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
	u8 icsk_ca_state : 5;
	u8 icsk_pending;
};

struct tcp_sock {
	u32 copied_seq;
	u32 rcv_nxt;
	u32 packets_out; /* sent and not yet acknowledged */
	u32 srtt_us; /* in eighths of a microsecond */
	u32 snd_una;
	u32 write_seq;
	u32 rcv_wnd; /* advertised */
	u32 snd_wnd; /* the other side's */
	u32 chrono_start;
	u32 chrono_stat[3]; /* jiffies, by enum tcp_chrono less one */
	u8 chrono_type : 2;
	u64 tcp_mstamp; /* in microseconds: when the last segment arrived, among others */
	struct {
		u64 time; /* in microseconds; stamped when the connection is established, then by reads */
	} rcvq_space;
	u64 bytes_received;
	u64 bytes_acked;
	u64 bytes_sent;
	u64 bytes_retrans;
};

/* 6.10: inet_csk_accept takes this instead of three arguments (92ef0fd55ac8) */
struct proto_accept_arg {
	int flags;
};

struct request_sock {
	struct sock_common __req_common;
};

struct sk_buff {
	char cb[48];
};

struct tcp_skb_cb {
	u32 seq;
	u32 end_seq;
	u32 ack_seq;
	u16 tcp_gso_segs;
};

enum sock_flags {
	SOCK_DONE = 1,
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data; /* of a socket's: its struct socket */
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* tracepoint records */

struct trace_event_raw_sched_switch {
	int prev_pid;
	long prev_state;
	int next_pid;
};

struct trace_event_raw_sched_wakeup_template {
	int pid;
};

struct trace_event_raw_sched_process_template {
	int pid;
};

struct trace_event_raw_sched_migrate_task {
	int pid;
	int orig_cpu;
};

struct trace_event_raw_task_newtask {
	unsigned long clone_flags;
};

/* 6.16: since then the tracepoint says whether the last thread of the process exits */
struct trace_event_raw_sched_process_exit {
	bool group_dead;
};

/* 6.9 passes the task; before that there is only its pid (72ba14deb40a) */
struct trace_event_raw_mark_victim {
	u32 uid;
};

/* 6.17 gave the retransmit tracepoint its own class, with the result (ba4e3ab9ee3a) */
struct trace_event_raw_tcp_retransmit_skb {
	const void *skbaddr;
	const void *skaddr;
	int err;
};

struct trace_event_raw_tcp_event_sk_skb {
	const void *skbaddr;
	const void *skaddr;
};

struct trace_event_raw_tcp_event_sk {
	const void *skaddr;
};

struct trace_event_raw_tcp_retransmit_synack {
	const void *skaddr;
	const void *req;
};

struct trace_event_raw_cgroup {
	int root;
	u64 id; /* 5.5: 64 bits */
	u32 __data_loc_path;
};

struct trace_event_raw_sys_exit {
	long ret;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct sock *sk;
	void *value;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};

/* registers of a kprobe, as far as bpf_tracing.h's argument macros read them */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r8, ax, cx, dx, si, di, sp;
};
#endif

#pragma clang attribute pop

#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
} __attribute__((preserve_access_index));
#endif

#define PF_KTHREAD 0x00200000
#define CLONE_THREAD 0x00010000
#define SIGNAL_GROUP_EXIT 0x00000004
#define SIGKILL 9
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define TASK_RUNNING 0
#define EAGAIN 11
#define ENOMEM 12
#define EBUSY 16
#define EINVAL 22
#define EPIPE 32
#define ECONNABORTED 103
#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_FIN_WAIT2 = 5,
	TCP_TIME_WAIT = 6,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_LISTEN = 10,
	TCP_CLOSING = 11,
	TCP_NEW_SYN_RECV = 12,
	TCP_STATES = 13,
};

enum tcp_chrono {
	TCP_CHRONO_RWND_LIMITED = 2,
	TCP_CHRONO_SNDBUF_LIMITED = 3,
};

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define RCV_SHUTDOWN 1
#define TCP_CA_LOSS 4
#define TCP_CA_CWR 2
#define ICSK_TIME_LOSS_PROBE 5

/*
 * A field: read directly where the verifier knows the pointer's type, which is three times as fast, and allowed where
 * lockdown (confidentiality) takes bpf_probe_read_kernel away. Needs `typed` in scope.
 */
#define GET(object, field) (typed ? (object)->field : BPF_CORE_READ(object, field))
