package dev.sonde.exporter.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.access.Denial;
import dev.sonde.exporter.access.LoggedLines;
import dev.sonde.exporter.access.TestAuthority;
import dev.sonde.exporter.access.Tokens;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.prometheus.Samples;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP behind TLS and tokens, asked by curl(1) and openssl(1). */
class TlsTest {
  private static final String TOKEN = "0123456789abcdef";

  @TempDir Path dir;
  private Access access;
  private OneNioFrontend http;

  @BeforeEach
  void start() throws Exception {
    TestAuthority ca = TestAuthority.create(dir, "ca");
    ca.issue("server", 1);
    ca.issue("client", 1);
    TestAuthority.create(dir, "other").issue("stranger", 1);
    access =
        Access.of(
            Optional.of(TestAuthority.read(dir, "server", "ca")), Optional.of(Tokens.parse(TOKEN)));
    http =
        OneNioFrontend.start(
            Running.impatient(), access, () -> Samples.counters(20_000), Readiness.Ready::new);
  }

  @AfterEach
  void stop() {
    http.close();
  }

  private TestAuthority.Result curl(String scheme, String path, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of("curl", "-sS", "--max-time", "20", "-o", "page", "-w", "%{http_code}"));
    command.addAll(List.of(more));
    command.add(scheme + "://127.0.0.1:" + http.address().getPort() + path);
    return TestAuthority.run(dir, command);
  }

  private long denied(Denial why) {
    return access.http().counts().getOrDefault(why.label(), -1L);
  }

  @Test
  void servesThoseWhoMayRead() throws Exception {
    String[] token = {"--cacert", "ca.crt", "-H", "Authorization: Bearer " + TOKEN};
    assertThat(curl("https", "/metrics", token).output()).isEqualTo("200");
    // several records, sent as the client takes them
    assertThat(Files.size(dir.resolve("page"))).isGreaterThan(1_000_000);
    assertThat(Files.readString(dir.resolve("page"))).endsWith("\n").startsWith("# HELP");
    String[] certificate = {"--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key"};
    for (String version : List.of("1.2", "1.3")) {
      List<String> with = new ArrayList<>(List.of(certificate));
      with.addAll(List.of("--tlsv" + version, "--tls-max", version));
      assertThat(curl("https", "/metrics", with.toArray(String[]::new)).output()).isEqualTo("200");
    }
    // a kubelet's probe: no credentials, and the certificate is not looked at
    assertThat(curl("https", "/healthz", "-k").output()).isEqualTo("200");
    assertThat(curl("https", "/readyz", "-k").output()).isEqualTo("200");
    assertThat(access.http().counts().values()).containsOnly(0L);
  }

  @Test
  void refusesCountsAndLogsOnce() {
    try (LoggedLines log = new LoggedLines()) {
      for (int i = 1; i <= 3; i++) {
        assertThat(
                curl("https", "/metrics", "-k", "-H", "Authorization: Bearer wrong-wrong-wrong-1")
                    .output())
            .isEqualTo("401");
        assertThat(curl("https", "/metrics", "-k").output()).isEqualTo("401");
        assertThat(curl("http", "/metrics").output()).isEqualTo("400");
        assertThat(dir.resolve("page")).content().contains("speaks TLS");
        // a client that does not trust us
        assertThat(curl("https", "/metrics", "--cacert", "other.crt").exit()).isEqualTo(60);
        // a client that we do not trust
        assertThat(
                curl("https", "/healthz", "-k", "--cert", "stranger.crt", "--key", "stranger.key")
                    .exit())
            .isNotZero();
        int times = i;
        await()
            .atMost(Duration.ofSeconds(10))
            .untilAsserted(
                () -> {
                  assertThat(denied(Denial.UNAUTHORIZED)).isEqualTo(2L * times);
                  assertThat(denied(Denial.PLAIN_TEXT)).isEqualTo(times);
                  assertThat(denied(Denial.TLS_HANDSHAKE)).isEqualTo(times);
                  assertThat(denied(Denial.CLIENT_CERTIFICATE)).isEqualTo(times);
                });
      }
      assertThat(log.lines()).hasSize(4).noneMatch(l -> l.contains("wrong-wrong"));
    }
  }

  @Test
  void refusesACertificateThatHasEnded() throws Exception {
    TestAuthority ca = TestAuthority.create(dir, "second");
    ca.issue("server2", 1);
    ca.issue("late", 0);
    access.replace(TestAuthority.read(dir, "server2", "second"));
    assertThat(curl("https", "/metrics", "-k", "--cert", "late.crt", "--key", "late.key").exit())
        .isNotZero();
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(denied(Denial.CLIENT_CERTIFICATE)).isEqualTo(1));
    // and the rotated certificate is the one that is shown
    assertThat(
            curl(
                    "https",
                    "/metrics",
                    "--cacert",
                    "second.crt",
                    "-H",
                    "Authorization: Bearer " + TOKEN)
                .output())
        .isEqualTo("200");
  }

  @Test
  void speaksTlsAsOpensslDoes() {
    TestAuthority.Result modern = sClient("-tls1_3");
    assertThat(modern.output()).contains("Verify return code: 0 (ok)", "TLSv1.3");
    assertThat(sClient("-tls1_2").output()).contains("Verify return code: 0 (ok)");
    assertThat(sClient("-tls1_1").exit()).isNotZero();
  }

  private TestAuthority.Result sClient(String version) {
    return TestAuthority.run(
        dir,
        List.of(
            "openssl",
            "s_client",
            "-connect",
            "127.0.0.1:" + http.address().getPort(),
            "-CAfile",
            "ca.crt",
            version));
  }

  /** The deadlines of plain text hold: neither silence nor half a handshake keeps a place. */
  @Test
  void cutsWhoDoesNotFinishTheHandshake() throws Exception {
    byte[] half = {0x16, 3, 1, 2, 0, 1};
    try (Socket slow = new Socket(http.address().getAddress(), http.address().getPort())) {
      slow.setSoTimeout(20_000);
      OutputStream out = slow.getOutputStream();
      out.write(half);
      out.flush();
      InputStream in = slow.getInputStream();
      assertThat(in.readAllBytes()).isEmpty();
    }
  }

  /** Garbage in the form of a record ends its own connection and nothing else. */
  @Test
  void survivesGarbage() throws Exception {
    for (int seed = 0; seed < 50; seed++) {
      byte[] garbage = new byte[600];
      new java.util.Random(seed).nextBytes(garbage);
      garbage[0] = 0x16;
      garbage[1] = 3;
      garbage[2] = 1;
      garbage[3] = 0;
      garbage[4] = (byte) (seed + 40);
      try (Socket socket = new Socket(http.address().getAddress(), http.address().getPort())) {
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(garbage);
        socket.shutdownOutput();
        var _ = socket.getInputStream().readAllBytes();
      } catch (java.io.IOException reset) {
        // as good an end as any
      }
    }
    assertThat(curl("https", "/healthz", "--cacert", "ca.crt").output()).isEqualTo("200");
    assertThat(http.stats().rejected()).isNotEmpty();
    assertThat(denied(Denial.TLS_HANDSHAKE)).isPositive();
  }

  @Test
  void keepsAConnectionAndTakesPipelinedRequests() throws Exception {
    TestAuthority.Result two =
        curl(
            "https",
            "/healthz",
            "--cacert",
            "ca.crt",
            "https://127.0.0.1:" + http.address().getPort() + "/readyz");
    assertThat(two.output()).contains("200");
    Path requests = dir.resolve("requests");
    Files.writeString(
        requests,
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200)
            + "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        StandardCharsets.ISO_8859_1);
    TestAuthority.Result piped =
        TestAuthority.run(
            dir,
            List.of(
                "sh",
                "-c",
                "(cat requests; sleep 3) | openssl s_client -quiet -CAfile ca.crt -connect"
                    + " 127.0.0.1:"
                    + http.address().getPort()));
    assertThat(piped.output().split("HTTP/1.1 200 OK", -1)).hasSize(202);
  }
}
