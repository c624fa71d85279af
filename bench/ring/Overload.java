import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/** B10: more than four times what a slow handler can take, then back to normal. */
final class Overload {
  private Overload() {}

  static boolean run(JavaConsumer java) {
    AtomicBoolean overload = new AtomicBoolean(true);
    AtomicBoolean running = new AtomicBoolean(true);
    long sent0 = java.counted(0);
    long lost0 = java.counted(1);
    Thread producer =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (running.get()) {
                    java.fill(overload.get() ? 1000 : 10);
                    if (!overload.get()) {
                      sleep(1);
                    }
                  }
                });
    long[] read = new long[2];
    long start = System.nanoTime();
    while (System.nanoTime() - start < 2_000_000_000L) {
      java.reader().await(100);
      read[0] += java.reader().drain((data, at, length) -> {
        read[1] += data.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
        long until = System.nanoTime() + 1000;
        while (System.nanoTime() < until) {
          Thread.onSpinWait();
        }
      }, 10_000);
    }
    long sent = java.counted(0) - sent0;
    long lost = java.counted(1) - lost0;
    double factor = (double) (sent + lost) / read[0];
    overload.set(false);
    // Recovered: a tenth of a second with records and without a loss.
    long end = System.nanoTime();
    long recovered = -1;
    while (recovered < 0 && System.nanoTime() - end < 5_000_000_000L) {
      long from = System.nanoTime();
      long lostBefore = java.counted(1);
      long readBefore = read[0];
      while (System.nanoTime() - from < 100_000_000L) {
        java.reader().await(10);
        read[0] += java.reader().drain((data, at, length) -> {}, 10_000);
      }
      if (java.counted(1) == lostBefore && read[0] > readBefore) {
        recovered = from - end;
      }
    }
    running.set(false);
    join(producer);
    int more;
    while ((more = java.reader().drain((data, at, length) -> {}, 10_000)) > 0) {
      read[0] += more;
    }
    sent = java.counted(0) - sent0;
    lost = java.counted(1) - lost0;
    boolean exact = sent == read[0];
    System.out.printf(
        "B10 overload %.1fx: sent %d + lost %d, read %d: %s; drains without loss %.0f ms after%n",
        factor, sent, lost, read[0], exact ? "exact" : "NOT EXACT", recovered / 1e6);
    return exact && recovered >= 0 && recovered < 1_000_000_000L;
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
