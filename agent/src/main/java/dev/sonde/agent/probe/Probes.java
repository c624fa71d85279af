package dev.sonde.agent.probe;

import static dev.sonde.agent.probe.Rung.Records.ANY;
import static dev.sonde.agent.probe.Rung.Records.HASH;
import static dev.sonde.agent.probe.Rung.Records.STORAGE;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Every probe with its ladder. A new mechanism is a new row here and a program in the object;
 * nothing else knows the programs' names.
 */
final class Probes {
  /**
   * sched_switch is attached first: a wake-up that is seen while the switch that ends its wait is
   * not would be kept until the task runs again, hours later perhaps, and count as one long wait.
   */
  static final ProbeSpec SCHED =
      new ProbeSpec(
          "sched",
          "sched",
          List.of(
              "sonde_sched_run_queue_seconds",
              "sonde_sched_on_cpu_seconds_total",
              "sonde_sched_off_cpu_seconds",
              "sonde_sched_switches_total",
              "sonde_sched_migrations_total",
              "sonde_sched_deadline_misses_total",
              "sonde_sched_preempted_seconds_total"),
          List.of(
              Rung.of(
                  "tp_btf",
                  STORAGE,
                  "sched_switch_btf",
                  "sched_wakeup_btf",
                  "sched_wakeup_new_btf",
                  "sched_migrate_btf",
                  "sched_free_btf",
                  "sched_flush"),
              Rung.of(
                  "tp_btf_hash",
                  HASH,
                  "sched_switch_btf",
                  "sched_wakeup_btf",
                  "sched_wakeup_new_btf",
                  "sched_migrate_btf",
                  "sched_free_raw",
                  "sched_flush"),
              Rung.of(
                  "raw_tp",
                  HASH,
                  "sched_switch_raw",
                  "sched_wakeup_raw",
                  "sched_wakeup_new_raw",
                  "sched_migrate_raw",
                  "sched_free_raw",
                  "sched_flush"),
              Rung.of(
                  "tracepoint",
                  HASH,
                  "sched_switch_tp",
                  "sched_wakeup_tp",
                  "sched_wakeup_new_tp",
                  "sched_migrate_tp",
                  "sched_free_tp",
                  "sched_flush")));

  /** Decides for all TCP probes where the owner of a socket is kept. */
  static final ProbeSpec TCP_OWNER =
      new ProbeSpec(
          "tcp_owner",
          "tcp",
          List.of(
              "the workload of every sonde_tcp_* series",
              "sonde_tcp_opens_total",
              "sonde_tcp_closes_total",
              "sonde_tcp_connect_seconds",
              "sonde_tcp_connect_failures_total",
              "sonde_tcp_connections"),
          List.of(
              Rung.of("tp_btf", STORAGE, "tcp_set_state_btf", "tcp_set_state_2_btf")
                  .withOptional("tcp_old_sockets", "tcp_census_pass"),
              Rung.of(
                      "tp_btf_hash",
                      HASH,
                      "tcp_set_state_btf",
                      "tcp_set_state_2_btf",
                      "tcp_destroy_raw",
                      "tcp_destroy_2_raw")
                  .withOptional("tcp_old_sockets"),
              Rung.of(
                      "raw_tp",
                      HASH,
                      "tcp_set_state_raw",
                      "tcp_set_state_2_raw",
                      "tcp_destroy_raw",
                      "tcp_destroy_2_raw")
                  .withOptional("tcp_old_sockets")));

  static final ProbeSpec TCP_SEND =
      new ProbeSpec(
          "tcp_send",
          "tcp",
          List.of("sonde_tcp_sent_bytes_total"),
          List.of(
              Rung.of("fexit", ANY, "tcp_sendmsg_exit").withOptional("tcp_sendpage_exit"),
              Rung.of("tp_btf", ANY, "sock_send_length_btf"),
              Rung.of("raw_tp", HASH, "sock_send_length_raw"),
              // last: it charges the process that calls, not the socket's owner
              Rung.of("kretprobe", ANY, "tcp_sendmsg_return")));

  static final ProbeSpec TCP_RECEIVE =
      new ProbeSpec(
          "tcp_receive",
          "tcp",
          List.of("sonde_tcp_received_bytes_total"),
          List.of(
              Rung.of("tp_btf", ANY, "tcp_rcv_space_adjust_btf"),
              Rung.of("raw_tp", HASH, "tcp_rcv_space_adjust_raw"),
              Rung.of("tracepoint", HASH, "tcp_rcv_space_adjust_tp")));

  static final ProbeSpec TCP_RETRANSMIT =
      new ProbeSpec(
          "tcp_retransmit",
          "tcp",
          List.of("sonde_tcp_retransmits_total"),
          List.of(
              Rung.of("tp_btf", ANY, "tcp_retransmit_skb_btf", "tcp_retransmit_synack_btf"),
              Rung.of("raw_tp", HASH, "tcp_retransmit_skb_raw", "tcp_retransmit_synack_raw"),
              Rung.of("tracepoint", HASH, "tcp_retransmit_skb_tp", "tcp_retransmit_synack_tp")));

  /** Without it a sweep finds cgroups, every few seconds, and misses those that live shorter. */
  static final ProbeSpec CGROUP =
      new ProbeSpec(
          "cgroup",
          "cgroup",
          List.of("the names of containers that live for less than a snapshot"),
          List.of(
              Rung.of("tp_btf", ANY, "cgroup_mkdir_btf", "cgroup_rmdir_btf"),
              Rung.of("raw_tp", ANY, "cgroup_mkdir_raw", "cgroup_rmdir_raw"),
              Rung.of("tracepoint", ANY, "cgroup_mkdir_tp", "cgroup_rmdir_tp")));

  static final ProbeSpec TCP_RESET =
      new ProbeSpec(
          "tcp_reset",
          "tcp",
          List.of("sonde_tcp_resets_total"),
          List.of(
              Rung.of("tp_btf", ANY, "tcp_receive_reset_btf", "tcp_send_reset_btf"),
              Rung.of("raw_tp", HASH, "tcp_receive_reset_raw", "tcp_send_reset_raw")));

  static final ProbeSpec PROCESS =
      new ProbeSpec(
          "process",
          "process",
          List.of("sonde_processes_started_total", "sonde_processes_exited_total"),
          List.of(
              Rung.of("tp_btf", ANY, "process_fork_btf", "process_exit_btf"),
              Rung.of("raw_tp", ANY, "process_fork_raw", "process_exit_raw"),
              Rung.of("tracepoint", ANY, "process_fork_tp", "process_exit_tp")));

  /**
   * The ends first: a begin without its end would be taken for one that lasts. Kernels without
   * memory cgroups lack the optional ones.
   */
  static final ProbeSpec MEMORY_RECLAIM =
      new ProbeSpec(
          "memory_reclaim",
          "memory",
          List.of("sonde_memory_reclaim_seconds_total"),
          List.of(
              Rung.of("tp_btf", ANY, "reclaim_end_btf", "reclaim_begin_btf")
                  .withOptional("memcg_reclaim_end_btf", "memcg_reclaim_begin_btf"),
              Rung.of("raw_tp", ANY, "reclaim_end_raw", "reclaim_begin_raw")
                  .withOptional("memcg_reclaim_end_raw", "memcg_reclaim_begin_raw"),
              Rung.of("tracepoint", ANY, "reclaim_end_tp", "reclaim_begin_tp")
                  .withOptional("memcg_reclaim_end_tp", "memcg_reclaim_begin_tp")));

  /** No plain tracepoints: they say a victim's pid, and not whose it is. */
  static final ProbeSpec OOM =
      new ProbeSpec(
          "oom",
          "memory",
          List.of("sonde_oom_kills_total"),
          List.of(
              Rung.of("tp_btf", ANY, "oom_victim_btf", "oom_signal_btf"),
              Rung.of("raw_tp", ANY, "oom_victim_raw", "oom_signal_raw")));

  /**
   * Begins what the TCP probes go on with. Where accept() cannot be seen, the first use of the
   * accepted socket stands for it.
   */
  static final ProbeSpec CONTAINER_START =
      new ProbeSpec(
          "container_start",
          "process",
          List.of("sonde_container_start_seconds"),
          List.of(
              Rung.of("fexit", ANY, "start_exec_btf", "start_accept_exit"),
              Rung.of("kretprobe", ANY, "start_exec_btf", "start_accept_return"),
              Rung.of("tp_btf", ANY, "start_exec_btf"),
              Rung.of("raw_tp", ANY, "start_exec_raw")));

  static final ProbeSpec TCP_RTT =
      new ProbeSpec(
          "tcp_rtt",
          "tcp",
          List.of(
              "sonde_tcp_rtt_seconds",
              "sonde_tcp_limited_seconds_total",
              "sonde_tcp_zero_windows_total"),
          List.of(
              Rung.of("tp_btf", ANY, "tcp_probe_btf"), Rung.of("raw_tp", HASH, "tcp_probe_raw")));

  static final ProbeSpec TCP_SEND_ACK =
      new ProbeSpec(
              "tcp_send_ack",
              "tcp",
              List.of("sonde_tcp_send_ack_seconds"),
              List.of(
                  Rung.of("fentry", ANY, "tcp_sendmsg_entry"),
                  Rung.of("tp_btf", ANY, "tcp_sendmsg_locked_btf"),
                  Rung.of("raw_tp", HASH, "tcp_sendmsg_locked_raw")))
          .needing(TCP_SEND, TCP_RTT);

  static final ProbeSpec TCP_RECEIVE_WAIT =
      new ProbeSpec(
              "tcp_receive_wait",
              "tcp",
              List.of("sonde_tcp_receive_wait_seconds"),
              List.of(
                  Rung.of("tp_btf", ANY, "sk_data_ready_btf"),
                  Rung.of("raw_tp", HASH, "sk_data_ready_raw"),
                  // before 6.3: the segment's arrival stands for what the kernel does with it
                  Rung.of("tcp_probe", ANY, "tcp_data_arrived_btf"),
                  Rung.of("tcp_probe_raw", HASH, "tcp_data_arrived_raw")))
          .needing(TCP_RECEIVE);

  /** What the kernel keeps in its listeners, read from there at each snapshot. */
  static final ProbeSpec TCP_LISTEN =
      new ProbeSpec(
              "tcp_listen",
              "tcp",
              List.of("syn_recv of sonde_tcp_connections", "sonde_tcp_listen_drops_total by owner"),
              List.of(Rung.of("iter", STORAGE, "tcp_listeners")))
          .needing(TCP_OWNER);

  static final ProbeSpec TCP_ACCEPT =
      new ProbeSpec(
          "tcp_accept",
          "tcp",
          List.of("sonde_tcp_accept_wait_seconds"),
          List.of(
              Rung.of("fexit", ANY, "tcp_accept_exit"),
              Rung.of("kretprobe", ANY, "tcp_accept_return"),
              Rung.of("syscalls", ANY, "tcp_accept4_tp", "tcp_accept_tp")
                  .onRequest("it slows down every system call of the node")));

  /** TCP_OWNER first: the others go where it keeps its records. */
  static final List<ProbeSpec> TCP =
      List.of(
          TCP_OWNER,
          TCP_SEND,
          TCP_RECEIVE,
          TCP_RETRANSMIT,
          TCP_RESET,
          TCP_RTT,
          TCP_SEND_ACK,
          TCP_RECEIVE_WAIT,
          TCP_LISTEN,
          TCP_ACCEPT);

  /** Those of them whose first rung needs typed tracepoints that every kernel has. */
  static final List<ProbeSpec> TCP_TYPED =
      List.of(TCP_OWNER, TCP_RECEIVE, TCP_RETRANSMIT, TCP_RESET, TCP_RTT);

  /** Probes of one object, as those of TCP are. */
  static final List<ProbeSpec> PROCESSES = List.of(PROCESS, CONTAINER_START);

  static final List<ProbeSpec> MEMORY = List.of(MEMORY_RECLAIM, OOM);

  /** Hooks of best rungs that some kernels lack, as the kernel's types name them. */
  static final Set<String> DOUBTFUL_HOOKS =
      Set.of(
          "btf_trace_sock_send_length", // 6.3
          "btf_trace_sk_data_ready", // 6.3
          "btf_trace_tcp_sendmsg_locked", // 6.16
          "tcp_sendpage"); // before 6.5

  /** What a probe needs stands before it. */
  static final List<ProbeSpec> ALL =
      List.of(
          CGROUP,
          SCHED,
          TCP_OWNER,
          TCP_SEND,
          TCP_RECEIVE,
          TCP_RETRANSMIT,
          TCP_RESET,
          TCP_RTT,
          TCP_SEND_ACK,
          TCP_RECEIVE_WAIT,
          TCP_LISTEN,
          TCP_ACCEPT,
          PROCESS,
          CONTAINER_START,
          MEMORY_RECLAIM,
          OOM);

  /** Programs that make up for each other's skipped runs: tcp_changes.h says how. */
  static final Set<String> MADE_UP_FOR =
      Set.of(
          "tcp_set_state_btf", "tcp_set_state_2_btf", "tcp_set_state_raw", "tcp_set_state_2_raw");

  private Probes() {}

  /**
   * Probe to its mechanisms, for checking {@code --mechanism}; {@code buffer} is the event buffer's
   * choice.
   */
  static Map<String, List<String>> mechanisms() {
    Map<String, List<String>> all = new LinkedHashMap<>();
    for (ProbeSpec spec : ALL) {
      List<String> names = new ArrayList<>();
      spec.ladder().forEach(rung -> names.add(rung.mechanism()));
      all.put(spec.name(), names);
    }
    all.put("buffer", List.of("ring", "perf"));
    return all;
  }
}
