package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * Writes a bundle of the image and daemonset.yaml for {@code runc run}, on the host's network and
 * listening on loopback: for bench/footprint and for trying by hand.
 *
 * <pre>{@code DeployBundleMain DIR ROOTFS TOKEN}</pre>
 */
final class DeployBundleMain {
  private DeployBundleMain() {}

  /** The directory is made; the token is written into it. */
  public static void main(String[] args) throws IOException {
    Path dir = Files.createDirectories(Path.of(args[0])).toAbsolutePath();
    Path config = Files.createDirectories(dir.resolve("config"));
    Files.writeString(
        config.resolve("sonde.yaml"),
        Objects.requireNonNull(DeployManifest.read().configuration().getData()).get("sonde.yaml"));
    Path secret = Files.createDirectories(dir.resolve("secret"));
    Files.writeString(secret.resolve("token"), args[2] + "\n");
    DeployBundle bundle =
        new DeployBundle(
            Map.of(
                "spec.nodeName", "node-1",
                "status.podIP", "127.0.0.1",
                "status.hostIP", "127.0.0.1"),
            Map.of("config", config, "secret", secret));
    Capable.ofThisHost(bundle)
        .write(dir, Path.of(args[1]).toAbsolutePath(), "/kubepods/burstable/podsonde/sonde-bench");
  }
}
