package dev.sonde.agent.workload.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.ContainerIdentity;
import dev.sonde.agent.workload.Owner;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.PodIdentity;
import dev.sonde.agent.workload.SourceException;
import dev.sonde.agent.workload.cri.v1.Container;
import dev.sonde.agent.workload.cri.v1.ListContainersResponse;
import dev.sonde.agent.workload.cri.v1.ListPodSandboxResponse;
import dev.sonde.agent.workload.cri.v1.PodSandbox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A runtime that vanishes, hangs, is started anew, and lies. */
@Timeout(60)
class CriSourceTest {
  private static final String ID = "5c".repeat(32);
  private static final String SANDBOX = "aa".repeat(32);

  private Path dir;
  private Path socket;
  private FakeRuntime runtime;
  private CriSource source;

  @BeforeEach
  void open() throws IOException {
    // A socket's path has 107 bytes at most: JUnit's folder may be longer.
    dir = Files.createTempDirectory("cri");
    socket = dir.resolve("s");
    runtime = new FakeRuntime(socket);
    source = new CriSource(List.of(socket), new PodFacts("node-1", Set.of("app")));
  }

  @AfterEach
  void close() throws IOException {
    source.close();
    runtime.close();
    Files.deleteIfExists(dir);
  }

  private static PodSandbox.Builder sandbox(String id, String uid, String name) {
    PodSandbox.Builder b = PodSandbox.newBuilder().setId(id).setCreatedAt(7);
    b.getMetadataBuilder().setNamespace("shop").setName(name).setUid(uid);
    return b;
  }

  private static Container.Builder container(String id, String sandbox, String name) {
    Container.Builder b = Container.newBuilder().setId(id).setPodSandboxId(sandbox).setCreatedAt(9);
    b.getMetadataBuilder().setName(name);
    b.getImageBuilder().setImage("busybox:1");
    return b;
  }

  private void tell(PodSandbox.Builder pod, Container.Builder... containers) {
    runtime.pods = ListPodSandboxResponse.newBuilder().addItems(pod).build();
    ListContainersResponse.Builder all = ListContainersResponse.newBuilder();
    for (Container.Builder c : containers) {
      all.addContainers(c);
    }
    runtime.containers = all.build();
  }

  @Test
  void readsPodsAndContainers() throws SourceException {
    tell(
        sandbox(SANDBOX, "uid-1", "web-0")
            .putLabels("app", "web")
            .putLabels("secret", "not for anybody")
            .putLabels("statefulset.kubernetes.io/pod-name", "web-0"),
        container(ID, SANDBOX, "nginx"));
    Answer answer = source.ask();
    assertThat(answer.detail()).isEqualTo("fake 1.0 at " + socket);
    assertThat(answer.pods())
        .containsExactly(
            new PodIdentity(
                "uid-1",
                List.of(),
                "shop",
                "web-0",
                new Owner("StatefulSet", "web"),
                Map.of("app", "web"),
                7));
    assertThat(answer.containers())
        .containsExactly(
            new ContainerIdentity(SANDBOX, "uid-1", "", "", 7),
            new ContainerIdentity(ID, "uid-1", "nginx", "busybox:1", 9));
  }

  @Test
  void aStaticPodIsItsNodes() throws SourceException {
    tell(
        sandbox(SANDBOX, "0123456789abcdef0123456789abcdef", "etcd-n1")
            .putAnnotations("kubernetes.io/config.source", "file")
            .putAnnotations("kubernetes.io/config.hash", "0123456789abcdef0123456789abcdef"));
    assertThat(source.ask().pods().getFirst().owner()).isEqualTo(new Owner("Node", "node-1"));
  }

  @Test
  void anImageThatIsADigestIsAskedForOnce() throws SourceException {
    Container.Builder c = container(ID, SANDBOX, "nginx");
    c.getImageBuilder().setImage("sha256:" + ID);
    tell(sandbox(SANDBOX, "uid-1", "web-0"), c);
    for (int i = 0; i < 3; i++) {
      assertThat(source.ask().containers().get(1).image()).isEqualTo("registry.example/app:1");
    }
    assertThat(runtime.statuses).hasValue(1);
  }

  @Test
  void aRuntimeThatIsStartedAnewIsMetAgain() throws Exception {
    tell(sandbox(SANDBOX, "uid-1", "web-0"));
    assertThat(source.ask().pods()).hasSize(1);
    runtime.close();
    assertThat(source.present()).isFalse();
    assertThatThrownBy(source::ask).hasMessageContaining("no socket at " + socket);
    runtime = new FakeRuntime(socket);
    tell(sandbox(SANDBOX, "uid-1", "web-0"));
    assertThat(source.ask().pods()).hasSize(1);
  }

  @Test
  void aSocketThatNobodyListensOnSaysSo() throws Exception {
    runtime.close();
    Files.createFile(socket);
    assertThatThrownBy(source::ask)
        .isInstanceOfSatisfying(
            SourceException.class,
            e -> assertThat(e.reason()).startsWith(socket + ": UNAVAILABLE"));
    Files.delete(socket);
  }

  @Test
  void aRuntimeThatHangsIsGivenUp() throws Exception {
    runtime.hangs = true;
    assertThatThrownBy(source::ask).hasMessageContaining("DEADLINE_EXCEEDED");
    runtime.hangs = false;
    tell(sandbox(SANDBOX, "uid-1", "web-0"));
    assertThat(source.ask().pods()).hasSize(1);
  }

  @Test
  void closingEndsACallUnderWay() throws Exception {
    runtime.hangs = true;
    Thread asking = Thread.ofPlatform().start(() -> assertThatThrownBy(source::ask).isNotNull());
    await().until(() -> asking.getState() == Thread.State.WAITING || !asking.isAlive());
    source.close();
    assertThat(asking.join(Duration.ofSeconds(10))).isTrue();
    assertThatThrownBy(source::ask).hasMessage("closed");
  }

  private static PodSandbox.Builder padded(int bytes) {
    return sandbox(SANDBOX, "uid-1", "web-0")
        .setUnknownFields(
            UnknownFieldSet.newBuilder()
                .addField(
                    99,
                    UnknownFieldSet.Field.newBuilder()
                        .addLengthDelimited(ByteString.copyFrom(new byte[bytes]))
                        .build())
                .build());
  }

  @Test
  void anAnswerThatIsTooLargeIsNoneAndTheNextOneIsTaken() throws SourceException {
    tell(padded(CriConnection.MOST_BYTES));
    assertThatThrownBy(source::ask)
        .isInstanceOfSatisfying(
            SourceException.class,
            e -> {
              assertThat(e.reason()).contains("RESOURCE_EXHAUSTED");
              assertThat(e.remedy()).contains("16 MiB").contains("--kubelet-endpoint");
            });
    tell(padded(CriConnection.MOST_BYTES - 1000));
    assertThat(source.ask().pods()).as("all but 16 MiB").hasSize(1);
  }

  /** Pods with all the annotations that Kubernetes allows (256 KiB each). */
  @Test
  void manyLargePodsUpToTheLimitAreRead() throws SourceException {
    ListPodSandboxResponse.Builder many = ListPodSandboxResponse.newBuilder();
    String large = "x".repeat(255 << 10);
    for (int i = 0; i < 60; i++) {
      many.addItems(sandbox("s" + i, "u" + i, "p" + i).putAnnotations("large", large));
    }
    runtime.pods = many.build();
    assertThat(source.ask().pods()).hasSize(60);
  }

  @Test
  void aListThatIsTooLongIsNone() {
    ListPodSandboxResponse.Builder many = ListPodSandboxResponse.newBuilder();
    for (int i = 0; i <= Answer.MAX_PODS; i++) {
      many.addItems(sandbox("s" + i, "u" + i, "p" + i));
    }
    runtime.pods = many.build();
    assertThatThrownBy(source::ask).hasMessageContaining("more than " + Answer.MAX_PODS + " items");
  }

  @Test
  void whatIsRefusedSaysWhy() {
    runtime.refuses = true;
    assertThatThrownBy(source::ask).hasMessageContaining("INTERNAL: on purpose");
  }

  @Test
  void namesAreCleanedAndCut() throws SourceException {
    tell(
        sandbox(SANDBOX, "uid-1", "web\n\u001b[31m\u202e" + "x".repeat(1000)),
        container(ID, SANDBOX, "a\u0000b"));
    Answer answer = source.ask();
    String name = answer.pods().getFirst().name();
    assertThat(name).startsWith("web__[31m_xxx").hasSize(Answer.MAX_NAME);
    assertThat(answer.containers().get(1).name()).isEqualTo("a_b");
  }

  @Test
  void whatHasNoPodOrNoNameIsLeftOut() throws SourceException {
    tell(
        sandbox(SANDBOX, "uid-1", ""),
        container(ID, SANDBOX, "nginx"),
        container("77", "no such sandbox", "lost"));
    Answer answer = source.ask();
    assertThat(answer.pods()).isEmpty();
    assertThat(answer.containers()).isEmpty();
  }

  @Test
  void aRuntimeThatTellsOfChangesIsListenedTo() throws SourceException {
    runtime.offersEvents = true;
    AtomicInteger changes = new AtomicInteger();
    source.onChange(changes::incrementAndGet);
    source.ask();
    await().until(runtime::isWatched);
    runtime.tellOfAChange();
    await().untilAtomic(changes, org.hamcrest.Matchers.is(1));
  }
}
