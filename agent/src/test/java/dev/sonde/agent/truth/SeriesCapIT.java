package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** More series than may be: nothing is lost, no counter falls, and it is said. */
@KernelTest
@Timeout(120)
class SeriesCapIT {
  private static final String SENT = "sonde_tcp_sent_bytes_total";
  private static final int CAP = 6;
  private static final int PODS = 12;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static long bytes(int pod) {
    return 1000L * (pod + 1);
  }

  private static void send(PodCgroup pod, long bytes, ByteSink sink) {
    long before = sink.connections();
    pod.start(
        "bash",
        "-c",
        "exec 3<>/dev/tcp/127.0.0.1/%d; head -c %d /dev/zero >&3".formatted(sink.port(), bytes));
    await("the bytes").atMost(PATIENCE).until(() -> sink.connections() > before);
  }

  private static List<Scrape.Sample> named(Scrape scrape) {
    return scrape.samples(SENT).stream().filter(s -> !s.has("unit", "~other")).toList();
  }

  private static double other(Scrape scrape) {
    return scrape.sum(SENT, "unit", "~other");
  }

  @Test
  void whatHasNoSeriesIsInOther() {
    List<PodCgroup> pods = new ArrayList<>();
    try (ByteSink sink = ByteSink.open();
        AgentProcess agent =
            AgentProcess.start(
                "--max-series-per-metric", Integer.toString(CAP), "--stale-after", "1s")) {
      // the scrapes' own bytes: this machine's first workload
      agent.fresh();
      double otherBefore = other(agent.fresh());
      for (int i = 0; i < PODS; i++) {
        pods.add(PodCgroup.create());
        send(pods.get(i), bytes(i), sink);
      }
      Scrape full = agent.fresh();
      long unnamed = 0;
      int without = 0;
      for (int i = 0; i < PODS; i++) {
        if (full.samples(SENT, pods.get(i).labels()).isEmpty()) {
          unnamed += bytes(i);
          without++;
        } else {
          assertThat(full.sum(SENT, pods.get(i).labels())).isEqualTo(bytes(i));
        }
      }
      assertThat(named(full)).hasSize(CAP);
      assertThat(full.repeated()).isEmpty();
      assertThat(without).isGreaterThanOrEqualTo(PODS - CAP);
      assertThat(full.samples(SENT, "unit", "~other")).hasSize(1);
      // other workloads of this machine may be in it, too
      assertThat(other(full) - otherBefore).isGreaterThanOrEqualTo(unnamed);
      assertThat(full.sum("sonde_series_dropped_total", "metric", SENT))
          .isGreaterThanOrEqualTo(without);
      assertThat(full.sum("sonde_series", "metric", SENT)).isEqualTo(CAP + 1);
      assertThat(full.sum("sonde_series_dropped_total", "metric", "sonde_tcp_retransmits_total"))
          .as("its kinds are series of their own")
          .isGreaterThan(without);

      double last = other(full);
      pods.forEach(PodCgroup::close);
      pods.clear();
      Scrape[] now = {full};
      double[] least = {last};
      await("the ended pods' series to end")
          .atMost(PATIENCE)
          .until(
              () -> {
                now[0] = agent.scrape();
                assertThat(other(now[0])).as("it never falls").isGreaterThanOrEqualTo(least[0]);
                least[0] = other(now[0]);
                return named(now[0]).size() < CAP;
              });
      pods.add(PodCgroup.create());
      send(pods.getFirst(), 77_000, sink);
      Scrape end = agent.fresh();
      assertThat(end.sum(SENT, pods.getFirst().labels())).as("a newcomer").isEqualTo(77_000);
      assertThat(other(end)).isGreaterThanOrEqualTo(least[0]);
    } finally {
      pods.forEach(PodCgroup::close);
    }
  }
}
