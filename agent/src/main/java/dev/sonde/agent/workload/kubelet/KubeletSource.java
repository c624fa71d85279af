package dev.sonde.agent.workload.kubelet;

import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.IdentitySource;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.SourceException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The kubelet as a source of names: {@code GET /pods}, which lists the pods of its node, with their
 * owners.
 *
 * {@snippet :
 * try (KubeletSource kubelet = new KubeletSource(config, facts)) {
 *   Answer all = kubelet.ask();
 * }
 * }
 *
 * <p>Needs a token that may get {@code nodes/pods} (Kubernetes 1.33), before that {@code
 * nodes/proxy}, which also grants exec. Each request reads the token's file anew, and once more
 * after a 401, since tokens rotate. An answer has at most {@value #MOST_BYTES} bytes and comes
 * within {@value #DEADLINE_SECONDS} s; redirects are not followed, so that the token goes to nobody
 * else.
 */
public final class KubeletSource implements IdentitySource {
  static final int DEADLINE_SECONDS = 5;

  /** 500 pods with large specs are 15 MB. It is read as a stream, so this is no memory. */
  static final int MOST_BYTES = 64 << 20;

  private static final int MOST_TOKEN_BYTES = 64 << 10;

  private final KubeletConfig config;
  private final PodFacts facts;
  private @Nullable HttpClient client;
  private volatile boolean closed;

  public KubeletSource(KubeletConfig config, PodFacts facts) {
    this.config = config;
    this.facts = facts;
  }

  @Override
  public String name() {
    return "kubelet";
  }

  @Override
  public boolean present() {
    return config.endpoint() != null;
  }

  @Override
  public String absence() {
    return "not configured: see --kubelet-endpoint";
  }

  @Override
  public Answer ask() throws SourceException {
    URI endpoint = config.endpoint();
    if (endpoint == null) {
      throw new SourceException(absence(), "");
    }
    String token = token();
    HttpResponse<InputStream> response = get(endpoint, token);
    if (response.statusCode() == 401) {
      // The token may have been replaced between its reading and the kubelet's look at it.
      String newer = token();
      if (!newer.equals(token)) {
        close(response.body());
        response = get(endpoint, newer);
      }
    }
    return read(endpoint, response);
  }

  private HttpResponse<InputStream> get(URI endpoint, String token) throws SourceException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(endpoint.resolve("/pods"))
            .timeout(Duration.ofSeconds(DEADLINE_SECONDS))
            .header("Accept", "application/json");
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    try {
      return client().send(request.build(), BodyHandlers.ofInputStream());
    } catch (IOException e) {
      // With a new client the CA's file is read anew: it rotates too.
      drop();
      throw unreachable(endpoint, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SourceException(endpoint + ": interrupted", "", e);
    }
  }

  private Answer read(URI endpoint, HttpResponse<InputStream> response) throws SourceException {
    InputStream body = response.body();
    // A body that dribbles or stops: whoever reads it is let go by its end.
    AtomicBoolean late = new AtomicBoolean();
    CompletableFuture<Void> deadline =
        CompletableFuture.runAsync(
            () -> {
              late.set(true);
              close(body);
            },
            CompletableFuture.delayedExecutor(DEADLINE_SECONDS, TimeUnit.SECONDS));
    try (LimitedInput limited = new LimitedInput(body, MOST_BYTES)) {
      if (response.statusCode() != 200) {
        throw refused(endpoint, response.statusCode());
      }
      return new PodListParser(facts).parse(limited, "kubelet at " + endpoint);
    } catch (IOException e) {
      String why =
          late.get()
              ? "the answer took longer than " + DEADLINE_SECONDS + " s"
              : "the answer cannot be read: " + firstLine(e);
      throw new SourceException(endpoint + "/pods: " + why, "", e);
    } finally {
      deadline.cancel(false);
    }
  }

  private static SourceException refused(URI endpoint, int status) {
    String remedy =
        switch (status) {
          case 401 -> "the token of --kubelet-token is not valid for this kubelet";
          case 403 ->
              "allow the service account to get nodes/pods; kubelets before Kubernetes 1.33 ask for"
                  + " nodes/proxy, which also grants exec: docs/security.md";
          default -> "";
        };
    return new SourceException(endpoint + "/pods: HTTP " + status, remedy);
  }

  private SourceException unreachable(URI endpoint, IOException e) {
    boolean certificate = e instanceof javax.net.ssl.SSLException;
    return new SourceException(
        endpoint + ": " + firstLine(e),
        certificate
            ? "name the CA of the kubelets' certificates with --kubelet-ca FILE, or, where they sign"
                + " their own, trust any with --kubelet-insecure-skip-verify"
            : "does the kubelet listen there, and may this pod reach it?",
        e);
  }

  private static String firstLine(IOException e) {
    String text = String.valueOf(e.getMessage() == null ? e : e.getMessage());
    return PodFacts.clean(text.lines().findFirst().orElse(""));
  }

  private String token() throws SourceException {
    if (!Files.exists(config.token())) {
      return ""; // a kubelet may allow anonymous access; else it answers 401
    }
    try (InputStream in = Files.newInputStream(config.token())) {
      byte[] bytes = in.readNBytes(MOST_TOKEN_BYTES + 1);
      String token = new String(bytes, StandardCharsets.US_ASCII).strip();
      // What no token has would be a header of its own.
      if (bytes.length > MOST_TOKEN_BYTES || token.chars().anyMatch(c -> c <= ' ' || c > '~')) {
        throw new SourceException("--kubelet-token " + config.token() + ": not a token", "");
      }
      return token;
    } catch (IOException e) {
      throw new SourceException(
          "--kubelet-token " + config.token() + ": " + e.getMessage(),
          "mount the service account's token there",
          e);
    }
  }

  private synchronized HttpClient client() throws SourceException {
    if (closed) {
      throw new SourceException("closed", "");
    }
    HttpClient c = client;
    if (c == null) {
      c =
          HttpClient.newBuilder()
              .version(HttpClient.Version.HTTP_1_1)
              .connectTimeout(Duration.ofSeconds(2))
              .followRedirects(HttpClient.Redirect.NEVER)
              .sslContext(KubeletTls.context(config))
              .build();
      client = c;
    }
    return c;
  }

  private static void close(InputStream body) {
    try {
      body.close();
    } catch (IOException e) {
      // It was to be given up.
    }
  }

  private synchronized void drop() {
    if (client != null) {
      client.shutdownNow();
      client = null;
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    drop();
  }
}
