package dev.sonde.agent.guest;

import dev.sonde.agent.KernelTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestPlan;

/**
 * Starts the guests when a run of tests begins that has {@link GuestsIT} in it: the other tests
 * wait more than they compute, and an emulated processor takes what they leave. One guest at a time
 * until {@link #alone}; started once, however often a build repeats what failed.
 *
 * <p>Named in {@code META-INF/services}. Thread-safe.
 */
public final class GuestBoots implements TestExecutionListener {
  static final boolean MATRIX = Boolean.getBoolean("sonde.matrix");
  private static final String BOOTS = System.getProperty("sonde.guests", "");
  private static final String TESTS = System.getProperty("sonde.guest.tests", "");
  private static final int AT_A_TIME = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

  /** Takes them in their order. */
  private static final ThreadPoolExecutor POOL =
      new ThreadPoolExecutor(
          1,
          AT_A_TIME,
          1,
          TimeUnit.MINUTES,
          new LinkedBlockingQueue<>(),
          Thread.ofPlatform().daemon().name("guest-", 0).factory());

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
    boolean asked =
        plan.countTestIdentifiers(
                id ->
                    id.getSource().orElse(null) instanceof ClassSource c
                        && c.getClassName().equals(GuestsIT.class.getName()))
            > 0;
    if (asked && KernelTest.Condition.why() == null) {
      started();
    }
  }

  /** Starts them, if they are not yet. */
  static synchronized List<Started> started() {
    if (STARTED.isEmpty()) {
      for (Boot boot : Boot.ALL) {
        List<Class<?>> tests = GuestTests.of(boot, MATRIX, TESTS);
        boolean named = BOOTS.isEmpty() || List.of(BOOTS.split(",")).contains(boot.name());
        if (named && !tests.isEmpty()) {
          STARTED.add(
              new Started(
                  boot,
                  tests,
                  CompletableFuture.supplyAsync(() -> GuestRun.of(boot, tests), POOL)));
        }
      }
    }
    return List.copyOf(STARTED);
  }

  /** No other test runs any more: the machine is the guests'. */
  static void alone() {
    POOL.setCorePoolSize(AT_A_TIME);
  }
}
