// SPDX-License-Identifier: Apache-2.0

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A pod that allocates: about 200 MB/s of garbage over a live set of 16 MB, so that the collector
 * runs some times a second. Every ten seconds it has, for two seconds, twice as many busy threads
 * as there are CPUs, so that threads wait for one; every twenty seconds it asks for a full
 * collection.
 *
 * <p>{@code java -Xmx64m demo/Allocator.java}; runs until it is stopped.
 */
public final class Allocator {
  private static final int CHUNK = 64 * 1024;
  private static final int CHUNKS_PER_TICK = 32; // 2 MB each 10 ms
  private static final int LIVE_CHUNKS = 256;
  private static final Duration TICK = Duration.ofMillis(10);
  private static final int BURST_EVERY = 10;
  private static final Duration BURST = Duration.ofSeconds(2);
  private static final int FULL_EVERY = 20;

  private Allocator() {}

  /** Takes no arguments. */
  public static void main(String[] args) throws InterruptedException {
    Deque<byte[]> live = new ArrayDeque<>();
    long lastSecond = 0;
    for (Instant start = Instant.now(); ; Thread.sleep(TICK)) {
      for (int i = 0; i < CHUNKS_PER_TICK; i++) {
        live.add(new byte[CHUNK]);
        if (live.size() > LIVE_CHUNKS) {
          live.remove();
        }
      }
      long second = Duration.between(start, Instant.now()).toSeconds();
      if (second != lastSecond && second % BURST_EVERY == 0) {
        burst();
      }
      if (second != lastSecond && second % FULL_EVERY == 0) {
        System.gc();
      }
      lastSecond = second;
    }
  }

  /** More busy threads than CPUs, for a while; returns at once. */
  private static void burst() {
    Instant end = Instant.now().plus(BURST);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
      threads.add(Thread.ofPlatform().daemon().name("busy-" + i).unstarted(() -> spin(end)));
    }
    threads.forEach(Thread::start);
  }

  private static void spin(Instant end) {
    while (Instant.now().isBefore(end)) {
      Thread.onSpinWait();
    }
  }
}
