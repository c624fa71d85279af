package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.ContainerIdentity;
import dev.sonde.agent.workload.Identities;
import dev.sonde.agent.workload.Owner;
import dev.sonde.agent.workload.PodIdentity;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.layout.ContainerStartEvent;
import dev.sonde.ffi.layout.OomKillEvent;
import dev.sonde.ffi.layout.SchedWaitEvent;
import dev.sonde.ffi.layout.TcpConnectionEvent;
import dev.sonde.ffi.layout.TcpRetransmitEvent;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records made by hand, whole, cut off and of kinds that do not exist. */
class EventRouterTest {
  private static final int OFFSET = 8;
  private static final long RETRANSMIT = 1;
  private static final long CONTAINER_START = 3;
  private static final long OOM_KILL = 4;
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String ID = "5c".repeat(32);

  @TempDir Path cgroups;
  private PodTable pods;
  private final List<Event> seen = new ArrayList<>();
  private EventRouter router;

  @BeforeEach
  void open() throws IOException {
    pods =
        PodTable.open(
            new CgroupHierarchy(CgroupHierarchy.Kind.V2, cgroups, "/", "/", false),
            Duration.ofMinutes(5));
    router = new EventRouter(pods, seen::add);
  }

  @AfterEach
  void close() {
    pods.close();
  }

  private static MemorySegment retransmit(long kind) {
    MemorySegment s = MemorySegment.ofArray(new byte[OFFSET + (int) TcpRetransmitEvent.SIZE]);
    TcpRetransmitEvent.setKind(s, OFFSET, kind);
    TcpRetransmitEvent.setTimeNs(s, OFFSET, System.nanoTime() - 2_000_000_000L);
    TcpRetransmitEvent.setCgroupId(s, OFFSET, PodTable.KERNEL_ID);
    TcpRetransmitEvent.setType(s, OFFSET, 2);
    TcpRetransmitEvent.setSegments(s, OFFSET, 3);
    TcpRetransmitEvent.setState(s, OFFSET, 1);
    TcpRetransmitEvent.setFamily(s, OFFSET, 2);
    TcpRetransmitEvent.setLocalPort(s, OFFSET, 40000);
    TcpRetransmitEvent.setRemotePort(s, OFFSET, 5201);
    byte[] local = {10, 0, 0, 1};
    byte[] remote = {10, 0, 0, (byte) 200};
    for (int i = 0; i < 4; i++) {
      TcpRetransmitEvent.setLocal(s, OFFSET, i, local[i]);
      TcpRetransmitEvent.setRemote(s, OFFSET, i, remote[i]);
    }
    return s;
  }

  private void route(MemorySegment s, int length) {
    router.record(s, OFFSET, length);
  }

  @Test
  void readsEveryField() {
    Instant before = Instant.now();
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    Instant after = Instant.now();
    Event.TcpRetransmit e = (Event.TcpRetransmit) seen.getFirst();
    assertThat(e.start()).isBetween(before.minusSeconds(3), after.minusSeconds(1));
    assertThat(e)
        .isEqualTo(
            new Event.TcpRetransmit(
                1,
                e.start(),
                Duration.ZERO,
                PodTable.KERNEL,
                "tail_loss_probe",
                3,
                "established",
                "10.0.0.1:40000",
                "10.0.0.200:5201"));
    assertThat(router.malformed()).isZero();
  }

  @Test
  void readsIpv6() {
    MemorySegment s = retransmit(RETRANSMIT);
    TcpRetransmitEvent.setFamily(s, OFFSET, 10);
    for (int i = 0; i < 16; i++) {
      TcpRetransmitEvent.setLocal(s, OFFSET, i, i == 0 ? 0xfd : i == 15 ? 1 : 0);
      TcpRetransmitEvent.setRemote(s, OFFSET, i, i == 0 ? 0xfd : i == 15 ? 2 : 0);
    }
    route(s, (int) TcpRetransmitEvent.SIZE);
    Event.TcpRetransmit e = (Event.TcpRetransmit) seen.getFirst();
    assertThat(e.local()).isEqualTo("[fd00::1]:40000");
    assertThat(e.remote()).isEqualTo("[fd00::2]:5201");
  }

  @Test
  void unknownNumbersWithinAGoodRecordAreLabelledSo() {
    MemorySegment s = retransmit(RETRANSMIT);
    TcpRetransmitEvent.setType(s, OFFSET, 200);
    TcpRetransmitEvent.setState(s, OFFSET, 99);
    route(s, (int) TcpRetransmitEvent.SIZE);
    Event.TcpRetransmit e = (Event.TcpRetransmit) seen.getFirst();
    assertThat(e.type()).isEqualTo("unknown");
    assertThat(e.state()).isEqualTo("unknown");
  }

  /** A newer object may append fields, and the perf buffer pads records. */
  @Test
  void aLongerRecordIsReadAsFarAsItIsKnown() {
    MemorySegment s = MemorySegment.ofArray(new byte[256]);
    s.copyFrom(retransmit(RETRANSMIT));
    route(s, 200);
    assertThat(seen).hasSize(1);
  }

  @Test
  void everyTruncationIsCountedAndNoneIsRead() {
    int size = (int) TcpRetransmitEvent.SIZE;
    for (int length = 0; length < size; length++) {
      // the segment ends where the record does: a read past it would throw
      route(retransmit(RETRANSMIT).asSlice(0, OFFSET + length), length);
    }
    assertThat(seen).isEmpty();
    assertThat(router.malformed()).isEqualTo(size);
  }

  @Test
  void unknownKindsAreCounted() {
    for (long kind : new long[] {0, 200, 77, 0xffff_ffffL}) {
      route(retransmit(kind), (int) TcpRetransmitEvent.SIZE);
    }
    assertThat(seen).isEmpty();
    assertThat(router.malformed()).isEqualTo(4);
  }

  private static MemorySegment longWait(long culprit) {
    MemorySegment s = MemorySegment.ofArray(new byte[OFFSET + (int) SchedWaitEvent.SIZE]);
    SchedWaitEvent.setKind(s, OFFSET, 2);
    SchedWaitEvent.setCpu(s, OFFSET, 7);
    SchedWaitEvent.setStartNs(s, OFFSET, System.nanoTime() - 2_000_000_000L);
    SchedWaitEvent.setDurationNs(s, OFFSET, 123_456_789);
    SchedWaitEvent.setVictim(s, OFFSET, PodTable.OTHER_ID);
    SchedWaitEvent.setCulprit(s, OFFSET, culprit);
    SchedWaitEvent.setReason(s, OFFSET, 1);
    return s;
  }

  @Test
  void readsLongWaits() {
    Instant before = Instant.now();
    route(longWait(PodTable.KERNEL_ID), (int) SchedWaitEvent.SIZE);
    Event.SchedWait e = (Event.SchedWait) seen.getFirst();
    assertThat(e.start()).isBetween(before.minusSeconds(3), Instant.now().minusSeconds(1));
    assertThat(e)
        .isEqualTo(
            new Event.SchedWait(
                1,
                e.start(),
                Duration.ofNanos(123_456_789),
                Workload.OTHER,
                "preempted",
                7,
                PodTable.KERNEL));
  }

  @Test
  void aLongWaitThatNobodyCausedNamesTheIdleCpu() {
    MemorySegment s = longWait(0);
    SchedWaitEvent.setReason(s, OFFSET, 99);
    route(s, (int) SchedWaitEvent.SIZE);
    Event.SchedWait e = (Event.SchedWait) seen.getFirst();
    assertThat(e.culprit()).isEqualTo(PodTable.IDLE);
    assertThat(e.reason()).isEqualTo("unknown");
  }

  @Test
  void everyTruncatedLongWaitIsCountedAndNoneIsRead() {
    int size = (int) SchedWaitEvent.SIZE;
    for (int length = 0; length < size; length++) {
      route(longWait(0).asSlice(0, OFFSET + length), length);
    }
    assertThat(seen).isEmpty();
    assertThat(router.malformed()).isEqualTo(size);
  }

  @Test
  void readsAnOomKill() {
    MemorySegment s = MemorySegment.ofArray(new byte[OFFSET + (int) OomKillEvent.SIZE]);
    OomKillEvent.setKind(s, OFFSET, OOM_KILL);
    OomKillEvent.setPid(s, OFFSET, 4711);
    OomKillEvent.setTimeNs(s, OFFSET, System.nanoTime());
    OomKillEvent.setCgroupId(s, OFFSET, PodTable.KERNEL_ID);
    // no zero at the end, a line break in the middle, and half a character: it named itself
    byte[] name = "ta\nil-of-16-byt\u00e9".getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < OomKillEvent.COMMAND_COUNT; i++) {
      OomKillEvent.setCommand(s, OFFSET, i, name[i]);
    }
    route(s, (int) OomKillEvent.SIZE);
    Event.OomKill e = (Event.OomKill) seen.getFirst();
    assertThat(e.pid()).isEqualTo(4711);
    assertThat(e.workload()).isEqualTo(PodTable.KERNEL);
    assertThat(e.command()).startsWith("ta_il-of-16-byt").hasSize(16);
  }

  @Test
  void readsAContainersStart() {
    MemorySegment s = MemorySegment.ofArray(new byte[OFFSET + (int) ContainerStartEvent.SIZE]);
    ContainerStartEvent.setKind(s, OFFSET, CONTAINER_START);
    ContainerStartEvent.setTimeNs(s, OFFSET, System.nanoTime());
    ContainerStartEvent.setCgroupId(s, OFFSET, PodTable.KERNEL_ID);
    ContainerStartEvent.setListenNs(s, OFFSET, 1_000_000);
    ContainerStartEvent.setAcceptNs(s, OFFSET, 2_000_000);
    ContainerStartEvent.setFirstByteNs(s, OFFSET, 3_000_000);
    route(s, (int) ContainerStartEvent.SIZE);
    Event.ContainerStart e = (Event.ContainerStart) seen.getFirst();
    assertThat(e.untilListen()).isEqualTo(Duration.ofMillis(1));
    assertThat(e.untilAccept()).isEqualTo(Duration.ofMillis(2));
    assertThat(e.duration()).isEqualTo(Duration.ofMillis(3));
  }

  @Test
  void aShortRecordOfAnyKindIsCounted() {
    for (long kind : new long[] {CONTAINER_START, OOM_KILL}) {
      route(retransmit(kind), (int) OomKillEvent.SIZE - 1);
    }
    assertThat(seen).isEmpty();
    assertThat(router.malformed()).isEqualTo(2);
  }

  private static MemorySegment connection(long kind, int reason, int state) {
    MemorySegment s = MemorySegment.ofArray(new byte[OFFSET + (int) TcpConnectionEvent.SIZE]);
    TcpConnectionEvent.setKind(s, OFFSET, kind);
    TcpConnectionEvent.setReason(s, OFFSET, reason);
    TcpConnectionEvent.setState(s, OFFSET, state);
    TcpConnectionEvent.setFamily(s, OFFSET, 10);
    TcpConnectionEvent.setTimeNs(s, OFFSET, System.nanoTime());
    TcpConnectionEvent.setDurationNs(s, OFFSET, 2_000_000_003L);
    TcpConnectionEvent.setCgroupId(s, OFFSET, PodTable.KERNEL_ID);
    TcpConnectionEvent.setSentBytes(s, OFFSET, 5_000_000_000L);
    TcpConnectionEvent.setReceivedBytes(s, OFFSET, 6_000_000_000L);
    TcpConnectionEvent.setLocalPort(s, OFFSET, 40000);
    TcpConnectionEvent.setRemotePort(s, OFFSET, 443);
    for (int i = 0; i < 16; i++) {
      TcpConnectionEvent.setLocal(s, OFFSET, i, i == 0 ? 0xfd : i == 15 ? 1 : 0);
      TcpConnectionEvent.setRemote(s, OFFSET, i, i == 0 ? 0xfd : i == 15 ? 2 : 0);
    }
    return s;
  }

  /** All that was sent since the last call. */
  private List<Event> sent() {
    List<Event> events = List.copyOf(seen);
    seen.clear();
    return events;
  }

  private static final Duration LONG = Duration.ofNanos(2_000_000_003L);
  private static final String LOCAL = "[fd00::1]:40000";
  private static final String REMOTE = "[fd00::2]:443";

  @Test
  void readsEveryFieldOfAConnectionsEvents() {
    Instant before = Instant.now();
    route(connection(10, 1, 3), (int) TcpConnectionEvent.SIZE);
    route(connection(11, 3, 5), (int) TcpConnectionEvent.SIZE);
    route(connection(12, 0, 2), (int) TcpConnectionEvent.SIZE);
    route(connection(13, 1, 1), (int) TcpConnectionEvent.SIZE);
    Instant after = Instant.now();
    List<Event> events = sent();
    assertThat(events.subList(0, 3))
        .allSatisfy(
            e ->
                assertThat(e.start())
                    .isBetween(before.minus(LONG).minusMillis(1), after.minus(LONG)));
    // a reset has no duration: it starts when it happens
    assertThat(events.get(3).start()).isBetween(before.minusMillis(1), after);
    List<Instant> start = events.stream().map(Event::start).toList();
    assertThat(events)
        .containsExactly(
            new Event.TcpOpen(1, start.get(0), LONG, PodTable.KERNEL, "server", LOCAL, REMOTE),
            new Event.TcpClose(
                2,
                start.get(1),
                LONG,
                PodTable.KERNEL,
                "timeout",
                "fin-wait-2",
                5_000_000_000L,
                6_000_000_000L,
                LOCAL,
                REMOTE),
            new Event.TcpConnectFailed(
                3, start.get(2), LONG, PodTable.KERNEL, "refused", LOCAL, REMOTE),
            new Event.TcpReset(
                4,
                start.get(3),
                Duration.ZERO,
                PodTable.KERNEL,
                "received",
                "established",
                LOCAL,
                REMOTE));
  }

  @Test
  void aConnectionsUnknownNumbersAreLabelledSo() {
    for (long kind = 10; kind <= 13; kind++) {
      route(connection(kind, 200, 99), (int) TcpConnectionEvent.SIZE);
    }
    assertThat(sent())
        .extracting(
            e ->
                switch (e) {
                  case Event.TcpOpen o -> o.role();
                  case Event.TcpClose c -> c.reason() + " " + c.state();
                  case Event.TcpConnectFailed f -> f.reason();
                  case Event.TcpReset r -> r.direction() + " " + r.state();
                  default -> throw new AssertionError(e);
                })
        .containsExactly("unknown", "unknown unknown", "unknown", "unknown unknown");
  }

  @Test
  void everyTruncatedConnectionIsCountedAndNoneIsRead() {
    int size = (int) TcpConnectionEvent.SIZE;
    for (long kind = 10; kind <= 13; kind++) {
      for (int length = 0; length < size; length++) {
        route(connection(kind, 0, 1).asSlice(0, OFFSET + length), length);
      }
    }
    assertThat(seen).isEmpty();
    assertThat(router.malformed()).isEqualTo(4L * size);
  }

  @Test
  void whatIsHandedInGetsItsNumberAmongTheRecords() {
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    router.offer(EventRouterTest::finding);
    router.offer(EventRouterTest::finding);
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    router.release();
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    assertThat(seen).extracting(Event::sequence).containsExactly(1L, 2L, 3L, 4L, 5L);
    assertThat(seen).element(2).isInstanceOf(Event.TcpFinding.class);
    assertThat(seen).element(3).isInstanceOf(Event.TcpFinding.class);
  }

  @Test
  void whatIsHandedInBeyondItsRoomIsCounted() {
    for (int i = 0; i < 1030; i++) {
      router.offer(EventRouterTest::finding);
    }
    router.release();
    assertThat(seen).hasSize(1024);
    assertThat(router.refused()).isEqualTo(6);
  }

  private static Event finding(long sequence) {
    return new Event.TcpFinding(
        sequence, Instant.EPOCH, Duration.ZERO, PodTable.KERNEL, "reconnect_churn", true, 7, 6);
  }

  @Test
  void sequencesCountOnlyEvents() {
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    route(retransmit(9), (int) TcpRetransmitEvent.SIZE);
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    assertThat(seen).extracting(Event::sequence).containsExactly(1L, 2L);
  }

  private static MemorySegment retransmitOf(long cgroup) {
    MemorySegment s = retransmit(RETRANSMIT);
    TcpRetransmitEvent.setCgroupId(s, OFFSET, cgroup);
    return s;
  }

  private void name() {
    PodIdentity pod = new PodIdentity(UID, List.of(), "shop", "web-0", Owner.NONE, Map.of(), 1);
    ContainerIdentity container = new ContainerIdentity(ID, UID, "nginx", "i", 1);
    pods.names(Identities.NONE.with(List.of(new Answer(List.of(pod), List.of(container), "test"))));
    pods.settle();
  }

  @Test
  void anEventWaitsForItsOwnersNameAndOthersGoOn() {
    pods.expectNames(true, () -> {});
    pods.made(77, "/kubepods/burstable/pod" + UID + "/" + ID);
    route(retransmitOf(77), (int) TcpRetransmitEvent.SIZE);
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    router.release();
    assertThat(seen).extracting(Event::workload).containsExactly(PodTable.KERNEL);
    name();
    router.release();
    assertThat(seen)
        .extracting(Event::workload)
        .containsExactly(PodTable.KERNEL, new Workload("shop", "web-0", "nginx", "", UID));
    assertThat(seen).extracting(Event::sequence).containsExactly(1L, 2L);
    router.release();
    assertThat(seen).as("once").hasSize(2);
  }

  /** A victim without a name waits, whoever took its CPU. */
  @Test
  void anEventOfTwoOwnersWaitsForBoth() {
    pods.expectNames(true, () -> {});
    pods.made(77, "/kubepods/burstable/pod" + UID + "/" + ID);
    MemorySegment wait = longWait(77);
    route(wait, (int) SchedWaitEvent.SIZE);
    assertThat(seen).isEmpty();
    name();
    router.release();
    assertThat(((Event.SchedWait) seen.getFirst()).culprit().pod()).isEqualTo("web-0");
  }

  /** Nothing is lost where there is no room to wait: ids stand in for the name. */
  @Test
  void whatDoesNotFitIsNamedByIdsAtOnce() {
    pods.expectNames(true, () -> {});
    pods.made(77, "/kubepods/burstable/pod" + UID + "/" + ID);
    for (int i = 0; i < 4097; i++) {
      route(retransmitOf(77), (int) TcpRetransmitEvent.SIZE);
    }
    assertThat(seen).extracting(Event::workload).containsExactly(new Workload("", UID, ID, ""));
    name();
    router.release();
    assertThat(seen).hasSize(4097);
    assertThat(seen.getLast().workload().pod()).isEqualTo("web-0");
    assertThat(seen).extracting(Event::sequence).doesNotHaveDuplicates();
  }
}
