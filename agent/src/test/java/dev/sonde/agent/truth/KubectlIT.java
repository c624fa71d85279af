package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * daemonset.yaml as kubectl reads it without a cluster: every document through its own types.
 * Whether a cluster would admit it, only a cluster can say.
 */
class KubectlIT {
  private record Ended(int exit, String out) {}

  private static List<String> documents() throws IOException {
    Path file = Path.of(System.getProperty("sonde.root"), "daemonset.yaml");
    return Arrays.asList(Files.readString(file).split("\n---\n", -1));
  }

  /** Decodes into kubectl's types, changes the image, prints. */
  private static Ended setImage(String yaml) throws IOException, InterruptedException {
    Process p;
    try {
      p =
          new ProcessBuilder(
                  "kubectl", "set", "image", "--local", "-f", "-", "sonde=other:1", "-o", "yaml")
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      throw new AssertionError("kubectl is missing; install it with: make test", e);
    }
    p.getOutputStream().write(yaml.getBytes(StandardCharsets.UTF_8));
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(p.waitFor(), out);
  }

  @Test
  void decodesEveryDocument() throws Exception {
    List<String> odd = new ArrayList<>();
    for (String document : documents()) {
      Ended ended = setImage(document);
      boolean daemonSet = document.contains("kind: DaemonSet");
      boolean decoded = daemonSet ? ended.exit() == 0 : ended.out().contains("does not have a pod");
      // an operator's own kind: kubectl knows nothing of it
      if (!decoded && !document.contains("kind: PodMonitor")) {
        odd.add(ended.out());
      }
      if (daemonSet) {
        assertThat(ended.out())
            .contains("image: other:1", "hostPID: true", "readOnlyRootFilesystem: true")
            .contains("- CHECKPOINT_RESTORE", "type: RuntimeDefault", "mountPath: /host/cgroup");
      }
    }
    assertThat(odd).isEmpty();
  }

  /** The check itself can fail. */
  @ParameterizedTest
  @CsvSource({
    "readOnlyRootFilesystem: true, readOnlyRootFilesystem: maybe",
    "hostPID: true, hostPID: [1]",
    "containerPort: 9520, containerPort: http",
  })
  void refusesAValueOfAnotherType(String right, String wrong) throws Exception {
    String daemonSet =
        documents().stream().filter(d -> d.contains("kind: DaemonSet")).findFirst().orElseThrow();
    assertThat(daemonSet).contains(right);
    assertThat(setImage(daemonSet.replace(right, wrong)).exit()).isNotZero();
  }
}
