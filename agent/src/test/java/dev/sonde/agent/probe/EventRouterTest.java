package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.layout.SchedWaitEvent;
import dev.sonde.ffi.layout.TcpRetransmitEvent;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records made by hand, whole, cut off and of kinds that do not exist. */
class EventRouterTest {
  private static final int OFFSET = 8;
  private static final long RETRANSMIT = 1;

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
  void sequencesCountOnlyEvents() {
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    route(retransmit(9), (int) TcpRetransmitEvent.SIZE);
    route(retransmit(RETRANSMIT), (int) TcpRetransmitEvent.SIZE);
    assertThat(seen).extracting(Event::sequence).containsExactly(1L, 2L);
  }
}
