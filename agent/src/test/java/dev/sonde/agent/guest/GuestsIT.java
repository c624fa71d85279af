package dev.sonde.agent.guest;

import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.sonde.agent.KernelTest;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.TestFactory;

/**
 * Reports each test that ran in a guest as a test here. A boot is one run of all its tests: what
 * fails there is not run again, since an answer that depends on the run is wrong.
 *
 * <p>The last class of the build: guests run beside the others ({@link GuestBoots}).
 *
 * <ul>
 *   <li>{@code -Dsonde.matrix=true}: both tiers on all kernels, and a kernel that cannot be
 *       downloaded fails; otherwise it skips, loudly
 *   <li>{@code -Dsonde.guests=5.10,6.12}: these boots alone; {@code none}: no guests
 *   <li>{@code -Dsonde.guest.tests=RungsGuest}: these classes alone
 * </ul>
 */
@KernelTest
@Order(Integer.MAX_VALUE)
class GuestsIT {
  @TestFactory
  Stream<DynamicNode> guests() {
    // each is waited for when its turn comes, not before
    return GuestBoots.started().stream()
        .map(
            g ->
                dynamicContainer(
                    g.boot().name(),
                    Stream.of(g.run())
                        .flatMap(r -> report(r.join(), g.tests(), GuestBoots.MATRIX))));
  }

  /**
   * @param matrix a kernel that is not to be had is a failure
   */
  static Stream<DynamicTest> report(GuestRun run, List<Class<?>> tests, boolean matrix) {
    if (run.exit() == GuestRun.UNAVAILABLE) {
      return Stream.of(dynamicTest("kernel", () -> unavailable(run, matrix)));
    }
    List<DynamicTest> all = new ArrayList<>();
    for (Result result : run.results()) {
      String simple = result.testClass().replaceFirst(".*\\.", "");
      all.add(dynamicTest(simple + " " + result.name(), () -> replay(run, result)));
    }
    // a class without a line never ran
    for (Class<?> type : tests) {
      if (run.results().stream().noneMatch(r -> r.testClass().equals(type.getName()))) {
        all.add(dynamicTest(type.getSimpleName(), () -> died(run)));
      }
    }
    all.add(
        dynamicTest(
            "ends well",
            () -> {
              if (run.exit() != 0) {
                died(run);
              }
            }));
    return all.stream();
  }

  private static void unavailable(GuestRun run, boolean matrix) {
    String what =
        "kernel " + run.boot().kernel() + " cannot be downloaded: " + run.tail("vmtest.log", 10);
    if (matrix) {
      throw new AssertionError(what);
    }
    // the build shows such a line, wherever the rest of its output goes
    System.out.println("[WARNING] SKIPPED " + what);
    Assumptions.abort(what);
  }

  private static void replay(GuestRun run, Result result) {
    switch (result.status()) {
      case PASSED -> {
        // the guest has said all there is to say
      }
      case SKIPPED -> Assumptions.abort(result.message());
      case FAILED ->
          throw new AssertionError(
              "in the guest "
                  + run.boot().name()
                  + ", logs in "
                  + run.log()
                  + ":\n"
                  + result.message());
    }
  }

  private static void died(GuestRun run) {
    throw new AssertionError(
        "the guest ended with "
            + run.exit()
            + "\n"
            + run.tail("vmtest.log", 30)
            + "\n"
            + run.tail("console.log", 30));
  }
}
