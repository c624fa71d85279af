package dev.sonde.exporter.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EventHubTest {
  private static final Workload OWNER = Workload.unit("test.service");

  private final EventHub hub = new EventHub(16);

  private static Event event(long sequence) {
    return new Event.TcpRetransmit(
        sequence,
        Instant.EPOCH,
        Duration.ZERO,
        OWNER,
        "fast",
        1,
        "established",
        "10.0.0.1:1",
        "10.0.0.2:2");
  }

  private static void publish(EventHub hub, int events) {
    for (int i = 0; i < events; i++) {
      hub.publish(event(hub.nextSequence()));
    }
  }

  /** "3" for event 3, "4-9" for a gap. */
  private static List<String> read(EventSubscription watch) {
    List<String> seen = new ArrayList<>();
    for (Delivery d = watch.poll(); d != null; d = watch.poll()) {
      seen.add(
          switch (d) {
            case Delivery.Next(var e) -> String.valueOf(e.sequence());
            case Delivery.Gap(long first, long last) -> first + "-" + last;
          });
    }
    return seen;
  }

  @Test
  void deliversFromNowOn() {
    publish(hub, 3);
    EventSubscription watch = hub.subscribe(() -> {});
    assertThat(read(watch)).isEmpty();
    publish(hub, 2);
    assertThat(read(watch)).containsExactly("4", "5");
    assertThat(hub.lost()).isZero();
  }

  @Test
  void resumesFromRetainedEvents() {
    publish(hub, 10);
    assertThat(read(hub.subscribeAfter(7, () -> {}))).containsExactly("8", "9", "10");
    assertThat(read(hub.subscribeAfter(10, () -> {}))).isEmpty();
    assertThat(read(hub.subscribeAfter(0, () -> {}))).hasSize(10).startsWith("1");
  }

  @Test
  void resumingTooLateTellsTheGapButIsNoLoss() {
    publish(hub, 20);
    assertThat(hub.oldestSequence()).isEqualTo(5);
    assertThat(read(hub.subscribeAfter(2, () -> {}))).hasSize(17).startsWith("3-4", "5", "6");
    assertThat(read(hub.subscribeAfter(4, () -> {}))).hasSize(16).startsWith("5");
    assertThat(hub.lost()).isZero();
  }

  @Test
  void aSlowWatcherLosesTheOldestAndOnlyItDoes() {
    EventSubscription slow = hub.subscribe(() -> {});
    EventSubscription quick = hub.subscribe(() -> {});
    List<String> seenByQuick = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      publish(hub, 1);
      seenByQuick.addAll(read(quick));
    }
    // The ring holds 85..100; an eighth of it (2) is given up besides.
    assertThat(hub.lost()).isEqualTo(86);
    assertThat(read(slow)).hasSize(15).startsWith("1-86", "87").endsWith("100");
    assertThat(hub.lost()).isEqualTo(86);
    assertThat(seenByQuick).hasSize(100).noneMatch(s -> s.contains("-"));
  }

  @Test
  void aFullRingIsNoLossYet() {
    EventSubscription watch = hub.subscribe(() -> {});
    publish(hub, 16);
    assertThat(hub.lost()).isZero();
    publish(hub, 1);
    assertThat(hub.lost()).isEqualTo(3);
    assertThat(read(watch)).hasSize(15).startsWith("1-3", "4");
  }

  @Test
  void whatAWatcherLostStaysCountedAfterItLeft() {
    EventSubscription watch = hub.subscribe(() -> {});
    publish(hub, 100);
    watch.close();
    watch.close();
    assertThat(hub.subscribers()).isZero();
    assertThat(hub.lost()).isEqualTo(86);
    publish(hub, 100);
    assertThat(hub.lost()).isEqualTo(86);
  }

  @Test
  void refusesWhatIsOutOfSequence() {
    publish(hub, 1);
    assertThatThrownBy(() -> hub.publish(event(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("publish event 1 after 1");
    assertThatThrownBy(() -> hub.publish(event(3))).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> hub.subscribeAfter(2, () -> {}))
        .hasMessageContaining("after event 2: the newest is 1");
    assertThatThrownBy(() -> new EventHub(100)).hasMessageContaining("100");
  }

  @Test
  void wakesOnlyWhoIsIdle() {
    AtomicInteger woken = new AtomicInteger();
    EventSubscription watch = hub.subscribe(woken::incrementAndGet);
    // A second one that is idle: once it was woken, the first was passed by too.
    AtomicInteger other = new AtomicInteger();
    assertThat(hub.subscribe(other::incrementAndGet).idle()).isTrue();
    publish(hub, 1);
    await().untilAtomic(other, equalTo(1));
    assertThat(woken).hasValue(0);

    assertThat(watch.idle()).as("there is one to read").isFalse();
    assertThat(read(watch)).containsExactly("1");
    assertThat(watch.idle()).isTrue();
    publish(hub, 1);
    await().untilAtomic(woken, equalTo(1));
    hub.close();
  }

  @Test
  void aWatcherThatFailsToWakeHarmsNobody() {
    EventSubscription bad =
        hub.subscribe(
            () -> {
              throw new IllegalStateException("bad watcher");
            });
    AtomicInteger woken = new AtomicInteger();
    EventSubscription good = hub.subscribe(woken::incrementAndGet);
    assertThat(bad.idle()).isTrue();
    assertThat(good.idle()).isTrue();
    publish(hub, 1);
    await().untilAtomic(woken, equalTo(1));
    assertThat(hub.subscribers()).isEqualTo(1);
    hub.close();
  }

  /** Reads until it has heard of `last`; every sequence must come once, as an event or in a gap. */
  private static final class Reader implements Runnable {
    private final Semaphore awake = new Semaphore(0);
    private final EventSubscription watch;
    private final long last;
    private long told;
    private long lost;
    private volatile boolean wrong;
    private volatile boolean done;

    Reader(EventHub hub, long last) {
      this.watch = hub.subscribe(awake::release);
      this.last = last;
    }

    @Override
    public void run() {
      while (told < last && !wrong) {
        switch (watch.poll()) {
          case null -> {
            if (watch.idle()) {
              awake.acquireUninterruptibly();
            }
          }
          case Delivery.Next(var e) -> {
            wrong |= e.sequence() != told + 1;
            told = e.sequence();
          }
          case Delivery.Gap gap -> {
            wrong |= gap.first() != told + 1 || gap.last() < gap.first();
            told = gap.last();
            lost += gap.count();
          }
        }
      }
      done = true;
    }
  }

  @Test
  void underContentionEveryEventIsDeliveredOnceOrCountedAsLost() {
    int events = 1_000_000;
    try (EventHub contended = new EventHub(64)) {
      List<Reader> readers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Reader reader = new Reader(contended, events);
        readers.add(reader);
        Thread.ofPlatform().daemon().start(reader);
      }
      long counted = 0;
      for (int i = 0; i < events; i++) {
        contended.publish(event(contended.nextSequence()));
        if (i % 1000 == 0) {
          long now = contended.lost();
          assertThat(now).isGreaterThanOrEqualTo(counted);
          counted = now;
        }
      }
      await().atMost(Duration.ofMinutes(1)).until(() -> readers.stream().allMatch(r -> r.done));
      assertThat(readers).noneMatch(r -> r.wrong);
      assertThat(readers).allMatch(r -> r.told == events);
      assertThat(contended.lost()).isEqualTo(readers.stream().mapToLong(r -> r.lost).sum());
    }
  }
}
