package dev.sonde.agent.runtime.jvm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Reads one JVM's performance data file ({@code /tmp/hsperfdata_<user>/<pid>}) through {@code
 * /proc/P/map_files}.
 *
 * <p>That needs neither the user's name nor the path in the pod, follows no link the pod could
 * plant, and works when the file has been deleted. A reading is open, pread, close: no descriptor
 * and no mapping of ours stays behind to keep the pod's mount busy. The parse allocates nothing.
 *
 * <p>Needs CAP_SYS_ADMIN or (5.9) CAP_CHECKPOINT_RESTORE. Kernel floor: 4.3.
 */
final class HsperfReader implements JvmReader {
  private final Path file;
  private final ByteBuffer buffer;
  private final HsperfLayout layout;
  private final JvmIdentity identity;

  private HsperfReader(Path file, ByteBuffer buffer, HsperfLayout layout, JvmIdentity identity) {
    this.file = file;
    this.buffer = buffer;
    this.layout = layout;
    this.identity = identity;
  }

  /**
   * @param file {@code /proc/P/map_files/<range>}
   * @throws IOException if it cannot be read
   * @throws PerfData.FormatException if it is not (yet) performance data
   */
  static HsperfReader open(Path file) throws IOException, PerfData.FormatException {
    // Opening a device could do something; a mapping of one is no performance data.
    if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
      throw new IOException(file + " is no regular file");
    }
    ByteBuffer whole;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      whole = ByteBuffer.allocate((int) Math.min(channel.size(), PerfData.MAX_BYTES));
      fill(channel, whole);
    }
    PerfData data = PerfData.parse(whole);
    HsperfLayout layout = new HsperfLayout(data);
    JvmIdentity identity =
        new JvmIdentity(
            data.string("java.property.java.version"),
            data.string("java.property.java.vm.vendor"),
            layout.gc());
    ByteBuffer buffer = ByteBuffer.allocateDirect(layout.length()).order(data.order());
    return new HsperfReader(file, buffer, layout, identity);
  }

  private static void fill(FileChannel channel, ByteBuffer buffer) throws IOException {
    buffer.clear();
    // pread(2) of a regular file is short at its end only.
    int read;
    do {
      read = buffer.hasRemaining() ? channel.read(buffer, buffer.position()) : -1;
    } while (read > 0);
    buffer.flip();
  }

  @Override
  public String source() {
    return "hsperf";
  }

  @Override
  public JvmIdentity identity() {
    return identity;
  }

  @Override
  public void read(JvmCounters out) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      fill(channel, buffer);
    }
    if (buffer.limit() < layout.length()) {
      // Truncated by whoever owns it.
      throw new IOException(file + ": only " + buffer.limit() + " bytes");
    }
    layout.read(buffer, out);
  }
}
