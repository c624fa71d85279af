package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Pods that come and go, each of which sends a number of bytes that no other sends, so that a byte
 * that is counted for the wrong one shows.
 *
 * <p>Not thread-safe.
 */
final class Churn implements AutoCloseable {
  static final String SENT = "sonde_tcp_sent_bytes_total";
  static final String NAMESPACE = "churn";
  private static final int AT_A_TIME = 4;

  private final Containerd runtime;
  private final ByteSink sink = ByteSink.open();
  private final Map<String, Long> expected = new LinkedHashMap<>();
  private final Map<String, Long> lastRound = new LinkedHashMap<>();
  private final List<String> lastUids = new ArrayList<>();
  private long total;
  private int made;

  Churn(Containerd runtime) {
    this.runtime = runtime;
  }

  /**
   * Runs so many pods, some at a time: each sends its bytes as the first thing it does, and is
   * removed, its cgroup with it, as soon as they have arrived.
   */
  void round(int pods) {
    lastRound.clear();
    lastUids.clear();
    long before = sink.connections();
    List<Callable<String>> starts = new ArrayList<>();
    for (int i = 0; i < pods; i++) {
      int kilobytes = 1 + made % 97;
      Pod pod = Pod.burstable(NAMESPACE, "churn-" + made++);
      expected.put(pod.name(), kilobytes * 1000L);
      lastRound.put(pod.name(), kilobytes * 1000L);
      lastUids.add(pod.uid());
      total += kilobytes * 1000L;
      starts.add(() -> start(pod, kilobytes));
    }
    List<String> sandboxes = together(starts);
    await("the pods' connections to end")
        .atMost(Duration.ofSeconds(60))
        .until(() -> sink.connections() >= before + pods);
    List<Callable<String>> ends = new ArrayList<>();
    for (String sandbox : sandboxes) {
      ends.add(
          () -> {
            runtime.removePod(sandbox);
            return sandbox;
          });
    }
    together(ends);
  }

  private String start(Pod pod, int kilobytes) {
    String sandbox = runtime.run(pod);
    runtime.start(
        sandbox,
        pod,
        Container.of(
            "app",
            Containerd.BUSYBOX,
            "/bin/sh",
            "-c",
            "dd if=/dev/zero bs=1000 count=%d 2>/dev/null | nc 127.0.0.1 %d"
                .formatted(kilobytes, sink.port())));
    return sandbox;
  }

  /** Some at a time, as a kubelet does; a failure of any is thrown. */
  private static List<String> together(List<Callable<String>> all) {
    try (ExecutorService threads = Executors.newFixedThreadPool(AT_A_TIME)) {
      List<String> results = new ArrayList<>();
      for (Future<String> f : threads.invokeAll(all)) {
        results.add(f.get());
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    }
  }

  /** The pods of the last round have their bytes, and all that was sent arrived. */
  void assertRound(Scrape scrape) {
    assertPods(scrape, lastRound);
    assertThat(lastUids)
        .as("pods by their UIDs, misnamed")
        .noneMatch(uid -> scrape.text().contains("pod=\"" + uid));
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
    assertThat(wrong)
        .as(
            () ->
                "pods with other bytes than they sent, of " + String.join("\n", scrape.lines(SENT)))
        .isEmpty();
    assertThat(scrape.sum("sonde_events_lost_total", "where", "map_full")).isZero();
    assertThat(scrape.sum("sonde_events_lost_total", "where", "reserve")).isZero();
  }

  @Override
  public void close() {
    sink.close();
  }
}
