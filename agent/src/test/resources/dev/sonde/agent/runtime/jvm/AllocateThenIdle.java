import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Allocates for so many milliseconds, collects once more, says "idle" and waits to be killed. */
public class AllocateThenIdle {
  static volatile Object sink;

  public static void main(String[] args) throws Exception {
    long end = System.nanoTime() + Long.parseLong(args[0]) * 1_000_000;
    List<byte[]> kept = new ArrayList<>();
    Random random = new Random(1);
    while (System.nanoTime() < end) {
      byte[] b = new byte[1024 + random.nextInt(30_000)];
      sink = b;
      if (random.nextInt(20) == 0) {
        if (kept.size() < 2_000) {
          kept.add(b);
        } else {
          kept.set(random.nextInt(kept.size()), b);
        }
      }
    }
    System.gc();
    System.out.println("idle");
    System.in.read();
  }
}
