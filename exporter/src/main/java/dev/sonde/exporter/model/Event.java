package dev.sonde.exporter.model;

import java.time.Duration;
import java.time.Instant;

/**
 * One thing that happened to a workload, whole, as the kernel reported it.
 *
 * <p>Every event has an owner, a start and a duration (zero for what has none), so that events of
 * different probes can be laid on one time line.
 */
public sealed interface Event {
  /**
   * 1, 2, 3 … in the order in which this agent read them; never used twice in one run of the agent.
   */
  long sequence();

  Instant start();

  Duration duration();

  Workload workload();

  /**
   * TCP resent data.
   *
   * @param type {@code timeout}, {@code fast}, {@code tail_loss_probe}, {@code syn} or {@code
   *     synack}
   * @param segments how many segments went out again
   * @param local numeric address and port, {@code 10.0.0.1:5201} or {@code [fd00::1]:5201}
   * @param remote likewise
   */
  record TcpRetransmit(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String type,
      int segments,
      String state,
      String local,
      String remote)
      implements Event {}

  /**
   * A task waited long for a CPU: {@code workload} is whose it is, {@code start} when the wait
   * began.
   *
   * @param reason {@code wakeup}, {@code preempted} or {@code throttled}
   * @param cpu where it ran at last
   * @param culprit who ran there longest in one piece meanwhile; the unit {@code idle} if nobody
   *     did, or if the task's own quota kept it waiting
   */
  record SchedWait(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String reason,
      int cpu,
      Workload culprit)
      implements Event {}

  /**
   * A connection was established.
   *
   * @param start when the SYN was sent, and {@code duration} how long the handshake took: on the
   *     connecting side; the accepting side knows only that it is done
   * @param role {@code client} or {@code server}
   */
  record TcpOpen(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String role,
      String local,
      String remote)
      implements Event {}

  /**
   * An established connection ended.
   *
   * @param start when it was established; the end, and {@code duration} zero, if that was not seen
   * @param reason {@code local}, {@code peer}, {@code reset} or {@code timeout}
   * @param state the TCP state that it ended from
   * @param sentBytes acknowledged by the other side
   * @param receivedBytes in order, whether the application read them or not
   */
  record TcpClose(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String reason,
      String state,
      long sentBytes,
      long receivedBytes,
      String local,
      String remote)
      implements Event {}

  /**
   * A connect did not get established; {@code start} and {@code duration} are of the attempt.
   *
   * @param reason {@code refused}, {@code timeout}, {@code unreachable}, {@code aborted} or {@code
   *     local}
   */
  record TcpConnectFailed(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String reason,
      String local,
      String remote)
      implements Event {}

  /**
   * A reset of a socket.
   *
   * @param direction {@code sent} or {@code received}
   * @param state the socket's TCP state
   */
  record TcpReset(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String direction,
      String state,
      String local,
      String remote)
      implements Event {}

  /**
   * A workload has begun, or ceased, to leak or churn TCP connections.
   *
   * @param start when it was found
   * @param duration how long it lasted; zero at its begin
   * @param finding {@code time_wait_leak}, {@code close_wait_leak}, {@code reconnect_churn} or
   *     {@code accept_queue_full}
   * @param holds whether it begins or is over
   * @param count what was compared with the threshold; at the end the most that it came to
   */
  record TcpFinding(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String finding,
      boolean holds,
      long count,
      long threshold)
      implements Event {}

  /**
   * A connection or its data waited long; {@code start} and {@code duration} are of the wait.
   *
   * @param what {@code accept}: a connection for accept(); {@code receive}: data for the
   *     application's read; {@code send_ack}: a send call for the ACK of its last byte
   * @param state the socket's TCP state when the wait ended
   */
  record TcpWait(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      String what,
      String state,
      String local,
      String remote)
      implements Event {}

  /**
   * A container has started to serve: it sent the first byte to a client. {@code start} is its
   * exec, {@code duration} the time from there to that byte.
   *
   * @param untilListen from the exec to its first listen
   * @param untilAccept from the exec to its first accepted connection
   */
  record ContainerStart(
      long sequence,
      Instant start,
      Duration duration,
      Workload workload,
      Duration untilListen,
      Duration untilAccept)
      implements Event {}

  /**
   * The kernel killed a process for want of memory, the node's or its cgroup's.
   *
   * @param pid the victim's, as the host numbers processes
   * @param command the victim's name, which it chose itself: cleaned, at most 15 bytes
   */
  record OomKill(
      long sequence, Instant start, Duration duration, Workload workload, int pid, String command)
      implements Event {}
}
