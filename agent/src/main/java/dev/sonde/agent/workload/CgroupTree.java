package dev.sonde.agent.workload;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Walks a cgroup hierarchy. A cgroup's id is its directory's inode number.
 *
 * <p>kernfs counts a directory's subdirectories in its link count, so that the dozens of control
 * files of a cgroup without children are never looked at.
 */
final class CgroupTree {
  /** Deeper than any real tree; the kernel has no limit of its own by default. */
  private static final int MAX_DEPTH = 64;

  private final Map<Long, String> ids = new HashMap<>();

  private CgroupTree() {}

  /**
   * Id to path below {@code mount} of every cgroup; those that vanish meanwhile are left out.
   *
   * @throws IOException if {@code mount} itself cannot be read
   */
  static Map<Long, String> read(Path mount) throws IOException {
    CgroupTree tree = new CgroupTree();
    tree.visit(mount, "", attributes(mount), 0);
    return tree.ids;
  }

  private void visit(Path dir, String path, Map<String, Object> attributes, int depth) {
    ids.put(((Number) attributes.getOrDefault("ino", 0L)).longValue(), path.isEmpty() ? "/" : path);
    boolean leaf = ((Number) attributes.getOrDefault("nlink", 0)).intValue() == 2;
    if (leaf || depth == MAX_DEPTH) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir)) {
      for (Path entry : entries) {
        visitEntry(entry, path + "/" + entry.getFileName(), depth + 1);
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Removed while it was read: then so are its children.
      return;
    }
  }

  private void visitEntry(Path entry, String path, int depth) {
    Map<String, Object> attributes;
    try {
      attributes = attributes(entry);
    } catch (IOException e) {
      return;
    }
    if (Boolean.TRUE.equals(attributes.get("isDirectory"))) {
      visit(entry, path, attributes, depth);
    }
  }

  private static Map<String, Object> attributes(Path path) throws IOException {
    return Files.readAttributes(path, "unix:ino,nlink,isDirectory", LinkOption.NOFOLLOW_LINKS);
  }
}
