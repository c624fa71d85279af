package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The image as the DaemonSet runs it: by runc, in a bundle of the manifest, in a network namespace
 * of its own with one address, reached over a veth.
 *
 * {@snippet :
 * try (DeployedAgent agent = DeployedAgent.start(dir, b -> b.without("BPF"))) {
 *   agent.scrape();
 * }
 * }
 */
final class DeployedAgent implements AutoCloseable {
  static final String TOKEN = "0123456789abcdef-image-test";

  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** What a test changes of the bundle. */
  interface Change {
    DeployBundle apply(DeployBundle bundle);
  }

  private final Path dir;
  private final String name;
  private final String pod = "/kubepods/burstable/pod" + UUID.randomUUID();
  private final String address;
  private final Path config;
  private final Path secret;
  private final Process runc;

  private DeployedAgent(Path dir, Path rootfs, Change change) throws IOException {
    int number = NUMBER.incrementAndGet();
    long pid = ProcessHandle.current().pid();
    this.dir = Files.createDirectories(dir.resolve("agent" + number));
    this.name = "sd" + pid % 100_000 + "x" + number;
    int subnet = (int) ((pid + number) % 250);
    this.address = "10.199." + subnet + ".2";
    this.config = mounted("config", "sonde.yaml", "log-level: info\nsnapshot-interval: 200ms\n");
    this.secret = mounted("secret", "token", TOKEN + "\n");
    network("10.199." + subnet + ".1");
    byte[] id = new byte[32];
    ThreadLocalRandom.current().nextBytes(id);
    DeployBundle bundle =
        new DeployBundle(
            Map.of(
                "spec.nodeName", "node-1", "status.podIP", address, "status.hostIP", "127.0.0.1"),
            Map.of("config", config, "secret", secret));
    change
        .apply(bundle.inNetwork(name))
        .write(this.dir, rootfs, pod + "/" + HexFormat.of().formatHex(id));
    this.runc =
        new ProcessBuilder(
                "runc",
                "--root",
                this.dir.resolve("state").toString(),
                "run",
                "--bundle",
                this.dir.toString(),
                name)
            .redirectErrorStream(true)
            .redirectOutput(this.dir.resolve("log").toFile())
            .start();
  }

  /** A volume as a kubelet lays it out: the file leads through ..data, which is exchanged. */
  private Path mounted(String volume, String file, String text) throws IOException {
    Path root = Files.createDirectories(dir.resolve(volume));
    Path version = Files.createDirectories(root.resolve("..v1"));
    Files.writeString(version.resolve(file), text);
    Files.createSymbolicLink(root.resolve("..data"), Path.of("..v1"));
    Files.createSymbolicLink(root.resolve(file), Path.of("..data", file));
    return root;
  }

  /** Exchanges a volume's content as a kubelet does when a Secret or ConfigMap changes. */
  private static void exchange(Path root, String file, String text) throws IOException {
    Path version =
        Files.createTempDirectory(
            root,
            "..v",
            java.nio.file.attribute.PosixFilePermissions.asFileAttribute(
                java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x")));
    Files.writeString(version.resolve(file), text);
    Path link = root.resolve("..data_tmp");
    Files.createSymbolicLink(link, version.getFileName());
    Files.move(link, root.resolve("..data"), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }

  void configure(String yaml) throws IOException {
    exchange(config, "sonde.yaml", yaml);
  }

  void token(String text) throws IOException {
    exchange(secret, "token", text);
  }

  private void network(String host) {
    String veth = "v" + name;
    Command.run("ip", "netns", "add", name);
    Command.run("ip", "link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", name);
    Command.run("ip", "addr", "add", host + "/30", "dev", veth);
    Command.run("ip", "link", "set", veth, "up");
    Command.run("ip", "-n", name, "addr", "add", address + "/30", "dev", "eth0");
    Command.run("ip", "-n", name, "link", "set", "eth0", "up");
    Command.run("ip", "-n", name, "link", "set", "lo", "up");
  }

  /** Starts it and waits until its readiness probe would succeed. */
  static DeployedAgent start(Path dir, Path rootfs, Change change) {
    DeployedAgent agent;
    try {
      agent = new DeployedAgent(dir, rootfs, change);
    } catch (IOException e) {
      throw new AssertionError("make a bundle", e);
    }
    try {
      await("the image to be ready")
          .atMost(Patience.seconds(30))
          .pollInterval(Patience.pause(50))
          .until(() -> !agent.runc.isAlive() || agent.status("/readyz", "") == 200);
      if (!agent.runc.isAlive()) {
        throw new AssertionError("it ended with " + agent.runc.exitValue());
      }
      return agent;
    } catch (RuntimeException | AssertionError e) {
      String log = agent.log();
      agent.close();
      throw new AssertionError("the image did not start:\n" + log, e);
    }
  }

  /** The status of a page; 0 if nobody answers. */
  int status(String path, String token) {
    try {
      return get(path, token).statusCode();
    } catch (IOException e) {
      return 0;
    }
  }

  private HttpResponse<String> get(String path, String token) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + address + ":9520" + path))
            .timeout(Patience.seconds(10));
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    try {
      return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  Scrape scrape() {
    return scrape(TOKEN);
  }

  Scrape scrape(String token) {
    try {
      HttpResponse<String> page = get("/metrics", token);
      if (page.statusCode() != 200) {
        throw new AssertionError("/metrics: " + page.statusCode() + " " + page.body());
      }
      return new Scrape(page.body());
    } catch (IOException e) {
      throw new AssertionError("/metrics: " + e + "\n" + log(), e);
    }
  }

  /** A scrape of a snapshot that was begun after this call. */
  Scrape fresh() {
    double now = scrape().sum("sonde_snapshots_total");
    await("two more snapshots")
        .atMost(Patience.seconds(10))
        .pollInterval(Patience.pause(50))
        .until(() -> scrape().sum("sonde_snapshots_total") >= now + 2);
    return scrape();
  }

  String log() {
    try {
      return Files.readString(dir.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Of the agent's process, as this namespace numbers it. */
  long pid() {
    String state = Command.run("runc", "--root", dir.resolve("state").toString(), "state", name);
    java.util.regex.Matcher m = java.util.regex.Pattern.compile("\"pid\": (\\d+)").matcher(state);
    if (!m.find()) {
      throw new AssertionError(state);
    }
    return Long.parseLong(m.group(1));
  }

  String address() {
    return address;
  }

  void kill(String signal) {
    Command.run("runc", "--root", dir.resolve("state").toString(), "kill", name, signal);
  }

  /** Waits for its end; the exit code. */
  int exit(long seconds) {
    try {
      if (!runc.waitFor(Patience.seconds(seconds))) {
        throw new AssertionError("still there after " + seconds + " s:\n" + log());
      }
      return runc.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    for (List<String> command :
        List.of(
            List.of("runc", "--root", dir.resolve("state").toString(), "delete", "--force", name),
            List.of("ip", "link", "del", "v" + name),
            List.of("ip", "netns", "del", name))) {
      try {
        var _ = new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
      } catch (IOException e) {
        throw new AssertionError(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    runc.destroyForcibly();
    removePod();
  }

  /** The kubelet's part: runc removes the container's cgroup and leaves those above. */
  private void removePod() {
    File[] roots = new File("/sys/fs/cgroup").listFiles(File::isDirectory);
    List<File> all = new ArrayList<>(List.of(roots == null ? new File[0] : roots));
    all.add(new File("/sys/fs/cgroup"));
    for (File root : all) {
      for (String parent : List.of(pod, "/kubepods/burstable", "/kubepods")) {
        // fails where somebody else's pods are in it
        var _ = new File(root + parent).delete();
      }
    }
  }
}
