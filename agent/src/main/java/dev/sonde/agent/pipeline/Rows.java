package dev.sonde.agent.pipeline;

import java.util.Arrays;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one owner in one metric.
 *
 * <p>A source names them in the same order each time, so that the one that is looked for is most
 * often the one after the last. Owned by the snapshot thread.
 */
final class Rows {
  private Row[] all = {};
  private int next;

  /** The one with these labels, or null. Allocates nothing. */
  @Nullable Row find(String[] more) {
    for (int i = 0; i < all.length; i++) {
      int at = next + i < all.length ? next + i : next + i - all.length;
      if (all[at].hasLabels(more)) {
        next = at + 1 < all.length ? at + 1 : 0;
        return all[at];
      }
    }
    return null;
  }

  void add(Row row) {
    all = Arrays.copyOf(all, all.length + 1);
    all[all.length - 1] = row;
  }

  /** Keeps those alone that {@code stays} holds for, which is asked once for each. */
  void retain(Predicate<Row> stays) {
    Row[] left = new Row[all.length];
    int n = 0;
    for (Row row : all) {
      if (stays.test(row)) {
        left[n++] = row;
      }
    }
    if (n < all.length) {
      all = Arrays.copyOf(left, n);
      next = 0;
    }
  }

  boolean isEmpty() {
    return all.length == 0;
  }
}
