package dev.sonde.agent.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code vmtest run}: how it ends, what it keeps, and when it boots again. */
@KernelTest
@Timeout(300)
class VmtestIT {
  private static final Path ROOT =
      Path.of(System.getProperty("sonde.root", "..")).toAbsolutePath().normalize();
  private static final String KERNEL = "6.1";

  private static final Duration STOPPED = Duration.ofSeconds(2);

  @TempDir Path folder;

  private record Ended(int exit, String output, String errors) {}

  /** A kernel that cannot be downloaded is GuestsIT's to judge. */
  @BeforeAll
  static void kernelIsThere(@TempDir Path folder) throws IOException, InterruptedException {
    Ended fetched = vmtest(folder, Map.of(), "fetch", KERNEL);
    if (fetched.exit() == GuestRun.UNAVAILABLE) {
      Assumptions.abort(fetched.errors());
    }
    assertThat(fetched.exit()).as(fetched.errors()).isZero();
  }

  private Ended run(Map<String, String> environment, List<String> options, String script)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("run", KERNEL, "--out", folder + "/out"));
    all.addAll(options);
    all.addAll(List.of("--", "sh", "-c", script));
    return vmtest(folder, environment, all.toArray(String[]::new));
  }

  private static Ended vmtest(Path folder, Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    return ended(start(folder, environment, arguments), folder);
  }

  private static Process start(Path folder, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(ROOT.resolve("vmtest/vmtest").toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(ROOT.toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectOutput(folder.resolve("output").toFile())
            .redirectError(folder.resolve("errors").toFile());
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static Ended ended(Process process, Path folder)
      throws IOException, InterruptedException {
    assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("it ends").isTrue();
    return new Ended(
        process.exitValue(),
        Files.readString(folder.resolve("output")),
        Files.readString(folder.resolve("errors")));
  }

  private String kept(String name) throws IOException {
    return Files.readString(folder.resolve("out").resolve(name));
  }

  @Test
  void endsAsTheCommandAndKeepsItsLogs() throws IOException, InterruptedException {
    Ended ended = run(Map.of(), List.of(), "uname -r; echo aside >&2; exit 7");
    assertThat(ended.exit()).as(ended.errors()).isEqualTo(7);
    assertThat(ended.output()).startsWith(KERNEL + ".");
    assertThat(ended.errors()).contains("aside");
    assertThat(kept("stdout")).isEqualTo(ended.output());
    assertThat(kept("kernel.log")).contains("Linux version " + KERNEL);
    assertThat(kept("console.log")).isNotNull();
  }

  @Test
  void hasAsManyProcessorsAsAskedAndLeavesTheHostsFilesAlone()
      throws IOException, InterruptedException {
    Path host = folder.resolve("written");
    Ended ended = run(Map.of(), List.of("--smp", "2", "--mem", "1024"), "nproc; echo x > " + host);
    assertThat(ended.exit()).as(ended.errors()).isZero();
    assertThat(ended.output().trim()).isEqualTo("2");
    assertThat(host).doesNotExist();
  }

  /** However long this machine does something else: what is measured there is the guest's own. */
  @Test
  void theClockOfAGuestStandsStillWithItsProcessor() throws IOException, InterruptedException {
    String longestStep =
        "exec bash -c 'p=${EPOCHREALTIME/./}; end=$((p + 1000000)); max=0; echo begun;"
            + " while [ $p -lt $end ]; do c=${EPOCHREALTIME/./};"
            + " [ $((c - p)) -le $max ] || max=$((c - p)); p=$c; done; echo $max'";
    String out = folder + "/out";
    Process vmtest =
        start(folder, Map.of(), "run", KERNEL, "--out", out, "--", "sh", "-c", longestStep);
    Path said = folder.resolve("out/stdout");
    await("the guest to begin")
        .atMost(Duration.ofMinutes(2))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> Files.exists(said) && Files.readString(said).startsWith("begun"));
    ProcessHandle guest =
        vmtest
            .descendants()
            .filter(p -> p.info().command().orElse("").contains("qemu-system"))
            .findFirst()
            .orElseThrow();
    new ProcessBuilder("kill", "-STOP", Long.toString(guest.pid())).start().waitFor();
    Thread.sleep(STOPPED); // the processor's, not ours
    assertThat(said).as("it was in the middle of it").hasContent("begun");
    new ProcessBuilder("kill", "-CONT", Long.toString(guest.pid())).start().waitFor();
    Ended ended = ended(vmtest, folder);
    assertThat(ended.exit()).as(ended.errors()).isZero();
    long longest = Long.parseLong(ended.output().lines().toList().getLast());
    System.out.printf(
        "proof: stopped for %d ms, the guest's clock made a step of %.3f ms%n",
        STOPPED.toMillis(), longest / 1e3);
    assertThat(longest).isLessThan(STOPPED.toMillis() * 1000 / 10);
  }

  /** The command has run, and may not run twice. */
  @Test
  void aGuestThatDiesUnderTheCommandIsNotBootedAgain() throws IOException, InterruptedException {
    Ended ended =
        run(Map.of(), List.of(), "echo once; sync; sleep 1; echo b > /proc/sysrq-trigger; sleep 9");
    assertThat(ended.exit()).as(ended.errors()).isEqualTo(125);
    assertThat(kept("stdout")).isEqualTo("once\n");
    assertThat(ended.errors()).contains("logs in").doesNotContain("boot 1 of");
  }

  /** A processor that the kernel does not start on. */
  @Test
  void aGuestThatNeverStartsTheCommandIsBootedAgainAndSaysSo()
      throws IOException, InterruptedException {
    Ended ended = run(Map.of("VMTEST_CPU", "486"), List.of("--timeout", "20"), "echo never");
    assertThat(ended.exit()).as(ended.errors()).isEqualTo(125);
    assertThat(ended.output()).isEmpty();
    assertThat(ended.errors()).contains("boot 1 of 3", "boot 2 of 3", "boot 3 of 3");
  }

  @Test
  void endsWhenTheTimeIsUp() throws IOException, InterruptedException {
    Ended ended = run(Map.of(), List.of("--timeout", "5"), "echo begun; sleep 1000");
    assertThat(ended.exit()).as(ended.errors()).isEqualTo(124);
    assertThat(ended.output()).isEqualTo("begun\n");
    assertThat(ended.errors()).contains("--timeout");
  }

  /** Neither the pinned version nor another of its series is in the archive, or in the cache. */
  @Test
  void saysThatAKernelCannotBeHad() throws IOException, InterruptedException {
    Path lock = folder.resolve("kernels.lock");
    Files.writeString(
        lock,
        "4.2\tlinux-image-4.2.0-1-cloud-amd64\t4.2.0-1\tdebian/bookworm\tpool/none.deb\t1\t%s\n"
            .formatted("0".repeat(64)));
    Ended ended =
        vmtest(
            folder,
            Map.of("VMTEST_LOCK", lock.toString(), "XDG_CACHE_HOME", folder.toString()),
            "run",
            "4.2",
            "--",
            "true");
    assertThat(ended.exit()).as(ended.errors()).isEqualTo(69);
    assertThat(ended.errors()).contains("4.2");
  }
}
