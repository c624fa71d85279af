package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Pods that come and go, each of which sends a number of bytes that no other sends, so that a byte
 * that is counted for the wrong one shows.
 *
 * <p>Not thread-safe.
 */
final class Churn implements AutoCloseable {
  static final String SENT = "sonde_tcp_sent_bytes_total";
  static final String NAMESPACE = "churn";

  private final Containerd runtime;
  private final ByteSink sink = ByteSink.open();
  private final Map<String, Long> expected = new LinkedHashMap<>();
  private final Map<String, Long> lastRound = new LinkedHashMap<>();
  private long total;
  private int made;

  Churn(Containerd runtime) {
    this.runtime = runtime;
  }

  /**
   * Runs so many pods at once: each sends its bytes as the first thing it does, and is removed, its
   * cgroup with it, as soon as they have arrived.
   */
  void round(int pods) {
    lastRound.clear();
    long before = sink.connections();
    String[] sandboxes = new String[pods];
    for (int i = 0; i < pods; i++) {
      int kilobytes = 1 + made % 97;
      Pod pod = Pod.burstable(NAMESPACE, "churn-" + made++);
      sandboxes[i] = runtime.run(pod);
      expected.put(pod.name(), kilobytes * 1000L);
      lastRound.put(pod.name(), kilobytes * 1000L);
      total += kilobytes * 1000L;
      runtime.start(
          sandboxes[i],
          pod,
          Container.of(
              "app",
              Containerd.BUSYBOX,
              "/bin/sh",
              "-c",
              "dd if=/dev/zero bs=1000 count=%d 2>/dev/null | nc 127.0.0.1 %d"
                  .formatted(kilobytes, sink.port())));
    }
    org.awaitility.Awaitility.await("the pods' connections to end")
        .atMost(java.time.Duration.ofSeconds(60))
        .until(() -> sink.connections() >= before + pods);
    for (String sandbox : sandboxes) {
      runtime.removePod(sandbox);
    }
  }

  /** The pods of the last round have their bytes, and all that was sent arrived. */
  void assertRound(Scrape scrape) {
    assertPods(scrape, lastRound);
    assertThat(received()).isEqualTo(total);
  }

  /** What all pods together have sent, as the other end has counted it. */
  long received() {
    assertThat(sink.bytes()).as("what was sent arrived").isEqualTo(total);
    return sink.bytes();
  }

  int made() {
    return made;
  }

  /** Every pod has exactly its own bytes, and nothing of theirs is anybody else's. */
  void assertExact(Scrape scrape) {
    assertPods(scrape, expected);
    assertThat((long) scrape.sum(SENT, "namespace", NAMESPACE))
        .as("the sum over the pods")
        .isEqualTo(received());
  }

  private static void assertPods(Scrape scrape, Map<String, Long> pods) {
    Map<String, Long> wrong = new LinkedHashMap<>();
    pods.forEach(
        (pod, bytes) -> {
          long counted =
              (long) scrape.sum(SENT, "namespace", NAMESPACE, "pod", pod, "container", "app");
          if (counted != bytes) {
            wrong.put(pod + " (of " + bytes + ")", counted);
          }
        });
    assertThat(wrong).as("pods with other bytes than they sent").isEmpty();
    assertThat(scrape.sum("sonde_events_lost_total", "where", "map_full")).isZero();
    assertThat(scrape.sum("sonde_events_lost_total", "where", "reserve")).isZero();
  }

  @Override
  public void close() {
    sink.close();
  }
}
