package dev.sonde.agent.cli;

import dev.sonde.agent.Agent;
import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.config.Endpoint;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.StartFailure;
import java.io.IOException;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/**
 * {@code --train}: an ordinary start, one scrape of each format and a look at {@linkplain
 * OwnClasses all other classes}, so that the build can record which classes those need and put them
 * into the AOT cache.
 */
final class Training {
  private static final List<String> FORMATS =
      List.of(
          "text/plain;version=0.0.4",
          "application/openmetrics-text;version=1.0.0",
          "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited");

  private Training() {}

  static ExitCode run(Config config, ConfigSource source, AccessFiles access, PrintStream out)
      throws StartException {
    Config free =
        config
            .with(Options.LISTEN, new Endpoint("127.0.0.1", 0))
            .with(Options.GRPC_LISTEN, Optional.of(new Endpoint("127.0.0.1", 0)));
    return new Foreground(free, source, access, out).run(Training::scrapeAll);
  }

  private static void scrapeAll(Agent agent) throws StartException {
    try {
      for (String format : FORMATS) {
        scrape(agent.url() + "/metrics", format);
      }
      OwnClasses.load();
    } catch (IOException e) {
      throw new StartException(new StartFailure.Broken("train: " + e.getMessage(), ""));
    }
  }

  /** HttpURLConnection, not HttpClient: the agent has no use for HttpClient's many classes. */
  private static void scrape(String url, String accept) throws IOException {
    HttpURLConnection request = (HttpURLConnection) URI.create(url).toURL().openConnection();
    request.setRequestProperty("Accept", accept);
    request.setRequestProperty("Accept-Encoding", "gzip");
    request.setReadTimeout(10_000);
    if (request.getResponseCode() != HttpURLConnection.HTTP_OK) {
      throw new IOException(url + " answered " + request.getResponseCode());
    }
    request.getInputStream().readAllBytes();
  }
}
