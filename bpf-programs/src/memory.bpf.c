/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory: how long tasks were held up by reclaiming memory themselves, and who was killed for want of it.
 *
 * Direct reclaim is both kinds: for the node's memory, and for the limit of a memory cgroup. It belongs to the task
 * that is held up, whoever used the memory. A kernel thread that reclaims in the background (kswapd) holds up nobody.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "events.h"
#include "loss.h"
#include "workloads.h"

/* One workload on one CPU. */
struct memory_stats {
	u64 reclaim_ns;
	u64 oom_kills;
};

_Static_assert(sizeof(struct memory_stats) == 16, "the agent reads this layout");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs * max_slots, set before load */
	__type(key, u32);
	__type(value, struct memory_stats);
} memory_stats SEC(".maps");

/* Task to when it began to reclaim. Made beforehand: this is no place to ask for memory. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} reclaims SEC(".maps");

static __always_inline struct memory_stats *stats_of(u64 key)
{
	u32 row = row_of(slot_of(key));

	return bpf_map_lookup_elem(&memory_stats, &row);
}

/* Direct reclaim */

/* One cannot begin inside another: a task that reclaims may use the reserves. */
static __always_inline int reclaim_begins(void)
{
	u32 pid = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	if (bpf_map_update_elem(&reclaims, &pid, &now, BPF_ANY))
		COUNT_LOSS(storage);
	return 0;
}

static __always_inline int reclaim_ends(void)
{
	u32 pid = bpf_get_current_pid_tgid();
	u64 *start = bpf_map_lookup_elem(&reclaims, &pid);
	struct memory_stats *s;
	u64 took;

	if (!start) /* begun before the agent */
		return 0;
	took = bpf_ktime_get_ns() - *start;
	bpf_map_delete_elem(&reclaims, &pid);
	s = stats_of(current_typed_workload_key());
	if (s)
		__sync_fetch_and_add(&s->reclaim_ns, took);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int reclaim_begin_btf(void *ctx)
{
	return reclaim_begins();
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int reclaim_end_btf(void *ctx)
{
	return reclaim_ends();
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int memcg_reclaim_begin_btf(void *ctx)
{
	return reclaim_begins();
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int memcg_reclaim_end_btf(void *ctx)
{
	return reclaim_ends();
}

SEC("raw_tp/mm_vmscan_direct_reclaim_begin")
int reclaim_begin_raw(void *ctx)
{
	return reclaim_begins();
}

SEC("raw_tp/mm_vmscan_direct_reclaim_end")
int reclaim_end_raw(void *ctx)
{
	return reclaim_ends();
}

SEC("raw_tp/mm_vmscan_memcg_reclaim_begin")
int memcg_reclaim_begin_raw(void *ctx)
{
	return reclaim_begins();
}

SEC("raw_tp/mm_vmscan_memcg_reclaim_end")
int memcg_reclaim_end_raw(void *ctx)
{
	return reclaim_ends();
}

SEC("tracepoint/vmscan/mm_vmscan_direct_reclaim_begin")
int reclaim_begin_tp(void *ctx)
{
	return reclaim_begins();
}

SEC("tracepoint/vmscan/mm_vmscan_direct_reclaim_end")
int reclaim_end_tp(void *ctx)
{
	return reclaim_ends();
}

SEC("tracepoint/vmscan/mm_vmscan_memcg_reclaim_begin")
int memcg_reclaim_begin_tp(void *ctx)
{
	return reclaim_begins();
}

SEC("tracepoint/vmscan/mm_vmscan_memcg_reclaim_end")
int memcg_reclaim_end_tp(void *ctx)
{
	return reclaim_ends();
}

/*
 * Kills
 *
 * mark_victim alone says too much and too little: it also fires for tasks that were dying anyway and are only given the
 * reserves, which no counter of the kernel counts, and before 6.9 it knows a pid and no task. A kill is the kernel's
 * own SIGKILL followed by mark_victim, both by one task (__oom_kill_process).
 */
struct kernel_siginfo;

#define SEND_SIG_PRIV \
	1ULL /* what the kernel passes for its own signals: include/linux/sched/signal.h */

struct oom_kill_event {
	u32 kind; /* EVENT_OOM_KILL */
	u32 pid;
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 cgroup_id;
	u8 command[16];
};

_Static_assert(sizeof(struct oom_kill_event) == 40, "the agent reads this layout");

/* A SIGKILL of the kernel's own. */
struct kernel_kill {
	u64 cgroup_id;
	u32 sender;
	u32 padding;
	u8 command[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, u32);
	__type(value, struct kernel_kill);
} kernel_kills SEC(".maps");

static __always_inline int handle_signal(int sig, u64 info, struct task_struct *task,
					 const bool typed)
{
	struct kernel_kill kill = {};
	u32 pid;

	if (sig != SIGKILL || info != SEND_SIG_PRIV)
		return 0;
	pid = GET(task, pid);
	kill.cgroup_id = workload_key(task_cgroup_id(task, typed), GET(task, flags));
	kill.sender = bpf_get_current_pid_tgid();
	if (typed)
		__builtin_memcpy(kill.command, task->comm, sizeof(kill.command));
	else
		BPF_CORE_READ_INTO(&kill.command, task, comm);
	if (bpf_map_update_elem(&kernel_kills, &pid, &kill, BPF_ANY))
		COUNT_LOSS(storage);
	return 0;
}

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_oom_kill(void *ctx, struct oom_kill_event *e)
{
	send_event(ctx, e, sizeof(*e));
}

static __always_inline int handle_victim(void *ctx, u32 pid)
{
	struct kernel_kill *kill = bpf_map_lookup_elem(&kernel_kills, &pid);
	struct oom_kill_event e = { .kind = EVENT_OOM_KILL };
	struct memory_stats *s;

	if (!kill || kill->sender != (u32)bpf_get_current_pid_tgid())
		return 0;
	e.pid = pid;
	e.time_ns = bpf_ktime_get_ns();
	e.cgroup_id = kill->cgroup_id;
	__builtin_memcpy(e.command, kill->command, sizeof(e.command));
	bpf_map_delete_elem(&kernel_kills, &pid);
	s = stats_of(e.cgroup_id);
	if (s)
		__sync_fetch_and_add(&s->oom_kills, 1);
	send_oom_kill(ctx, &e);
	return 0;
}

static __always_inline u32 victim_pid(u64 *ctx, const bool typed)
{
	if (bpf_core_field_exists(((struct trace_event_raw_mark_victim *)0)->uid)) {
		struct task_struct *victim = (struct task_struct *)ctx[0];

		return GET(victim, pid);
	}
	return ctx[0];
}

SEC("tp_btf/signal_generate")
int oom_signal_btf(u64 *ctx)
{
	return handle_signal(ctx[0], ctx[1], (struct task_struct *)ctx[2], true);
}

SEC("tp_btf/mark_victim")
int oom_victim_btf(u64 *ctx)
{
	return handle_victim(ctx, victim_pid(ctx, true));
}

SEC("raw_tp/signal_generate")
int oom_signal_raw(u64 *ctx)
{
	return handle_signal(ctx[0], ctx[1], (struct task_struct *)ctx[2], false);
}

SEC("raw_tp/mark_victim")
int oom_victim_raw(u64 *ctx)
{
	return handle_victim(ctx, victim_pid(ctx, false));
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
