import java.nio.file.Path;
import java.util.Arrays;

/** B8, B9 and B10 of the benchmark list: the ring from Java beside libbpf's own consumer. */
public final class RingBench {
  private static final int PAIRS = 9;
  private static final int FILLS = 300;
  private static final int WARM_UP_FILLS = 300;
  private static final int DRAIN_RING = 1 << 20;
  private static final int LOSS_RING = 256 << 10;

  private RingBench() {}

  /** {@code <C consumer> <object>}. */
  public static void main(String[] arguments) {
    Path program = Path.of(arguments[0]);
    Path object = Path.of(arguments[1]);
    boolean good = drain(program, object);
    good &= loss(program, object);
    System.exit(good ? 0 : 1);
  }

  private static boolean drain(Path program, Path object) {
    int records = DRAIN_RING / 72 - 1;
    double[] ratios = new double[PAIRS];
    double[] javas = new double[PAIRS];
    double[] cs = new double[PAIRS];
    try (JavaConsumer java = new JavaConsumer(object, DRAIN_RING);
        CConsumer c = new CConsumer(program, object, DRAIN_RING)) {
      java.drain(WARM_UP_FILLS, records);
      c.drain(WARM_UP_FILLS, records);
      long allocated = java.allocated();
      long drained = 0;
      for (int pair = 0; pair < PAIRS; pair++) {
        // The order alternates, so that neither always comes second.
        boolean javaFirst = pair % 2 == 0;
        Consumer.Drained first = (javaFirst ? java : c).drain(FILLS, records);
        Consumer.Drained second = (javaFirst ? c : java).drain(FILLS, records);
        javas[pair] = (javaFirst ? first : second).nanosPerRecord();
        cs[pair] = (javaFirst ? second : first).nanosPerRecord();
        ratios[pair] = javas[pair] / cs[pair];
        drained += (javaFirst ? first : second).records();
      }
      allocated = java.allocated() - allocated;
      System.out.printf("B8 ring drain, 64-byte records, CPU time, %d interleaved pairs%n", PAIRS);
      System.out.printf("   Java      %s ns a record%n", spread(javas));
      System.out.printf("   C libbpf  %s ns a record%n", spread(cs));
      System.out.printf("   Java / C  %s (target <= 1.0)%n", spread(ratios));
      System.out.printf(
          "   allocated %d bytes in %d records: %.6f bytes an event%n",
          allocated, drained, (double) allocated / drained);
    }
    return median(ratios) <= 1.0;
  }

  private static boolean loss(Path program, Path object) {
    boolean good = true;
    try (JavaConsumer java = new JavaConsumer(object, LOSS_RING);
        CConsumer c = new CConsumer(program, object, LOSS_RING)) {
      java.drain(WARM_UP_FILLS, 3000);
      System.out.println("B9 loss into a 256 KiB ring, 2 s each");
      for (long rate : new long[] {10_000, 100_000, 1_000_000}) {
        Consumer.Run byJava = java.rate(rate, 2000);
        Consumer.Run byC = c.rate(rate, 2000);
        print("Java", rate, byJava);
        print("C libbpf", rate, byC);
        good &= byJava.exact() && (byC.lost() > 0 || byJava.lost() == 0);
      }
      good &= Overload.run(java);
    }
    return good;
  }

  private static void print(String who, long rate, Consumer.Run run) {
    System.out.printf(
        "   %-9s %,9d/s: sent %d + lost %d, read %d: %s; %.0f ns CPU a record%n",
        who,
        rate,
        run.sent(),
        run.lost(),
        run.read(),
        run.exact() ? "exact" : "NOT EXACT",
        (double) run.cpuNanos() / Math.max(1, run.read()));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static String spread(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return "%.2f (%.2f to %.2f)".formatted(median(values), sorted[0], sorted[sorted.length - 1]);
  }
}
