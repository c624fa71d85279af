package dev.sonde.agent.guest;

import dev.sonde.agent.KernelTest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Starts the guests when a run of tests begins that has {@link GuestsIT} in it. Beside other tests,
 * which wait more than they compute, they get the processors that would be idle and nothing else.
 * Started once, however often a build repeats what failed.
 *
 * <p>Named in {@code META-INF/services}. Thread-safe.
 */
public final class GuestBoots implements TestExecutionListener {
  static final boolean MATRIX = Boolean.getBoolean("sonde.matrix");
  private static final String BOOTS = System.getProperty("sonde.guests", "");
  private static final String TESTS = System.getProperty("sonde.guest.tests", "");
  private static final int AT_A_TIME = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

  /** Takes them in their order. */
  private static final ExecutorService POOL =
      Executors.newFixedThreadPool(
          AT_A_TIME, Thread.ofPlatform().daemon().name("guest-", 0).factory());

  private static final List<Started> STARTED = new ArrayList<>();

  /**
   * @param tests that run there
   * @param run what will have come of it
   */
  record Started(Boot boot, List<Class<?>> tests, CompletableFuture<GuestRun> run) {
    Started {
      tests = List.copyOf(tests);
    }
  }

  @Override
  public void testPlanExecutionStarted(TestPlan plan) {
    Set<String> classes = new HashSet<>();
    for (TestIdentifier root : plan.getRoots()) {
      for (TestIdentifier id : plan.getDescendants(root)) {
        if (id.getSource().orElse(null) instanceof ClassSource c) {
          classes.add(c.getClassName());
        }
      }
    }
    if (classes.remove(GuestsIT.class.getName()) && KernelTest.Condition.why() == null) {
      start(!classes.isEmpty());
    }
  }

  static synchronized List<Started> started() {
    return List.copyOf(STARTED);
  }

  private static synchronized void start(boolean besideOthers) {
    if (!STARTED.isEmpty()) {
      return;
    }
    for (Boot boot : Boot.ALL) {
      List<Class<?>> tests = GuestTests.of(boot, MATRIX, TESTS);
      boolean named = BOOTS.isEmpty() || List.of(BOOTS.split(",")).contains(boot.name());
      if (named && !tests.isEmpty()) {
        STARTED.add(
            new Started(
                boot,
                tests,
                CompletableFuture.supplyAsync(() -> run(boot, tests, besideOthers), POOL)));
      }
    }
  }

  private static GuestRun run(Boot boot, List<Class<?>> tests, boolean besideOthers) {
    prepare(tests);
    return GuestRun.of(boot, tests, besideOthers);
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
}
