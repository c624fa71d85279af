package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.guest.Variant;
import dev.sonde.agent.probe.Attempt;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.ProbesInProcess;
import dev.sonde.agent.truth.Worker.Books;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every mechanism of every probe, attached alone (or with those it cannot count without), counts
 * what is known to happen; where the table {@code vmtest/mechanisms.tsv} says that this kernel
 * refuses it, the refusal has a reason.
 *
 * <p>A mechanism that the table does not know must attach. What the verifier went through for each
 * program is compared with {@code vmtest/verified-instructions.tsv}.
 */
@Guest(
    tier = 1,
    kernels = {"5.10", "6.1", "6.12", "6.18", "7.2", "6.12-arm64"},
    variants = {Variant.PLAIN, Variant.CGROUP_V1, Variant.INTEGRITY, Variant.CONFIDENTIALITY})
class RungsGuest {
  private static final Expected MECHANISMS = Expected.of("mechanisms.tsv");
  private static final Expected INSTRUCTIONS = Expected.of("verified-instructions.tsv");

  /** A program that costs the verifier this much more than it did is a change to look at. */
  private static final double JUMP = 1.1;

  /** What a probe goes on with that cannot count by itself. */
  private static final Map<String, Set<String>> COMPANY =
      Map.of(
          "tcp_rtt", Set.of("tcp_owner"),
          "tcp_listen", Set.of("tcp_owner"),
          "tcp_send_ack", Set.of("tcp_owner", "tcp_send", "tcp_rtt"),
          "tcp_receive_wait", Set.of("tcp_owner", "tcp_receive"),
          "container_start", Set.of("tcp_owner", "tcp_send", "tcp_receive"));

  private static final long BYTES = 1_234_567;
  private static final Map<String, Integer> VERIFIED = new TreeMap<>();

  @TestFactory
  Stream<DynamicTest> alone() {
    List<DynamicTest> all = new ArrayList<>();
    ProbesInProcess.ladders()
        .forEach(
            (probe, mechanisms) ->
                mechanisms.forEach(
                    m -> all.add(dynamicTest(probe + " " + m, () -> alone(probe, m)))));
    return all.stream();
  }

  private static void alone(String probe, String mechanism)
      throws IOException, InterruptedException {
    String name = probe + "=" + mechanism;
    String expected = MECHANISMS.get(name);
    Set<String> names = new TreeSet<>(COMPANY.getOrDefault(probe, Set.of()));
    names.add(probe);
    try (ProbesInProcess probes = ProbesInProcess.attach(Map.of(probe, mechanism), names)) {
      boolean up = probes.report(probe).up();
      MECHANISMS.found(name, up ? "yes" : "no");
      if (!up) {
        String why = why(probes, probe, mechanism);
        System.out.println(name + ": " + why);
        assertThat(why).as("a refusal says why").isNotBlank();
        if (!"no".equals(expected)) {
          fail("this kernel refuses " + name + ": " + why);
        }
        return;
      }
      assertThat(expected).as("the table says that this kernel refuses it").isNotEqualTo("no");
      verified(probes);
      if (Boolean.getBoolean("sonde.attach.only")) {
        return; // enough for the tables
      }
      // a task that slept and woke while its programs attached one by one is told of as missed
      Scrape attached = new Scrape(probes.read());
      switch (probe) {
        case "sched" -> countsWaits(probes, mechanism);
        case "tcp_owner" -> takesASlot(probes);
        case "tcp_send" -> countsBytes(probes, TcpMoved.SENT);
        case "tcp_receive" -> countsBytes(probes, TcpMoved.RECEIVED);
        case "tcp_retransmit" -> countsRetransmits(probes, name);
        case "tcp_reset" -> Stimuli.resets(probes);
        case "tcp_rtt" -> Stimuli.roundTrips(probes);
        case "tcp_send_ack" -> Stimuli.sendToAck(probes);
        case "tcp_receive_wait" -> Stimuli.receiveWaits(probes);
        case "tcp_accept" -> Stimuli.accepts(probes);
        case "tcp_listen" -> Stimuli.listens(probes);
        case "cgroup" -> Stimuli.cgroups(probes);
        case "process" -> Stimuli.processes(probes);
        case "memory_reclaim" -> Stimuli.reclaim(probes);
        case "oom" -> Stimuli.oomKills(probes);
        case "container_start" -> Stimuli.start(probes, mechanism);
        default -> fail(name + " needs a stimulus here");
      }
      Scrape end = new Scrape(probes.read());
      // not recursion: which nested runs the kernel skips is up to the packets
      for (String where : List.of("storage", "map_full", "missed_switch")) {
        assertThat(end.sum("sonde_events_lost_total", "where", where))
            .as(where)
            .isEqualTo(attached.sum("sonde_events_lost_total", "where", where));
      }
    }
  }

  /** The most of a program: with records in storage and in hashes it is not the same. */
  private static void verified(ProbesInProcess probes) {
    probes.verifiedInstructions().forEach((program, n) -> VERIFIED.merge(program, n, Math::max));
  }

  private static String why(ProbesInProcess probes, String probe, String mechanism) {
    for (Attempt a : probes.report(probe).attempts()) {
      if (a.mechanism().equals(mechanism)) {
        return switch (a.outcome()) {
          case Outcome.Attached() -> "";
          case Outcome.Failed(String reason, String remedy) -> reason;
          case Outcome.Skipped(String reason) -> reason;
        };
      }
    }
    return "";
  }

  /** A plain tracepoint does not tell whether a task that is woken is on its CPU already. */
  private static final double PLAIN = 2;

  /** Nearly always none: once one wait of 876 was seen that schedstat did not count. */
  private static final double ODD = 1;

  private static void countsWaits(ProbesInProcess probes, String mechanism) {
    try (PodCgroup pod = PodCgroup.create()) {
      List<Worker> hogs = List.of(Worker.modestHog(pod), Worker.modestHog(pod));
      Books before = books(hogs);
      SchedSums first = SchedSums.of(new Scrape(probes.read()), pod);
      hogs.forEach(Worker::go);
      await("half a second of CPU")
          .atMost(Patience.seconds(20))
          .until(() -> books(hogs).minus(before).onCpu() > 0.5);
      hogs.forEach(Worker::halt);
      Books kernel = books(hogs).minus(before);
      SchedSums sonde = SchedSums.of(new Scrape(probes.read()), pod).minus(first);
      TcpMoved.proof(
          "%s sched=%s: waited %.6f s, schedstat %.6f; on CPU %.6f s, schedstat %.6f; waits %.0f,"
              + " schedstat %d; preempted %.0f, involuntary %d",
          Expected.GUEST,
          mechanism,
          sonde.waited(),
          kernel.waited(),
          sonde.onCpu(),
          kernel.onCpu(),
          sonde.waits(),
          kernel.slices(),
          sonde.preemptions(),
          kernel.involuntary());
      assertThat(sonde.waits())
          .as("waits")
          .isCloseTo(kernel.slices(), within(mechanism.equals("tracepoint") ? PLAIN : ODD));
      // the scheduler reads its clock before the hook does, and an emulated switch takes 30 us
      assertThat(sonde.waited()).as("waited").isCloseTo(kernel.waited(), withinPercentage(1));
      assertThat(sonde.onCpu()).as("on CPU").isCloseTo(kernel.onCpu(), withinPercentage(1));
      // each was stopped and made to go on once: a wake-up that is none of the involuntary switches
      assertThat(sonde.preemptions()).as("preempted").isEqualTo(kernel.involuntary());
    }
  }

  private static Books books(List<Worker> workers) {
    return workers.stream().map(Worker::books).reduce(Books.NONE, Books::plus);
  }

  private static void takesASlot(ProbesInProcess probes) throws IOException {
    double before = new Scrape(probes.read()).sum("sonde_map_entries", "map", "cgroup_slots");
    try (Loopback pair = Loopback.connect()) {
      pair.move(1);
      assertThat(new Scrape(probes.read()).sum("sonde_map_entries", "map", "cgroup_slots"))
          .as("workloads")
          .isGreaterThan(before);
    }
    // opened in the name of whose listener it is, before anybody could have accepted
    Scrape opened = new Scrape(probes.read());
    for (String role : List.of("client", "server")) {
      assertThat(opened.sum("sonde_tcp_opens_total", "role", role)).as(role).isEqualTo(1);
    }
    assertThat(opened.sum("sonde_tcp_opens_total", "unit", "~unknown")).as("nobody's").isZero();
  }

  private static void countsBytes(ProbesInProcess probes, String metric) throws IOException {
    try (Loopback pair = Loopback.connect()) {
      // without tcp_owner a socket is met at its first read, which is not counted
      pair.move(1);
      double before = new Scrape(probes.read()).sum(metric);
      pair.move(BYTES);
      assertThat(new Scrape(probes.read()).sum(metric) - before).as(metric).isEqualTo(BYTES);
    }
  }

  private static void countsRetransmits(ProbesInProcess probes, String name) throws IOException {
    try (Loopback pair = Loopback.connect()) {
      long kernelBefore = Loopback.retransmitted();
      Scrape before = new Scrape(probes.read());
      Loopback.lossy(
          5,
          () -> {
            try {
              pair.move(BYTES);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      // the last acknowledgement may have been lost, too: until nothing is sent again any more
      await("nothing in flight")
          .atMost(Patience.seconds(10))
          .until(
              () ->
                  Command.run("ss", "-Htn", "state", "established")
                      .lines()
                      .allMatch(l -> l.trim().split("\\s+")[1].equals("0")));
      long kernel = Loopback.retransmitted() - kernelBefore;
      Scrape after = new Scrape(probes.read());
      double sonde = after.sum(TcpMoved.RETRANSMITS) - before.sum(TcpMoved.RETRANSMITS);
      TcpMoved.proof("%s %s: %.0f of %d", Expected.GUEST, name, sonde, kernel);
      assertThat(kernel).as("segments sent again").isGreaterThan(10);
      assertThat(sonde).isEqualTo(kernel);
    }
  }

  /** Which mechanism each probe takes by itself, all of them together. */
  @TestFactory
  Stream<DynamicTest> chosen() {
    Set<String> names = ProbesInProcess.ladders().keySet();
    try (ProbesInProcess probes = ProbesInProcess.attach(Map.of(), names)) {
      verified(probes);
      return probes.reports().stream()
          .map(
              report ->
                  dynamicTest(
                      report.probe(),
                      () -> {
                        String name = report.probe();
                        MECHANISMS.found(name, report.mechanism());
                        // for the table of docs/kernels.md
                        report.metrics().stream()
                            .filter(metric -> metric.startsWith("sonde_"))
                            .forEach(m -> MECHANISMS.found("metric " + m, report.mechanism()));
                        String expected = MECHANISMS.get(name);
                        if (expected == null) {
                          assertThat(report.up()).as(report.toString()).isTrue();
                        } else {
                          assertThat(report.mechanism())
                              .as("%s; tools/matrix --update", report)
                              .isEqualTo(expected);
                        }
                      }))
          .toList()
          .stream();
    }
  }

  /** After all have been loaded. */
  @AfterAll
  static void verifierWork() {
    List<String> jumps = new ArrayList<>();
    VERIFIED.forEach(
        (program, count) -> {
          if (count == 0) {
            return; // the kernel does not tell before 5.16
          }
          INSTRUCTIONS.found(program, Integer.toString(count));
          String was = INSTRUCTIONS.get(program);
          if (was == null) {
            System.out.println("new: " + program + " takes the verifier " + count);
          } else if (count > Integer.parseInt(was) * JUMP) {
            jumps.add(program + ": " + was + " -> " + count);
          }
        });
    assertThat(jumps)
        .as("instructions that the verifier went through; if meant: tools/matrix --update")
        .isEmpty();
  }
}
