package dev.sonde.agent.guest;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;
import static org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder.request;

import dev.sonde.agent.guest.Result.Status;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * What runs in a guest: all test classes of its arguments, in one JVM. Writes a line for each test
 * as it ends, so that those before a crash are known.
 *
 * <p>{@code GuestMain RESULTS CLASS...}; ends with 0 whether or not they passed.
 */
final class GuestMain implements TestExecutionListener {
  private final BufferedWriter out;
  private final Map<String, Long> started = new HashMap<>();

  private GuestMain(BufferedWriter out) {
    this.out = out;
  }

  public static void main(String[] args) throws IOException {
    Path results = Path.of(args[0]);
    try (BufferedWriter out = Files.newBufferedWriter(results)) {
      LauncherFactory.create()
          .execute(
              request()
                  .selectors(Arrays.stream(args).skip(1).map(GuestMain::selector).toList())
                  .build(),
              new GuestMain(out));
    }
    System.exit(0); // whatever threads a test left behind
  }

  /** A class, or one method of it: {@code dev.sonde.XGuest#method}. */
  private static DiscoverySelector selector(String name) {
    return name.contains("#") ? selectMethod(name) : selectClass(name);
  }

  @Override
  public void executionStarted(TestIdentifier test) {
    started.put(test.getUniqueId(), System.nanoTime());
    if (test.isTest()) {
      System.out.println("--- " + className(test) + " " + test.getDisplayName());
    }
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    write(test, Status.SKIPPED, reason);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    String trace = trace(result);
    switch (result.getStatus()) {
      case SUCCESSFUL -> {
        if (test.isTest()) {
          write(test, Status.PASSED, "");
        }
      }
      case ABORTED -> write(test, Status.SKIPPED, trace);
      case FAILED -> write(test, Status.FAILED, trace);
    }
  }

  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    System.out.println("--- all tests have ended");
  }

  private static String trace(TestExecutionResult result) {
    return result
        .getThrowable()
        .map(
            thrown -> {
              StringWriter text = new StringWriter();
              thrown.printStackTrace(new PrintWriter(text));
              return text.toString();
            })
        .orElse("");
  }

  private static String className(TestIdentifier test) {
    return test.getSource()
        .map(
            source ->
                switch (source) {
                  case MethodSource m -> m.getClassName();
                  case ClassSource c -> c.getClassName();
                  default -> "";
                })
        .orElse("");
  }

  /** The method, and for one of several invocations which. */
  private static String name(TestIdentifier test) {
    String method =
        test.getSource()
            .map(source -> source instanceof MethodSource m ? m.getMethodName() : "")
            .orElse("");
    String shown = test.getDisplayName();
    return method.isEmpty() || shown.startsWith(method) ? shown : method + " " + shown;
  }

  private void write(TestIdentifier test, Status status, String message) {
    long began = started.getOrDefault(test.getUniqueId(), System.nanoTime());
    long millis = (System.nanoTime() - began) / 1_000_000;
    Result result = new Result(className(test), name(test), status, millis, message);
    System.out.println("--- " + status + " " + result.name() + " " + millis + " ms " + message);
    try {
      out.write(result.line() + "\n");
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
