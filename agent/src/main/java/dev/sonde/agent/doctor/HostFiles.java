package dev.sonde.agent.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The files a host tells about itself in; tests lay out their own.
 *
 * @param root {@code /}
 */
public record HostFiles(Path root) {
  /** This host. */
  public static HostFiles real() {
    return new HostFiles(Path.of("/"));
  }

  /** A file by its absolute name. */
  public Path path(String absolute) {
    return root.resolve(absolute.substring(1));
  }

  /** The whole text without the last line break; empty if it cannot be read. */
  public Optional<String> text(String absolute) {
    try {
      return Optional.of(Files.readString(path(absolute)).strip());
    } catch (IOException | SecurityException absent) {
      return Optional.empty();
    }
  }

  /** The rest of the line of {@code /proc/self/status} that starts with {@code key:}. */
  public Optional<String> status(String key) {
    return text("/proc/self/status")
        .flatMap(
            status ->
                status
                    .lines()
                    .filter(line -> line.startsWith(key + ":"))
                    .map(line -> line.substring(key.length() + 1).strip())
                    .findFirst());
  }

  /** Where a file system of this type is mounted, if it is. */
  public Optional<String> mountOf(String type) {
    return text("/proc/self/mountinfo")
        .flatMap(
            mounts ->
                mounts
                    .lines()
                    .filter(line -> line.contains(" - " + type + " "))
                    .map(line -> line.split(" ")[4])
                    .findFirst());
  }

  /** {@code uname -r}. */
  public String release() {
    return text("/proc/sys/kernel/osrelease").orElse("unknown");
  }

  /** The effective user; -1 if unknown. */
  public int effectiveUid() {
    return status("Uid").map(ids -> Integer.parseInt(ids.split("\\s+")[1])).orElse(-1);
  }
}
