package dev.sonde.agent.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * By what a change of a file is seen without reading it: which file a name leads to, its time and
 * its length. Kubernetes exchanges a link when a Secret or ConfigMap changes, so links are
 * followed.
 *
 * @param key inode and device; null where the file is not there
 */
public record FileStamp(@Nullable Object key, long modifiedMillis, long size) {
  private static final FileStamp ABSENT = new FileStamp(null, 0, -1);

  /** As the file is now; a file that cannot be looked at is as good as none. */
  public static FileStamp of(Path file) {
    try {
      BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
      return new FileStamp(a.fileKey(), a.lastModifiedTime().toMillis(), a.size());
    } catch (IOException e) {
      return ABSENT;
    }
  }
}
