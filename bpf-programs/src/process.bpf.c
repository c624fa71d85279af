/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Processes that were started and that ended, per workload; a process is a thread group.
 *
 * A process is started when it is forked, in the workload of the cgroup that it was forked into. It ends when its last
 * thread does, in the workload that it is in then: a runtime moves a container's first process after the fork. How
 * it ended is what wait(2) tells the parent.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "loss.h"
#include "starts.h"
#include "workloads.h"

enum exit_result {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_SIGNAL = 2,
	EXIT_RESULTS = 3,
};

/* One workload on one CPU. */
struct process_stats {
	u64 started;
	u64 exited[EXIT_RESULTS];
};

_Static_assert(sizeof(struct process_stats) == 32, "the agent reads this layout");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs * max_slots, set before load */
	__type(key, u32);
	__type(value, struct process_stats);
} process_stats SEC(".maps");

static __always_inline struct process_stats *stats_of(u64 key)
{
	u32 row = row_of(slot_of(key));

	return bpf_map_lookup_elem(&process_stats, &row);
}

static __always_inline void count_start(u64 key)
{
	struct process_stats *s = stats_of(key);

	if (s)
		__sync_fetch_and_add(&s->started, 1);
}

static __always_inline void handle_fork(struct task_struct *child, const bool typed)
{
	int pid = GET(child, pid);
	int tgid = GET(child, tgid);

	if (pid == tgid)
		count_start(workload_key(task_cgroup_id(child, typed), GET(child, flags)));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork_btf, struct task_struct *parent, struct task_struct *child)
{
	handle_fork(child, true);
	return 0;
}

SEC("raw_tp/sched_process_fork")
int BPF_PROG(process_fork_raw, struct task_struct *parent, struct task_struct *child)
{
	handle_fork(child, false);
	return 0;
}

/* sched_process_fork's record does not tell threads from processes; here the child is known by its parent's cgroup. */
SEC("tracepoint/task/task_newtask")
int process_fork_tp(struct trace_event_raw_task_newtask *ctx)
{
	if (!(BPF_CORE_READ(ctx, clone_flags) & CLONE_THREAD))
		count_start(current_typed_workload_key());
	return 0;
}

/* A process whose end was counted: for kernels where two threads that exit at once both look like the last one. */
struct ended_process {
	u64 start_time;
	u32 tgid;
	u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ended_process);
	__type(value, u32);
} ended_processes SEC(".maps");

/*
 * Whether no thread of the process is left but this one, before 6.16. A thread gives up its place in `live` before it
 * gets here, so that the last two may both see 0: the first to say so is taken. Threads stay in nr_threads until they
 * are released, which is later: where that is 1 there is no other.
 */
static __always_inline bool is_last_thread(struct task_struct *task, const bool typed)
{
	struct signal_struct *signal = GET(task, signal);
	struct task_struct *leader = GET(task, group_leader);
	struct ended_process key = {};
	u32 value = 1;

	if (GET(signal, live.counter) != 0)
		return false;
	if (GET(signal, nr_threads) == 1)
		return true;
	key.tgid = GET(task, tgid);
	key.start_time = GET(leader, start_time);
	return bpf_map_update_elem(&ended_processes, &key, &value, BPF_NOEXIST) == 0;
}

/* What wait(2) will tell the parent: wait_task_zombie(). */
static __always_inline u32 exit_result(struct task_struct *task, const bool typed)
{
	struct signal_struct *signal = GET(task, signal);
	struct task_struct *leader = GET(task, group_leader);
	u32 code = GET(signal, flags) & SIGNAL_GROUP_EXIT ? GET(signal, group_exit_code)
							  : GET(leader, exit_code);

	if (code & 0x7f)
		return EXIT_SIGNAL;
	return code >> 8 & 0xff ? EXIT_ERROR : EXIT_OK;
}

/* The task that exits is the current one. */
static __always_inline void count_exit(struct task_struct *task, const bool typed)
{
	struct process_stats *s = stats_of(current_typed_workload_key());
	u32 result = exit_result(task, typed);

	if (s && result < EXIT_RESULTS)
		__sync_fetch_and_add(&s->exited[result], 1);
}

#define SAYS_GROUP_DEAD \
	bpf_core_field_exists(((struct trace_event_raw_sched_process_exit *)0)->group_dead)

SEC("tp_btf/sched_process_exit")
int process_exit_btf(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	if (SAYS_GROUP_DEAD ? (bool)ctx[1] : is_last_thread(task, true))
		count_exit(task, true);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int process_exit_raw(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	if (SAYS_GROUP_DEAD ? (bool)ctx[1] : is_last_thread(task, false))
		count_exit(task, false);
	return 0;
}

SEC("tracepoint/sched/sched_process_exit")
int process_exit_tp(struct trace_event_raw_sched_process_exit *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (SAYS_GROUP_DEAD ? BPF_CORE_READ(ctx, group_dead) : is_last_thread(task, false))
		count_exit(task, false);
	return 0;
}

/*
 * Starts of containers
 *
 * A container starts when its first process becomes its program: an exec by process 1 of a pid namespace, or by a process
 * that is alone in its cgroups. Programs that this process executes later (a script that ends in exec) are part of the
 * same start. What a runtime executes of itself on the way (runc's "/proc/self/exe", or a sealed copy of it by
 * descriptor) is not the container's.
 */
static __always_inline bool is_namespace_init(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	int number = 0;

	if (level == 0)
		return false;
	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid));
	return number == 1;
}

static __always_inline bool is_alone(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, nr_tasks) == 1;
}

static __always_inline bool is_by_descriptor(struct linux_binprm *program)
{
	char name[8] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(program, filename));
	return (name[0] == '/' && name[1] == 'p' && name[2] == 'r' && name[3] == 'o' &&
		name[4] == 'c' && name[5] == '/') ||
	       (name[0] == '/' && name[1] == 'd' && name[2] == 'e' && name[3] == 'v' &&
		name[4] == '/' && name[5] == 'f' && name[6] == 'd');
}

static __always_inline int handle_exec(struct task_struct *task, struct linux_binprm *program)
{
	u64 key = current_typed_workload_key();
	u32 slot = slot_of(key);
	u64 started = BPF_CORE_READ(task, group_leader, start_time);
	struct container_start *s = bpf_map_lookup_elem(&container_starts, &slot);
	bool known;

	if (!s || slot == SLOT_OTHER)
		return 0;
	known = s->exec_ns && s->cgroup_id == key;
	if (known && s->init_started == started)
		return 0;
	if (!is_alone(task) && (known || !is_namespace_init(task)))
		return 0;
	if (is_by_descriptor(program))
		return 0;
	s->exec_ns = 0;
	s->cgroup_id = key;
	s->init_started = started;
	s->listen_ns = 0;
	s->accept_ns = 0;
	s->first_byte_ns = 0;
	s->exec_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(start_exec_btf, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	return handle_exec(task, program);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(start_exec_raw, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	return handle_exec(task, program);
}

/* Where the kernel gives accept() away only through functions; elsewhere the first use of the socket stands for it. */
static __always_inline int handle_accept(u64 accepted)
{
	u64 key = current_typed_workload_key();

	if (accepted)
		note_accept(slot_of(key), key);
	return 0;
}

SEC("fexit/inet_csk_accept")
int start_accept_exit(u64 *ctx)
{
	u64 accepted;

	/* after two arguments, or after four; the barriers keep the compiler from loading at a computed place */
	if (bpf_core_type_exists(struct proto_accept_arg)) {
		accepted = ctx[2];
		barrier_var(accepted);
	} else {
		accepted = ctx[4];
		barrier_var(accepted);
	}
	return handle_accept(accepted);
}

SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(start_accept_return, void *accepted)
{
	return handle_accept((u64)accepted);
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
