package dev.sonde.agent.workload.kubelet;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A TLS server that answers {@code /pods} as it is told, with a certificate of its own. */
final class FakeKubelet implements AutoCloseable {
  /** Writes one answer. */
  interface Reply {
    void to(HttpExchange exchange) throws IOException;
  }

  final AtomicReference<String> token = new AtomicReference<>("first");

  /** Runs before a request with the wrong token is refused. */
  volatile Runnable onRefusal = () -> {};

  final AtomicReference<Reply> reply = new AtomicReference<>(json("{\"items\":[]}"));
  final AtomicInteger requests = new AtomicInteger();
  private final HttpsServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Path ca;

  /**
   * @param subject the certificate's alternative name: {@code ip:127.0.0.1}
   */
  FakeKubelet(Path dir, String subject) throws IOException {
    Path store = dir.resolve("kubelet.p12");
    ca = dir.resolve("kubelet.pem");
    keytool(
        "-genkeypair",
        "-alias",
        "k",
        "-keyalg",
        "EC",
        "-dname",
        "CN=kubelet",
        "-ext",
        "SAN=" + subject,
        "-validity",
        "2",
        "-keystore",
        store.toString());
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "k",
        "-keystore",
        store.toString(),
        "-file",
        ca.toString());
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context(store)));
    server.createContext("/", this::handle);
    server.setExecutor(threads);
    server.start();
  }

  private static void keytool(String... arguments) throws IOException {
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    command.addAll(List.of("-storepass", "changeit"));
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (p.waitFor() != 0) {
        throw new AssertionError(output);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static SSLContext context(Path store) throws IOException {
    try (InputStream in = Files.newInputStream(store)) {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(in, "changeit".toCharArray());
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(keys, "changeit".toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(factory.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    requests.incrementAndGet();
    try (exchange) {
      String given = exchange.getRequestHeaders().getFirst("Authorization");
      if (!("Bearer " + token.get()).equals(given)) {
        onRefusal.run();
        exchange.sendResponseHeaders(401, -1);
        return;
      }
      requireNonNull(reply.get()).to(exchange);
    }
  }

  static Reply json(String text) {
    return json(text.getBytes(StandardCharsets.UTF_8));
  }

  static Reply json(byte[] body) {
    return exchange -> {
      exchange.sendResponseHeaders(200, body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    };
  }

  URI endpoint() {
    return URI.create("https://127.0.0.1:" + server.getAddress().getPort());
  }

  Path ca() {
    return ca;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
