package dev.sonde.agent.workload.kubelet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.ContainerIdentity;
import dev.sonde.agent.workload.Owner;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.PodIdentity;
import dev.sonde.agent.workload.SourceException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A kubelet over TLS, honest and otherwise. */
@Timeout(60)
class KubeletSourceTest {
  private static final long CREATED =
      Instant.parse("2026-03-01T12:00:05Z").getEpochSecond() * 1_000_000_000L;

  @TempDir Path dir;
  private FakeKubelet kubelet;
  private Path token;
  private KubeletSource source;

  @BeforeEach
  void open() throws IOException {
    kubelet = new FakeKubelet(dir, "ip:127.0.0.1");
    token = Files.writeString(dir.resolve("token"), "first\n");
    source = source(kubelet.endpoint(), kubelet.ca(), false);
  }

  @AfterEach
  void close() {
    source.close();
    kubelet.close();
  }

  private KubeletSource source(URI endpoint, @Nullable Path ca, boolean skipVerify) {
    return new KubeletSource(
        new KubeletConfig(endpoint, ca, skipVerify, token), new PodFacts("n1", Set.of("app")));
  }

  private void reply(String json) {
    kubelet.reply.set(FakeKubelet.json(json));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 110, 500})
  void readsListsOfRealShape(int pods) throws SourceException {
    reply(PodLists.of(pods));
    Answer answer = source.ask();
    assertThat(answer.pods()).hasSize(pods);
    assertThat(answer.containers()).hasSize(3 * pods);
    for (int i = 0; i < pods; i += 99) {
      assertThat(answer.pods().get(i))
          .isEqualTo(
              new PodIdentity(
                  PodLists.uid(i),
                  List.of(),
                  "shop",
                  "web-7d4b9c6f5d-%05d".formatted(i),
                  new Owner("Deployment", "web"),
                  Map.of("app", "web"),
                  CREATED));
      assertThat(answer.containers())
          .contains(
              new ContainerIdentity(
                  PodLists.containerId(i),
                  PodLists.uid(i),
                  "nginx",
                  "docker.io/library/nginx:1.27",
                  CREATED + 4_000_000_000L),
              new ContainerIdentity(
                  PodLists.sidecarId(i),
                  PodLists.uid(i),
                  "proxy",
                  "envoy:1",
                  CREATED + 1_000_000_000L),
              new ContainerIdentity(
                  "e%063x".formatted(i),
                  PodLists.uid(i),
                  "nginx",
                  "docker.io/library/nginx:1.27",
                  CREATED));
    }
  }

  @Test
  void aMirrorAndAStaticPodAreTheSame() throws SourceException {
    String hash = "0123456789abcdef0123456789abcdef";
    reply(
        """
        {"items":[{"metadata":{"name":"etcd-n1","namespace":"kube-system","uid":"m1","annotations":
          {"kubernetes.io/config.hash":"%1$s","kubernetes.io/config.mirror":"%1$s",
           "kubernetes.io/config.source":"file"}}}]}
        """
            .formatted(hash));
    PodIdentity pod = source.ask().pods().getFirst();
    assertThat(pod.aliases()).contains(hash);
    assertThat(pod.owner()).isEqualTo(new Owner("Node", "n1"));
  }

  @Test
  void ephemeralContainersHaveNames() throws SourceException {
    reply(
        """
        {"items":[{"status":{"ephemeralContainerStatuses":[{"containerID":"cri-o://77",
          "name":"debugger","image":"busybox"}]},"metadata":{"name":"a","namespace":"b","uid":"c"}}]}
        """);
    assertThat(source.ask().containers())
        .containsExactly(new ContainerIdentity("77", "c", "debugger", "busybox", 0));
  }

  @Test
  void aTokenThatRotatesIsReadAnew() throws Exception {
    assertThat(source.ask().pods()).isEmpty();
    kubelet.token.set("second");
    assertThatThrownBy(source::ask).hasMessageContaining("HTTP 401");
    Files.writeString(token, "second");
    assertThat(source.ask().pods()).isEmpty();
  }

  /** The file is replaced after it was read and before the kubelet looked. */
  @Test
  void aTokenThatRotatesDuringARequestIsTriedOnce() throws Exception {
    kubelet.token.set("second");
    kubelet.onRefusal =
        () -> {
          try {
            Files.writeString(token, "second");
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
    kubelet.requests.set(0);
    assertThat(source.ask().pods()).isEmpty();
    assertThat(kubelet.requests).hasValue(2);
  }

  @Test
  void refusalsSayWhatToDo() {
    kubelet.reply.set(e -> e.sendResponseHeaders(403, -1));
    assertThatThrownBy(source::ask)
        .isInstanceOfSatisfying(
            SourceException.class,
            e -> {
              assertThat(e.reason()).endsWith("/pods: HTTP 403");
              assertThat(e.remedy()).contains("nodes/pods").contains("nodes/proxy");
            });
  }

  @Test
  void redirectsAreNotFollowed() {
    kubelet.reply.set(
        e -> {
          e.getResponseHeaders().add("Location", kubelet.endpoint() + "/elsewhere");
          e.sendResponseHeaders(302, -1);
        });
    assertThatThrownBy(source::ask).hasMessageContaining("HTTP 302");
    assertThat(kubelet.requests).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no json",
        "[]",
        "{}",
        "{\"kind\":\"Status\",\"message\":\"no\"}",
        "{\"items\":7}",
        "{\"items\":[7]}",
        "{\"items\":[{\"metadata\":{\"name\":\"a\"",
        "{\"items\":[{\"metadata\":{\"name\":\"a\",\"uid\":\"b\"}}"
      })
  void whatIsNoListIsRefused(String body) {
    reply(body);
    assertThatThrownBy(source::ask).hasMessageContaining("the answer cannot be read");
  }

  @Test
  void oddTypesWithinAListAreSkipped() throws SourceException {
    reply(
        """
        {"items":[
          {"metadata":null,"status":"?"},
          {"metadata":{"name":7,"uid":["x"],"labels":[1]}},
          {"metadata":{"name":"a\\u0000b\\n","namespace":"c","uid":"d","labels":{"app":{"x":1}},
            "creationTimestamp":"yesterday","ownerReferences":{}},
           "status":{"containerStatuses":{"name":"x"}}}]}
        """);
    Answer answer = source.ask();
    assertThat(answer.pods()).extracting(PodIdentity::name).containsExactly("a_b_");
    assertThat(answer.containers()).isEmpty();
  }

  @Test
  void nestingWithoutEndIsRefused() {
    reply("{\"items\":[{\"spec\":" + "[".repeat(100_000));
    assertThatThrownBy(source::ask).hasMessageContaining("nesting depth");
  }

  @Test
  void anAnswerWithoutEndIsRefused() {
    kubelet.reply.set(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          try (OutputStream out = exchange.getResponseBody()) {
            out.write("{\"items\":[".getBytes(StandardCharsets.UTF_8));
            byte[] some = " ".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i <= KubeletSource.MOST_BYTES >> 20; i++) {
              out.write(some);
            }
          }
        });
    assertThatThrownBy(source::ask).hasMessageContaining("more than 67108864 bytes");
  }

  @Test
  void anAnswerThatStopsMidwayIsGivenUp() throws SourceException {
    kubelet.reply.set(KubeletSourceTest::stopMidway);
    assertThatThrownBy(source::ask).hasMessageContaining("longer than 5 s");
    reply(PodLists.of(1));
    assertThat(source.ask().pods()).as("the next one").hasSize(1);
  }

  private static void stopMidway(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    out.write("{\"items\":[".getBytes(StandardCharsets.UTF_8));
    out.flush();
    try {
      Thread.sleep(20_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void anUnknownCertificateIsRefusedUnlessAskedFor() throws SourceException {
    try (KubeletSource strict = source(kubelet.endpoint(), null, false);
        KubeletSource lax = source(kubelet.endpoint(), null, true)) {
      assertThatThrownBy(strict::ask)
          .isInstanceOfSatisfying(
              SourceException.class,
              e -> assertThat(e.remedy()).contains("--kubelet-insecure-skip-verify"));
      assertThat(kubelet.requests).as("no token was sent").hasValue(0);
      assertThat(lax.ask().pods()).isEmpty();
    }
  }

  @Test
  void aCertificateOfAnotherHostIsRefusedUnlessAskedFor(@TempDir Path other) throws Exception {
    try (FakeKubelet elsewhere = new FakeKubelet(other, "dns:elsewhere.example");
        KubeletSource strict = source(elsewhere.endpoint(), elsewhere.ca(), false);
        KubeletSource lax = source(elsewhere.endpoint(), elsewhere.ca(), true)) {
      assertThatThrownBy(strict::ask).isInstanceOf(SourceException.class);
      assertThat(lax.ask().pods()).isEmpty();
    }
  }

  @Test
  void nobodyListening() {
    URI endpoint = kubelet.endpoint();
    kubelet.close();
    assertThatThrownBy(source::ask).hasMessageStartingWith(endpoint + ": ");
  }

  @Test
  void aTokenThatIsNoneIsNotSent() throws Exception {
    Files.writeString(token, "first\r\nX-Evil: yes");
    assertThatThrownBy(source::ask).hasMessageContaining("not a token");
    assertThat(kubelet.requests).hasValue(0);
  }

  @Test
  void aCaFileThatIsNoneSaysSo() throws Exception {
    Path bad = Files.writeString(dir.resolve("bad.pem"), "no certificate");
    try (KubeletSource s = source(kubelet.endpoint(), bad, false)) {
      assertThatThrownBy(s::ask).hasMessageStartingWith("--kubelet-ca " + bad);
    }
  }
}
