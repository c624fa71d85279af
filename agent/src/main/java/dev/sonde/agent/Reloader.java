package dev.sonde.agent;

import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.access.Reloads;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.config.FileStamp;
import dev.sonde.agent.config.Option;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.log.Log;
import dev.sonde.agent.log.LogSink;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.SnapshotLoop;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.exporter.http.HttpFrontend;
import dev.sonde.exporter.model.Metric;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Watches the configuration file and the files of tokens and certificates, and takes over what can
 * be changed while the agent runs.
 *
 * <p>That is {@link #LIVE}: nothing that a counter hangs on. Whatever else has changed is named in
 * the log and counted in {@code sonde_config_restart_needed}; the running value stays. A file that
 * is not valid is refused whole. One thread, which looks once a second (a stat a file).
 */
final class Reloader implements AutoCloseable, Source {
  private static final Log LOG = Log.named("config");
  private static final Duration PERIOD = Duration.ofSeconds(1);

  static final List<Option<?>> LIVE =
      List.of(
          Options.LOG_LEVEL,
          Options.SNAPSHOT_INTERVAL,
          Options.MAX_SERIES,
          Options.MAX_SERIES_PER_METRIC,
          Options.MAX_CONNECTIONS,
          Options.CLASSIC_HISTOGRAMS);

  static final Metric RELOADS =
      Metric.counter(
          "sonde_reloads_total", "Changed files that were taken over or refused, by which.");
  static final Metric RESTART =
      Metric.gauge("sonde_config_restart_needed", "Options whose new value waits for a restart.");
  static final Metric EXPIRY =
      Metric.gauge(
          "sonde_tls_certificate_expiry_seconds", "When the certificate ends, in Unix time.");
  static final Metric REFUSED =
      Metric.counter(
          "sonde_access_refused_total", "Clients that were not let in, by port and why.");

  private final ConfigSource source;
  private final AccessFiles files;
  private final HttpFrontend http;
  private final SnapshotLoop loop;
  private final Config started;
  private final Health health;
  private final Reloads reloads = new Reloads();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("sonde-reload").factory());
  private Config current;
  private Optional<Path> file;
  private FileStamp stamp;
  private volatile int restartNeeded;

  Reloader(
      Config config,
      ConfigSource source,
      AccessFiles files,
      HttpFrontend http,
      SnapshotLoop loop,
      Health health) {
    this.source = source;
    this.files = files;
    this.http = http;
    this.loop = loop;
    this.health = health;
    this.started = config;
    this.current = config;
    this.file = ConfigSource.file(config);
    this.stamp = file.map(FileStamp::of).orElseGet(() -> FileStamp.of(Path.of("")));
  }

  void start() {
    var _ =
        thread.scheduleWithFixedDelay(
            this::look, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void look() {
    try {
      files.refresh();
      if (file.isPresent()) {
        FileStamp now = FileStamp.of(file.get());
        if (!now.equals(stamp)) {
          stamp = now;
          reload();
        }
      }
    } catch (RuntimeException e) {
      LOG.error("looking for changed files failed", e);
    }
  }

  private void reload() {
    Config next;
    try {
      next = source.load();
    } catch (ConfigException e) {
      reloads.refused();
      LOG.warn("new configuration refused, the old one stays", "why", e.what(), "do", e.remedy());
      return;
    }
    List<String> live =
        LIVE.stream().filter(o -> differs(o, current, next)).map(Option::name).toList();
    List<String> waiting =
        Options.ALL.stream()
            .filter(o -> !LIVE.contains(o) && differs(o, started, next))
            .map(Option::name)
            .toList();
    apply(next);
    current = next;
    restartNeeded = waiting.size();
    reloads.applied();
    LOG.info("new configuration in force", "changed", live, "wait_for_restart", waiting);
  }

  private static boolean differs(Option<?> option, Config a, Config b) {
    return !a.setting(option).value().equals(b.setting(option).value());
  }

  private void apply(Config next) {
    LogSink.level(next.get(Options.LOG_LEVEL));
    loop.every(next.get(Options.SNAPSHOT_INTERVAL));
    loop.limit(Agent.seriesLimits(next));
    health.interval(next.get(Options.SNAPSHOT_INTERVAL));
    http.reconfigure(next.get(Options.MAX_CONNECTIONS), next.get(Options.CLASSIC_HISTOGRAMS));
  }

  @Override
  public void collect(SnapshotBuilder out) {
    report(out, "config", reloads);
    report(out, "token", files.tokens());
    report(out, "tls", files.tls());
    out.addOwn(RESTART, restartNeeded);
    Instant expiry = files.expiry();
    if (expiry != null) {
      out.addOwn(EXPIRY, expiry.getEpochSecond());
    }
    refused(out, "http", files.access().http().counts());
    refused(out, "grpc", files.access().grpc().counts());
  }

  private static void report(SnapshotBuilder out, String what, Reloads counts) {
    out.addOwn(RELOADS, counts.appliedCount(), "what", what, "result", "applied");
    out.addOwn(RELOADS, counts.refusedCount(), "what", what, "result", "refused");
  }

  private static void refused(SnapshotBuilder out, String port, Map<String, Long> counts) {
    counts.forEach((why, n) -> out.addOwn(REFUSED, n, "port", port, "reason", why));
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
