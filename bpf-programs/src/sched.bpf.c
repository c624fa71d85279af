/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scheduler: how long tasks wait for a CPU, and how long they run, per workload.
 *
 * A wait begins when a task becomes runnable (wake-up, or taken off the CPU while it could still run) and ends when
 * it gets a CPU. It belongs to the workload of the task that waited, whatever ran meanwhile. The clock is
 * CLOCK_MONOTONIC on both ends. That is libbpf-tools runqlat's definition; /proc/P/schedstat's is rq_clock's, which
 * stands still while a CPU wakes from idle: the two agree where waits are long against a wake-up.
 *
 * Where the wait's start is kept: in task storage (5.11), one look-up without a hash; elsewhere in a hash by pid.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "histogram.h"
#include "loss.h"
#include "workloads.h"

enum wait_reason {
	WAIT_WAKEUP = 0,
	WAIT_PREEMPTED = 1,
	WAIT_REASONS = 2,
};

/* One workload on one CPU. u32 buckets are read as differences, so that they may wrap; seconds and bytes may not. */
struct sched_stats {
	u64 on_cpu_ns;
	u64 wait_ns[WAIT_REASONS];
	u32 waits[WAIT_REASONS][HISTOGRAM_SLOTS];
};

_Static_assert(sizeof(struct sched_stats) == 872, "the agent reads this layout");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs * max_slots, set before load */
	__type(key, u32);
	__type(value, struct sched_stats);
} sched_stats SEC(".maps");

/* What runs on a CPU since when. */
struct cpu_state {
	u64 since; /* 0: nothing seen yet */
	u32 slot; /* SLOT_NONE: idle */
	u32 pid; /* 0: idle */
	u64 padding_line[6]; /* a cache line of its own for each CPU */
};

_Static_assert(sizeof(struct cpu_state) == 64, "one cache line per CPU");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs, set before load */
	__type(key, u32);
	__type(value, struct cpu_state);
} cpu_states SEC(".maps");

/* What is remembered with a task. */
struct task_record {
	u64 queued_at; /* 0: not waiting */
	u64 waited; /* plain tracepoints: a wait that ended and is not yet charged */
	u64 cgroup_id; /* what slot was looked up for */
	u32 slot;
	u32 reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_record);
} task_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct task_record);
} task_records_by_pid SEC(".maps");

const volatile bool use_task_storage = true;

static __always_inline struct task_record *record_by_pid(u32 pid)
{
	static const struct task_record fresh = { .slot = SLOT_NONE };
	struct task_record *r = bpf_map_lookup_elem(&task_records_by_pid, &pid);

	if (r)
		return r;
	bpf_map_update_elem(&task_records_by_pid, &pid, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&task_records_by_pid, &pid);
}

/* The record of a task other than idle; NULL (and counted) only when memory is out. */
static __always_inline struct task_record *record_of(struct task_struct *task, u32 pid)
{
	struct task_record *r;

	if (use_task_storage)
		r = bpf_task_storage_get(&task_records, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	else
		r = record_by_pid(pid);
	if (!r)
		COUNT_LOSS(storage);
	return r;
}

static __always_inline void count_wait(u32 slot, u32 reason, u64 nanos)
{
	u32 row = row_of(slot);
	struct sched_stats *s = bpf_map_lookup_elem(&sched_stats, &row);

	if (!s)
		return;
	/* interrupts are off at every hook that gets here: no one else writes this CPU's row */
	if (reason == WAIT_WAKEUP) {
		s->wait_ns[WAIT_WAKEUP] += nanos;
		s->waits[WAIT_WAKEUP][histogram_slot(nanos)]++;
	} else {
		s->wait_ns[WAIT_PREEMPTED] += nanos;
		s->waits[WAIT_PREEMPTED][histogram_slot(nanos)]++;
	}
}

static __always_inline void count_on_cpu(u32 slot, u64 nanos)
{
	u32 row = row_of(slot);
	struct sched_stats *s = bpf_map_lookup_elem(&sched_stats, &row);

	if (s)
		s->on_cpu_ns += nanos;
}

/* The slot of a task's workload: remembered with the task for as long as it stays in its cgroup. */
static __always_inline u32 task_slot(struct task_struct *task, struct task_record *r,
				     const bool typed)
{
	u64 id = task_cgroup_id(task, typed);

	if (r->cgroup_id != id || r->slot == SLOT_NONE || r->cgroup_id == 0) {
		u32 flags = typed ? task->flags : BPF_CORE_READ(task, flags);

		r->slot = slot_of(workload_key(id, flags));
		r->cgroup_id = id;
	}
	return r->slot;
}

/*
 * A wake-up. A task that is on a CPU does not wait: it was woken between setting its state and giving up the CPU. One
 * that already waits goes on waiting: it was preempted between the two.
 */
static __always_inline void handle_wakeup(struct task_struct *task, const bool typed)
{
	struct task_record *r;

	if (typed ? task->on_cpu : BPF_CORE_READ_BITFIELD_PROBED(task, on_cpu))
		return; /* the second reads as many bytes as this kernel's field has, as the first does */
	r = record_of(task, typed ? task->pid : BPF_CORE_READ(task, pid));
	if (r && !r->queued_at) {
		r->queued_at = bpf_ktime_get_ns();
		r->reason = WAIT_WAKEUP;
	}
}

/* The state is read from the task: what the tracepoint says of a task with a pending signal is not what became true. */
static __always_inline bool is_runnable(struct task_struct *task, const bool typed)
{
	if (bpf_core_field_exists(task->__state))
		return (typed ? task->__state : BPF_CORE_READ(task, __state)) == TASK_RUNNING;
	return BPF_CORE_READ((struct task_struct___before_5_14 *)task, state) == TASK_RUNNING;
}

/* When a task that leaves its CPU got it, by the scheduler's own books: for what sched_switch did not tell. */
static __always_inline u64 got_cpu_at(struct task_struct *task, u64 now)
{
	return now - (BPF_CORE_READ(task, se.sum_exec_runtime) -
		      BPF_CORE_READ(task, se.prev_sum_exec_runtime));
}

/*
 * Another task leaves this CPU than the one that was seen to get it: the switch between the two was not traced. Seen on
 * guests whose init hides its own switches, about three a second. Without this, the wait of the task after it would
 * be lost and its CPU time charged to the hidden one. Cold, hence not inlined.
 */
static __noinline void make_up_for_missed_switch(struct cpu_state *c, struct task_struct *prev,
						 u32 prev_pid, u64 now)
{
	u64 start = got_cpu_at(prev, now);
	struct task_record *r;

	COUNT_LOSS(missed_switch);
	if (start > now) /* only tasks of the fair class keep such books */
		start = now;
	r = prev_pid ? record_of(prev, prev_pid) : NULL;
	if (r) {
		u32 slot = task_slot(prev, r, false);

		/* the scheduler's clock lags behind: a short wait may seem to end before it began */
		if (r->queued_at)
			count_wait(slot, r->reason,
				   start > r->queued_at ? start - r->queued_at : 1);
		r->queued_at = 0;
	}
	if (start < c->since) /* sched_flush already found the task that runs */
		return;
	if (c->slot != SLOT_NONE)
		count_on_cpu(c->slot, start - c->since);
	c->slot = r ? r->slot : SLOT_NONE;
	c->since = start;
}

static __always_inline void handle_switch(bool preempt, struct task_struct *prev,
					  struct task_struct *next, const bool typed)
{
	u64 now = bpf_ktime_get_ns();
	u32 cpu = bpf_get_smp_processor_id();
	u32 prev_pid = typed ? prev->pid : BPF_CORE_READ(prev, pid);
	u32 next_pid = typed ? next->pid : BPF_CORE_READ(next, pid);
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	struct task_record *r;
	u32 slot = SLOT_NONE;

	if (!c)
		return;
	if (c->pid != prev_pid && c->since)
		make_up_for_missed_switch(c, prev, prev_pid, now);
	if (c->since && c->slot != SLOT_NONE)
		count_on_cpu(c->slot, now - c->since);
	/* preempt alone is not enough: most involuntary switches have it false, with the task still runnable */
	if (prev_pid && (preempt || is_runnable(prev, typed))) {
		r = record_of(prev, prev_pid);
		if (r) {
			r->queued_at = now;
			r->reason = WAIT_PREEMPTED;
		}
	}
	if (next_pid) {
		r = record_of(next, next_pid);
		if (r) {
			slot = task_slot(next, r, typed);
			/* 0: it was waiting before the agent came, since when is not known */
			if (r->queued_at && now > r->queued_at)
				count_wait(slot, r->reason, now - r->queued_at);
			r->queued_at = 0;
		}
	}
	c->slot = slot;
	c->pid = next_pid;
	c->since = now;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup_btf, struct task_struct *task)
{
	handle_wakeup(task, true);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new_btf, struct task_struct *task)
{
	handle_wakeup(task, true);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch_btf, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	handle_switch(preempt, prev, next, true);
	return 0;
}

SEC("raw_tp/sched_wakeup")
int BPF_PROG(sched_wakeup_raw, struct task_struct *task)
{
	handle_wakeup(task, false);
	return 0;
}

SEC("raw_tp/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new_raw, struct task_struct *task)
{
	handle_wakeup(task, false);
	return 0;
}

SEC("raw_tp/sched_switch")
int BPF_PROG(sched_switch_raw, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	handle_switch(preempt, prev, next, false);
	return 0;
}

/* A hash by pid must forget the pids of tasks that ended; task storage goes with the task. */
SEC("raw_tp/sched_process_free")
int BPF_PROG(sched_free_raw, struct task_struct *task)
{
	u32 pid = BPF_CORE_READ(task, pid);

	bpf_map_delete_elem(&task_records_by_pid, &pid);
	return 0;
}

/*
 * Closes the open interval of this CPU, so that a task that never gives up the CPU is seen running at every snapshot.
 * The agent runs it on each busy CPU through BPF_PROG_TEST_RUN: the kernel calls it in an interrupt there, and
 * sched_switch runs with interrupts off, so that neither sees the other half done.
 */
SEC("raw_tp")
int sched_flush(void *ctx)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	u64 now = bpf_ktime_get_ns();

	if (!c || !c->since || now < c->since)
		return 0;
	if ((u32)bpf_get_current_pid_tgid()) {
		/* its workload now, not at switch-in: a runtime moves a container's first process while it runs */
		c->slot = slot_of(current_workload_key());
		count_on_cpu(c->slot, now - c->since);
	}
	c->since = now;
	return 0;
}

/*
 * Plain tracepoints know pids only, and the task that is switched to cannot be looked up by pid: its wait is kept in
 * the record and charged when the task leaves the CPU, since then it is the current task.
 *
 * Nor do they say whether the task that is woken is on a CPU already (it was woken between setting its state and giving
 * up the CPU, and does not wait). One with an uncharged wait is; what else slips in is taken back when the task blocks.
 */
static __always_inline void wake_pid(u32 pid)
{
	struct task_record *r = record_by_pid(pid);

	if (!r)
		COUNT_LOSS(storage);
	else if (!r->queued_at && !r->waited) {
		r->queued_at = bpf_ktime_get_ns();
		r->reason = WAIT_WAKEUP;
	}
}

SEC("tracepoint/sched/sched_wakeup")
int sched_wakeup_tp(struct trace_event_raw_sched_wakeup_template *ctx)
{
	wake_pid(BPF_CORE_READ(ctx, pid));
	return 0;
}

SEC("tracepoint/sched/sched_wakeup_new")
int sched_wakeup_new_tp(struct trace_event_raw_sched_wakeup_template *ctx)
{
	wake_pid(BPF_CORE_READ(ctx, pid));
	return 0;
}

/* The kernel's mark of a task that was preempted, whatever its state: TASK_REPORT_MAX. */
#define REPORTED_PREEMPTED 0x100

SEC("tracepoint/sched/sched_switch")
int sched_switch_tp(struct trace_event_raw_sched_switch *ctx)
{
	u64 now = bpf_ktime_get_ns();
	u32 cpu = bpf_get_smp_processor_id();
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	u32 prev_pid = BPF_CORE_READ(ctx, prev_pid);
	u32 next_pid = BPF_CORE_READ(ctx, next_pid);
	long prev_state = BPF_CORE_READ(ctx, prev_state);
	struct task_record *r;

	if (!c)
		return 0;
	if (prev_pid) {
		u32 slot = slot_of(current_workload_key());

		r = record_by_pid(prev_pid);
		if (c->since && c->pid != prev_pid) {
			u64 start = got_cpu_at((void *)bpf_get_current_task(), now);

			COUNT_LOSS(missed_switch);
			if (start > c->since && start <= now)
				c->since = start;
			if (r && r->queued_at)
				r->waited = start > r->queued_at ? start - r->queued_at : 1;
		}
		if (c->since)
			count_on_cpu(slot, now - c->since);
		if (r) {
			if (r->waited)
				count_wait(slot, r->reason, r->waited);
			r->waited = 0;
			if (prev_state == TASK_RUNNING || prev_state & REPORTED_PREEMPTED) {
				r->queued_at = now;
				r->reason = WAIT_PREEMPTED;
			} else {
				r->queued_at = 0;
			}
		}
	}
	if (next_pid) {
		r = record_by_pid(next_pid);
		if (!r) {
			COUNT_LOSS(storage);
		} else {
			if (r->queued_at && now > r->queued_at)
				r->waited = now - r->queued_at;
			r->queued_at = 0;
		}
	}
	c->slot = SLOT_NONE; /* sched_flush looks at the current task itself */
	c->pid = next_pid;
	c->since = now;
	return 0;
}

SEC("tracepoint/sched/sched_process_free")
int sched_free_tp(struct trace_event_raw_sched_process_template *ctx)
{
	u32 pid = BPF_CORE_READ(ctx, pid);

	bpf_map_delete_elem(&task_records_by_pid, &pid);
	return 0;
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
