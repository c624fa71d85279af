package dev.sonde.exporter.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.access.Denial;
import dev.sonde.exporter.access.LoggedLines;
import dev.sonde.exporter.access.TestAuthority;
import dev.sonde.exporter.access.Tokens;
import dev.sonde.v1.ListWorkloadsRequest;
import dev.sonde.v1.ObserverGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** gRPC behind TLS, tokens and client certificates, asked by grpc's own client. */
class GrpcAccessTest {
  private static final String TOKEN = "0123456789abcdef";

  @TempDir Path dir;
  private Access access;
  private GrpcFixture inputs;
  private GrpcFrontend server;

  @BeforeEach
  void start() throws Exception {
    TestAuthority ca = TestAuthority.create(dir, "ca");
    ca.issue("server", 1);
    ca.issue("client", 1);
    ca.issue("late", 0);
    TestAuthority.create(dir, "other").issue("stranger", 1);
    access =
        Access.of(
            Optional.of(TestAuthority.read(dir, "server", "ca")), Optional.of(Tokens.parse(TOKEN)));
    inputs = new GrpcFixture();
    server = GrpcFrontend.start(GrpcFixture.loopback(0), access, inputs.inputs());
  }

  @AfterEach
  void stop() {
    server.close();
    inputs.close();
  }

  private ChannelCredentials tls(String ca, String client) throws IOException {
    TlsChannelCredentials.Builder tls =
        TlsChannelCredentials.newBuilder().trustManager(dir.resolve(ca + ".crt").toFile());
    if (!client.isEmpty()) {
      tls.keyManager(dir.resolve(client + ".crt").toFile(), dir.resolve(client + ".key").toFile());
    }
    return tls.build();
  }

  /** How many workloads it was told. */
  private int list(ChannelCredentials credentials, String token) {
    ManagedChannel channel =
        OkHttpChannelBuilder.forAddress("127.0.0.1", server.address().getPort(), credentials)
            .build();
    try {
      Metadata headers = new Metadata();
      if (!token.isEmpty()) {
        headers.put(
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
      }
      return ObserverGrpc.newBlockingStub(channel)
          .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .listWorkloads(ListWorkloadsRequest.getDefaultInstance())
          .getWorkloadsCount();
    } finally {
      channel.shutdownNow();
    }
  }

  private void assertRefused(Status.Code code, ChannelCredentials credentials, String token) {
    assertThatThrownBy(() -> list(credentials, token))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).as(e.toString()).isEqualTo(code));
  }

  @Test
  void servesThoseWhoMayRead() throws Exception {
    assertThat(list(tls("ca", ""), TOKEN)).isEqualTo(3);
    assertThat(list(tls("ca", "client"), "")).isEqualTo(3);
    assertThat(access.grpc().counts().values()).containsOnly(0L);
  }

  @Test
  void healthIsForEverybody() throws Exception {
    ManagedChannel channel =
        OkHttpChannelBuilder.forAddress("127.0.0.1", server.address().getPort(), tls("ca", ""))
            .build();
    try {
      assertThat(
              HealthGrpc.newBlockingStub(channel)
                  .check(HealthCheckRequest.getDefaultInstance())
                  .getStatus())
          .isEqualTo(ServingStatus.SERVING);
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void refusesCountsAndLogsOnce() throws Exception {
    try (LoggedLines log = new LoggedLines()) {
      for (int i = 1; i <= 2; i++) {
        assertRefused(Status.Code.UNAUTHENTICATED, tls("ca", ""), "");
        assertRefused(Status.Code.UNAUTHENTICATED, tls("ca", ""), "wrong-wrong-wrong-1");
        assertRefused(Status.Code.UNAVAILABLE, tls("other", ""), TOKEN);
        assertRefused(Status.Code.UNAVAILABLE, tls("ca", "late"), TOKEN);
        // grpc's client does not show a certificate of a CA that we did not name
        assertRefused(Status.Code.UNAUTHENTICATED, tls("ca", "stranger"), "");
        assertRefused(Status.Code.UNAVAILABLE, InsecureChannelCredentials.create(), TOKEN);
        int times = i;
        await()
            .atMost(Duration.ofSeconds(10))
            .untilAsserted(
                () -> {
                  assertThat(denied(Denial.UNAUTHORIZED)).isEqualTo(3L * times);
                  // a channel may try again before the call's answer reaches the caller
                  assertThat(denied(Denial.TLS_HANDSHAKE)).isGreaterThanOrEqualTo(times);
                  assertThat(denied(Denial.CLIENT_CERTIFICATE)).isGreaterThanOrEqualTo(times);
                  assertThat(denied(Denial.PLAIN_TEXT)).isGreaterThanOrEqualTo(times);
                });
      }
      assertThat(log.lines()).hasSize(4).noneMatch(l -> l.contains("wrong-wrong"));
    }
  }

  private long denied(Denial why) {
    return access.grpc().counts().getOrDefault(why.label(), -1L);
  }

  @Test
  void rotatesUnderItsClients() throws Exception {
    TestAuthority second = TestAuthority.create(dir, "second");
    second.issue("server2", 1);
    access.replace(TestAuthority.read(dir, "server2", ""));
    access.replace(Tokens.parse("another-token-of-now"));
    assertThat(list(tls("second", ""), "another-token-of-now")).isEqualTo(3);
    assertRefused(Status.Code.UNAUTHENTICATED, tls("second", ""), TOKEN);
    assertRefused(Status.Code.UNAVAILABLE, tls("ca", ""), "another-token-of-now");
  }
}
