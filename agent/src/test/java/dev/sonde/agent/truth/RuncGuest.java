package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.guest.Variant;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A container as runc makes it, in the cgroup that a kubelet would ask for. */
@Guest(variants = {Variant.PLAIN, Variant.CGROUP_V1})
class RuncGuest {
  private static final long BYTES = 500_000;

  @TempDir Path bundle;

  @Test
  void chargesAContainerWithWhatItDoes() throws Exception {
    byte[] random = new byte[32];
    ThreadLocalRandom.current().nextBytes(random);
    String container = HexFormat.of().formatHex(random);
    String pod = UUID.randomUUID().toString();
    String[] labels = {"pod", pod, "container", container};
    try (AgentProcess agent = AgentProcess.start("--grpc-listen", "off");
        ServerSocketChannel listener =
            ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
      write(
          "/kubepods/burstable/pod" + pod + "/" + container,
          "dd if=/dev/zero bs=1000 count=500 | nc 127.0.0.1 "
              + port
              + "; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
      Path log = bundle.resolve("runc.log");
      Process runc =
          new ProcessBuilder(
                  "runc", "run", "--bundle", bundle.toString(), container.substring(0, 12))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      long heard = drain(listener);
      assertThat(runc.waitFor(Patience.seconds(30))).as(Files.readString(log)).isTrue();
      assertThat(runc.exitValue()).as(Files.readString(log)).isZero();
      Scrape after = agent.fresh();
      TcpMoved.proof(
          "%s runc: sent %.0f of %d; on CPU %.3f s in %.0f waits",
          Expected.GUEST,
          after.sum(TcpMoved.SENT, labels),
          BYTES,
          after.sum("sonde_sched_on_cpu_seconds_total", labels),
          after.sum("sonde_sched_run_queue_seconds_count", labels));
      assertThat(heard).isEqualTo(BYTES);
      assertThat(after.sum(TcpMoved.SENT, labels)).isEqualTo(BYTES);
      assertThat(after.sum("sonde_sched_on_cpu_seconds_total", labels)).isPositive();
      assertThat(after.sum("sonde_sched_run_queue_seconds_count", labels)).isPositive();
    }
  }

  private static long drain(ServerSocketChannel listener) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(65536);
    long total = 0;
    try (SocketChannel from = listener.accept()) {
      for (int n = from.read(buffer); n >= 0; n = from.read(buffer.clear())) {
        total += n;
      }
    }
    return total;
  }

  /** A bundle whose root is busybox, with this machine's network. */
  private void write(String cgroup, String script) throws IOException {
    Path bin = Files.createDirectories(bundle.resolve("rootfs/bin"));
    Files.copy(Path.of("/bin/busybox"), bin.resolve("busybox"));
    for (String applet : new String[] {"sh", "dd", "nc"}) {
      Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
    }
    for (String dir : new String[] {"proc", "dev", "sys"}) {
      Files.createDirectories(bundle.resolve("rootfs").resolve(dir));
    }
    Files.writeString(
        bundle.resolve("config.json"),
        """
        {"ociVersion": "1.0.2",
         "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "cwd": "/",
           "args": ["sh", "-c", "%s"], "env": ["PATH=/bin"]},
         "root": {"path": "rootfs", "readonly": false},
         "mounts": [
           {"destination": "/proc", "type": "proc", "source": "proc"},
           {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "mode=755"]}],
         "linux": {"cgroupsPath": "%s",
           "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]}}
        """
            .formatted(script, cgroup));
  }
}
