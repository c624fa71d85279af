package dev.sonde.agent.workload;

import java.io.IOException;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Turns cgroup ids of one hierarchy into paths, by asking the kernel.
 *
 * <p>Knows nothing of workloads and remembers no answer: {@link PodTable} does both. Any thread;
 * calls may wait for each other.
 */
public sealed interface CgroupResolver extends AutoCloseable permits HandleResolver, TreeResolver {
  /**
   * The best that works here: file handles, else walking the tree.
   *
   * @throws IOException if the hierarchy cannot be read at all
   */
  static CgroupResolver open(CgroupHierarchy hierarchy) throws IOException {
    try {
      return new HandleResolver(hierarchy.mount());
    } catch (IOException e) {
      return new TreeResolver(
          hierarchy.mount(), e.getMessage() == null ? e.toString() : e.getMessage());
    }
  }

  /**
   * The path of cgroup {@code id} below the mount, {@code /} for the root; null if there is no such
   * cgroup any more. Ids are never used twice (kernfs counts up, 64 bits), so null is final.
   *
   * @throws IOException if it cannot be told; ask again later
   */
  @Nullable String path(long id) throws IOException;

  /** Which of {@code ids} still exist: calls {@code gone} for each that does not. */
  void findGone(Iterable<Long> ids, LongConsumer gone) throws IOException;

  /** Every cgroup there is: id to path. */
  Map<Long, String> all() throws IOException;

  /** For {@code sonde doctor}: {@code handle}, or {@code tree (why not handle)}. */
  String mechanism();

  @Override
  void close();
}
