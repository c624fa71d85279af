package dev.sonde.agent.guest;

import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.sonde.agent.KernelTest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Boots the kernels of the matrix, two at a time, and reports each test that ran in a guest as a
 * test here. A boot is one run of all its tests: what fails there is not run again, since an answer
 * that depends on the run is wrong.
 *
 * <ul>
 *   <li>{@code -Dsonde.matrix=true}: both tiers on all kernels, and a kernel that cannot be
 *       downloaded fails; otherwise it skips, loudly
 *   <li>{@code -Dsonde.guests=5.10,6.12}: these boots alone; {@code none}: no guests
 *   <li>{@code -Dsonde.guest.tests=RungsGuest}: these classes alone
 * </ul>
 */
@KernelTest
class GuestsIT {
  private static final boolean MATRIX = Boolean.getBoolean("sonde.matrix");
  private static final String BOOTS = System.getProperty("sonde.guests", "");
  private static final String TESTS = System.getProperty("sonde.guest.tests", "");
  private static final int AT_A_TIME = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

  /** Kept over repetitions by the build: a boot that failed has failed. */
  private static final Map<Boot, CompletableFuture<GuestRun>> RUNS = new LinkedHashMap<>();

  private static final ExecutorService POOL = Executors.newFixedThreadPool(AT_A_TIME);

  @AfterAll
  static void stop() {
    POOL.shutdown();
  }

  @TestFactory
  Stream<DynamicNode> guests() {
    List<DynamicNode> containers = new ArrayList<>();
    for (Boot boot : Boot.ALL) {
      List<Class<?>> tests = GuestTests.of(boot, MATRIX, TESTS);
      boolean named = BOOTS.isEmpty() || List.of(BOOTS.split(",")).contains(boot.name());
      if (named && !tests.isEmpty()) {
        prepare(tests);
        CompletableFuture<GuestRun> run =
            RUNS.computeIfAbsent(
                boot, b -> CompletableFuture.supplyAsync(() -> GuestRun.of(b, tests), POOL));
        // waited for when its turn comes, not before
        containers.add(
            dynamicContainer(boot.name(), Stream.of(run).flatMap(r -> report(r.join(), tests))));
      }
    }
    return containers.stream();
  }

  private static void prepare(List<Class<?>> tests) {
    for (Class<?> test : tests) {
      Guest guest = test.getAnnotation(Guest.class);
      if (guest != null) {
        try {
          guest.onHost().getDeclaredConstructor().newInstance().run();
        } catch (ReflectiveOperationException e) {
          throw new LinkageError("@Guest.onHost of " + test, e);
        }
      }
    }
  }

  private static Stream<DynamicTest> report(GuestRun run, List<Class<?>> tests) {
    if (run.exit() == GuestRun.UNAVAILABLE) {
      return Stream.of(dynamicTest("kernel", () -> unavailable(run)));
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

  private static void unavailable(GuestRun run) {
    String what =
        "kernel " + run.boot().kernel() + " cannot be downloaded: " + run.tail("vmtest.log", 10);
    if (MATRIX) {
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
