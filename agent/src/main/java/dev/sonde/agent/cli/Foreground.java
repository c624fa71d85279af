package dev.sonde.agent.cli;

import dev.sonde.agent.Agent;
import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.exporter.model.Snapshot;
import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * Runs the agent until SIGTERM or SIGINT.
 *
 * <p>The JVM ends when its shutdown hooks have: the hook tells the main thread to close the agent,
 * and waits until everything is detached.
 */
final class Foreground {
  private final Config config;
  private final ConfigSource source;
  private final AccessFiles access;
  private final PrintStream out;
  private final CountDownLatch told = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);

  Foreground(Config config, ConfigSource source, AccessFiles access, PrintStream out) {
    this.config = config;
    this.source = source;
    this.access = access;
    this.out = out;
  }

  /** What is done while the agent runs; it is stopped afterwards. */
  @FunctionalInterface
  interface Work {
    void with(Agent agent) throws InterruptedException, StartException;
  }

  ExitCode run() throws StartException {
    return run(agent -> told.await());
  }

  ExitCode run(Work work) throws StartException {
    Thread hook = Thread.ofPlatform().name("sonde-stop").unstarted(this::stop);
    Runtime.getRuntime().addShutdownHook(hook);
    Consumer<Snapshot> observer =
        config.get(Options.WATCH) ? new Watch(out, config)::show : s -> {};
    try (Agent agent = Agent.start(config, source, access, Version.current(), observer)) {
      work.with(agent);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      ended.countDown();
    }
    return ExitCode.OK;
  }

  private void stop() {
    told.countDown();
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
