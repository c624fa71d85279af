package dev.sonde.agent.workload;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Resolves ids by walking the tree and comparing inode numbers: for where file handles are not
 * allowed.
 *
 * <p>Ids only grow (kernfs hands them out in a cycle and counts the rounds in the upper half), so a
 * walk answers for every id up to the newest it was asked for or saw; only a newer one costs
 * another walk. A stream of unknown ids cannot make it walk without end.
 */
final class TreeResolver implements CgroupResolver {
  private final Path mount;
  private final String why;
  private Map<Long, String> known = new HashMap<>();
  private long newest = Long.MIN_VALUE;

  TreeResolver(Path mount, String why) throws IOException {
    this.mount = mount;
    this.why = why;
    walk();
  }

  private void walk() throws IOException {
    known = CgroupTree.read(mount);
    for (long id : known.keySet()) {
      newest = Math.max(newest, id);
    }
  }

  @Override
  public synchronized @Nullable String path(long id) throws IOException {
    String path = known.get(id);
    if (path == null && id > newest) {
      walk();
      newest = Math.max(newest, id);
      path = known.get(id);
    }
    return path;
  }

  @Override
  public synchronized void findGone(Iterable<Long> ids, LongConsumer gone) throws IOException {
    walk();
    for (long id : ids) {
      if (!known.containsKey(id)) {
        gone.accept(id);
      }
    }
  }

  @Override
  public synchronized Map<Long, String> all() throws IOException {
    walk();
    return Map.copyOf(known);
  }

  @Override
  public String mechanism() {
    return "tree (" + why + ")";
  }

  @Override
  public void close() {}
}
