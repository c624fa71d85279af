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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * {@code --train FILE}: an ordinary start and one scrape of each format, so that the build can
 * record which classes those need and put them into the AOT cache, together with {@linkplain
 * ProbeClasses those that read probes}, which are written to FILE.
 */
final class Training {
  private static final List<String> FORMATS =
      List.of(
          "text/plain;version=0.0.4",
          "application/openmetrics-text;version=1.0.0",
          "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited");

  private Training() {}

  static ExitCode run(
      Config config, ConfigSource source, AccessFiles access, PrintStream out, Path probes)
      throws StartException {
    Config free =
        config
            .with(Options.LISTEN, new Endpoint("127.0.0.1", 0))
            .with(Options.GRPC_LISTEN, Optional.of(new Endpoint("127.0.0.1", 0)));
    return new Foreground(free, source, access, out).run(agent -> train(agent, config, probes));
  }

  private static void train(Agent agent, Config config, Path probes) throws StartException {
    try {
      Optional<Path> file = config.get(Options.TOKEN_FILE);
      String token = file.isPresent() ? Files.readString(file.get()).strip() : "";
      for (String format : FORMATS) {
        scrape(agent.url() + "/metrics", format, token);
      }
      Files.write(probes, ProbeClasses.list());
    } catch (IOException e) {
      throw new StartException(new StartFailure.Broken("train: " + e.getMessage(), ""));
    }
  }

  /** HttpURLConnection, not HttpClient: the agent has no use for HttpClient's many classes. */
  private static void scrape(String url, String accept, String token) throws IOException {
    HttpURLConnection request = (HttpURLConnection) URI.create(url).toURL().openConnection();
    request.setRequestProperty("Accept", accept);
    request.setRequestProperty("Accept-Encoding", "gzip");
    request.setRequestProperty("Authorization", "Bearer " + token);
    request.setReadTimeout(10_000);
    if (request.getResponseCode() != HttpURLConnection.HTTP_OK) {
      throw new IOException(url + " answered " + request.getResponseCode());
    }
    request.getInputStream().readAllBytes();
  }
}
