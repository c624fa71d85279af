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
