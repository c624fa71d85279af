package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.guest.Variant;
import dev.sonde.agent.truth.Worker.Books;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The agent on this kernel: bytes, retransmits under netem's loss and their events, waits for the
 * CPU, each against the kernel's own books, by the mechanisms that it takes by itself, through the
 * perf buffer, and by those that older or more closed kernels are left with.
 */
@Guest(variants = {Variant.PLAIN, Variant.CGROUP_V1, Variant.INTEGRITY})
class AgentGuest {
  private static final long BYTES = 2_000_000;
  private static final String PORT = "7000";

  private static final String BEST = "buffer=ring";
  private static final String LAST =
      "buffer=perf,sched=tracepoint,tcp_owner=raw_tp,tcp_receive=tracepoint,tcp_retransmit=tracepoint";

  @ParameterizedTest
  @ValueSource(strings = {BEST, LAST})
  void agreesWithTheKernel(String mechanisms) {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        AgentProcess agent =
            AgentProcess.start("--grpc-listen", "off", "--mechanism", mechanisms)) {
      Command.run(
          "tc", "-n", net.a(), "qdisc", "add", "dev", "eth0", "root", "netem", "loss", "5%");
      Command.run("ip", "-n", net.a(), "link", "set", "eth0", "gso_max_segs", "2");
      // while it attached, one program saw what another did not yet, and nobody read a perf buffer
      Scrape attached = agent.fresh();
      TcpMoved moved = TcpMoved.during(agent, () -> transfer(net, serverPod, clientPod));
      long resent = Netns.retransmitted(net.a());
      Scrape after = moved.after();
      TcpMoved.proof(
          "%s %s: sent %,d and received %,d of %,d; resent %d of %d; events written %.0f, read"
              + " %.0f",
          Expected.GUEST,
          mechanisms,
          moved.sent(clientPod),
          moved.received(serverPod),
          BYTES,
          moved.retransmits(clientPod),
          resent,
          after.sum("sonde_events_written_total"),
          after.sum("sonde_events_read_total"));
      assertHeld(after, mechanisms, agent);
      assertThat(moved.sent(clientPod)).isEqualTo(BYTES);
      assertThat(moved.received(serverPod)).isEqualTo(BYTES);
      assertThat(resent).as("segments that loss made TCP send again").isGreaterThan(30);
      assertThat(moved.retransmits(clientPod)).isEqualTo(resent);
      assertThat(moved.of(TcpMoved.SENT, "unit", "~unknown")).isZero();
      // they go on: an emulated CPU keeps somebody waiting for long all the time
      double written = after.sum("sonde_events_written_total");
      assertThat(written).isPositive();
      assertThat(after.sum("sonde_events_read_total")).isLessThanOrEqualTo(written);
      Scrape later = agent.fresh();
      assertThat(later.sum("sonde_events_read_total"))
          .isBetween(written, later.sum("sonde_events_written_total"));
      waitsForTheCpu(agent, attached, mechanisms.contains("sched=tracepoint"));
      assertThat(agent.terminate()).as(agent.log()).isIn(0, 143);
    }
  }

  /** Of busybox, since a JVM takes longer to start than the bytes to arrive. */
  private static void transfer(LossyPair net, PodCgroup serverPod, PodCgroup clientPod) {
    try {
      Process server =
          serverPod.start(
              "ip", "netns", "exec", net.b(), "busybox", "nc", "-l", "-p", PORT, "-w", "600");
      await("the server to listen")
          .atMost(Patience.seconds(5))
          .until(() -> Command.run("ip", "netns", "exec", net.b(), "ss", "-Hltn").contains(PORT));
      Process client =
          clientPod.start(
              "ip",
              "netns",
              "exec",
              net.a(),
              "sh",
              "-c",
              "dd if=/dev/zero bs=5000 count=%d 2>/dev/null | busybox nc %s %s"
                  .formatted(BYTES / 5000, net.addressB(), PORT));
      assertThat(client.waitFor(Patience.seconds(30))).as("sent").isTrue();
      assertThat(server.waitFor(Patience.seconds(30))).as("received").isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static void assertHeld(Scrape scrape, String mechanisms, AgentProcess agent) {
    for (String choice : mechanisms.split(",")) {
      String[] forced = choice.split("=");
      if (!forced[0].equals("buffer")) {
        assertThat(scrape.sum("sonde_probe_up", "probe", forced[0], "mechanism", forced[1]))
            .as(choice + "\n" + agent.log())
            .isEqualTo(1);
      }
    }
  }

  private static void waitsForTheCpu(AgentProcess agent, Scrape attached, boolean plain) {
    try (PodCgroup pod = PodCgroup.create()) {
      List<Worker> hogs = List.of(Worker.modestHog(pod), Worker.modestHog(pod));
      Books before = books(hogs);
      SchedSums first = SchedSums.of(agent.fresh(), pod);
      hogs.forEach(Worker::go);
      await("half a second of CPU")
          .atMost(Patience.seconds(20))
          .until(() -> books(hogs).minus(before).onCpu() > 0.5);
      hogs.forEach(Worker::halt);
      Books kernel = books(hogs).minus(before);
      Scrape end = agent.fresh();
      SchedSums sonde = SchedSums.of(end, pod).minus(first);
      TcpMoved.proof(
          "%s sched: waited %.6f s, schedstat %.6f; on CPU %.6f s, schedstat %.6f; waits %.0f,"
              + " schedstat %d",
          Expected.GUEST,
          sonde.waited(),
          kernel.waited(),
          sonde.onCpu(),
          kernel.onCpu(),
          sonde.waits(),
          kernel.slices());
      // a plain tracepoint does not tell whether a task that is woken is on its CPU already
      assertThat(sonde.waits()).as("waits").isCloseTo(kernel.slices(), within(plain ? 2.0 : 0.0));
      assertThat(sonde.waited()).as("waited").isCloseTo(kernel.waited(), withinPercentage(1));
      assertThat(sonde.onCpu()).as("on CPU").isCloseTo(kernel.onCpu(), withinPercentage(1));
      // not recursion: which nested runs the kernel skips is up to the packets; what was lost by it
      // would show in the bytes and retransmits above
      for (String where : List.of("reserve", "storage", "map_full", "missed_switch")) {
        assertThat(end.sum("sonde_events_lost_total", "where", where))
            .as(where)
            .isEqualTo(attached.sum("sonde_events_lost_total", "where", where));
      }
    }
  }

  private static Books books(List<Worker> workers) {
    return workers.stream().map(Worker::books).reduce(Books.NONE, Books::plus);
  }
}
