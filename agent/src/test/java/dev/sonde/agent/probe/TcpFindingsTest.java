package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Minutes of counters, second by second, without waiting for them. */
class TcpFindingsTest {
  private static final Workload SHOP = new Workload("shop", "web-1", "nginx", "");
  private static final Workload BANK = new Workload("bank", "db-0", "postgres", "");

  private final List<Event.TcpFinding> events = new ArrayList<>();
  private long second = 1000;
  private final TcpFindings findings =
      new TcpFindings(
          TcpThresholds.DEFAULT,
          e -> events.add((Event.TcpFinding) e.apply(events.size() + 1)),
          () -> second * 1_000_000_000L);

  /** The series of one snapshot: owner and finding to value. */
  private static final class Series implements SnapshotBuilder {
    final Map<String, Double> values = new TreeMap<>();

    @Override
    public void add(Metric metric, Workload owner, double value, String... more) {
      values.put(owner.namespace() + " " + more[1], value);
    }

    @Override
    public void add(Metric metric, Workload owner, Histogram value, String... more) {
      throw new AssertionError(metric);
    }

    @Override
    public void addOwn(Metric metric, double value, String... labels) {
      throw new AssertionError(metric);
    }
  }

  /** What a workload has come to in {@code second} seconds. */
  private interface Totals {
    TcpUse after(long seconds);
  }

  /** Lets time go by; the seconds after which the finding held first, or -1. */
  private long found(String finding, int seconds, Totals totals) {
    long begin = second;
    long first = -1;
    for (int i = 0; i <= seconds; i++) {
      findings.use(SHOP, totals.after(second - begin));
      Series out = new Series();
      findings.collect(out);
      if (first < 0 && out.values.getOrDefault("shop " + finding, 0.0) == 1) {
        first = second - begin;
      }
      second++;
    }
    return first;
  }

  private static TcpUse client(long connected, long ended, long endedFirst) {
    return new TcpUse(connected, connected, 0, ended, endedFirst, ended - endedFirst, 0, 0);
  }

  @Test
  void twentyThousandConnectionsAMinuteAreFoundWithinAMinute() {
    assertThat(found("reconnect_churn", 60, t -> client(333 * t, 333 * t, 0))).isBetween(1L, 30L);
    assertThat(events).extracting(Event.TcpFinding::finding).containsExactly("reconnect_churn");
    Event.TcpFinding e = events.getFirst();
    assertThat(e.holds()).isTrue();
    assertThat(e.workload()).isEqualTo(SHOP);
    assertThat(e.threshold()).isEqualTo(6_000);
    assertThat(e.count()).isBetween(6_000L, 6_400L);
  }

  @Test
  void thoseThatItEndsFirstFillTimeWait() {
    assertThat(found("time_wait_leak", 60, t -> client(333 * t, 333 * t, 333 * t)))
        .isBetween(1L, 40L);
  }

  @Test
  void lessThanTheThresholdIsNone() {
    assertThat(found("reconnect_churn", 300, t -> client(90 * t, 90 * t, 90 * t))).isEqualTo(-1);
    assertThat(found("time_wait_leak", 300, t -> client(90 * t, 90 * t, 90 * t))).isEqualTo(-1);
    assertThat(events).isEmpty();
  }

  @Test
  void aPoolThatFillsIsNoChurn() {
    assertThat(found("reconnect_churn", 120, t -> client(500 * t, 90 * t, 0))).isEqualTo(-1);
  }

  @Test
  void connectsThatFailAreChurnToo() {
    assertThat(found("reconnect_churn", 60, t -> new TcpUse(0, 0, 200 * t, 0, 0, 0, 0, 0)))
        .isBetween(1L, 45L);
  }

  @Test
  void aBusyServerIsNoChurn() {
    assertThat(
            found(
                "reconnect_churn",
                120,
                t -> new TcpUse(0, 5_000 * t, 0, 5_000 * t, 0, 5_000 * t, 0, 40)))
        .isEqualTo(-1);
    assertThat(events).isEmpty();
  }

  @Test
  void socketsThatStayInCloseWaitAreALeak() {
    assertThat(found("close_wait_leak", 60, t -> new TcpUse(0, 300, 0, 0, 0, 0, 0, 150)))
        .isBetween(30L, 45L);
  }

  @Test
  void socketsThatComeAndGoThroughCloseWaitAreNone() {
    // half-closed requests, a tenth of a second each, 3,000 a second: 300 at any time
    assertThat(
            found(
                "close_wait_leak",
                120,
                t -> new TcpUse(0, 3_000 * t, 0, 3_000 * t, 0, 3_000 * t, 0, 300)))
        .isEqualTo(-1);
  }

  @Test
  void aLeakBesideThemIsFoundWhenItIsMuchMoreThanTheyAre() {
    assertThat(
            found(
                "close_wait_leak",
                120,
                t -> new TcpUse(0, 300 * t, 0, 300 * t, 0, 300 * t, 0, 5_000)))
        .isPositive();
  }

  @Test
  void aShortCrowdInCloseWaitIsNone() {
    assertThat(
            found(
                "close_wait_leak",
                120,
                t -> new TcpUse(0, 0, 0, 0, 0, 0, 0, t % 25 < 20 ? 4_000 : 10)))
        .isEqualTo(-1);
  }

  @Test
  void aFullAcceptQueueIsFoundWhereOverflowsAreKnown() {
    assertThat(seriesOf(BANK)).doesNotContainKey("bank accept_queue_full");
    findings.overflows(BANK, 0);
    assertThat(seriesOf(BANK)).containsEntry("bank accept_queue_full", 0.0);
    second++;
    findings.overflows(BANK, 9);
    assertThat(seriesOf(BANK)).containsEntry("bank accept_queue_full", 0.0);
    second++;
    findings.overflows(BANK, 10);
    assertThat(seriesOf(BANK)).containsEntry("bank accept_queue_full", 1.0);
    assertThat(events).hasSize(1);
  }

  private Map<String, Double> seriesOf(Workload owner) {
    findings.use(owner, TcpUse.NONE);
    Series out = new Series();
    findings.collect(out);
    return out.values;
  }

  @Test
  void oneEventWhenItBeginsAndOneWhenItWasBelowForAMinute() {
    found("reconnect_churn", 400, t -> client(400 * Math.min(t, 100), 400 * Math.min(t, 100), 0));
    assertThat(events).extracting(Event.TcpFinding::holds).containsExactly(true, false);
    Event.TcpFinding end = events.getLast();
    // about 16 s to the threshold; 145 until a minute holds less; a minute more
    assertThat(end.duration().toSeconds()).isBetween(180L, 210L);
    assertThat(end.count()).isBetween(22_000L, 24_001L);
  }

  @Test
  void aWorkloadThatIsForgottenEndsItsFindings() {
    found("reconnect_churn", 60, t -> client(400 * t, 400 * t, 0));
    findings.use(BANK, TcpUse.NONE);
    Series out = new Series();
    findings.collect(out);
    assertThat(out.values)
        .containsOnlyKeys("bank close_wait_leak", "bank reconnect_churn", "bank time_wait_leak");
    assertThat(events).extracting(Event.TcpFinding::holds).containsExactly(true, false);
  }

  @Test
  void snapshotsAMinuteApartAreEnough() {
    TcpUse[] use = {TcpUse.NONE};
    for (int i = 0; i < 4; i++) {
      findings.use(SHOP, use[0]);
      findings.collect(new Series());
      second += 60;
      use[0] = client(20_000 * (i + 1L), 20_000 * (i + 1L), 0);
    }
    assertThat(events).extracting(Event.TcpFinding::finding).containsExactly("reconnect_churn");
    assertThat(events.getFirst().count()).isBetween(19_000L, 20_001L);
  }

  @Test
  void collectionsOfManyWorkloadsAreNotJudged() {
    findings.use(Workload.OTHER, client(1_000_000, 1_000_000, 0));
    Series out = new Series();
    findings.collect(out);
    assertThat(out.values).isEmpty();
    assertThat(events).isEmpty();
  }

  @Test
  void thresholdsAreChecked() {
    TcpThresholds t = TcpThresholds.of(List.of("reconnect_churn=20000", "close_wait_leak = 7"));
    assertThat(t.of(TcpFinding.RECONNECT_CHURN)).isEqualTo(20_000);
    assertThat(t.of(TcpFinding.CLOSE_WAIT_LEAK)).isEqualTo(7);
    assertThat(t.of(TcpFinding.TIME_WAIT_LEAK)).isEqualTo(10_000);
    assertThatThrownBy(() -> TcpThresholds.of(List.of("churn=1")))
        .hasMessage(
            "'churn' is no finding; there are time_wait_leak, close_wait_leak, reconnect_churn,"
                + " accept_queue_full");
    for (String bad : List.of("reconnect_churn=0", "reconnect_churn=-1", "reconnect_churn=x")) {
      assertThatThrownBy(() -> TcpThresholds.of(List.of(bad)))
          .hasMessage("'" + bad + "': not a whole number from 1 on");
    }
    assertThatThrownBy(() -> TcpThresholds.of(List.of("reconnect_churn")))
        .hasMessage("'reconnect_churn' is not FINDING=N");
    assertThatThrownBy(() -> TcpThresholds.of(List.of("reconnect_churn=1", "reconnect_churn=2")))
        .hasMessage("two thresholds for reconnect_churn");
  }
}
