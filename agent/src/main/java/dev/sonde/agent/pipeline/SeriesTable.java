package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Workload;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Every series that lives, so that a snapshot uses the same {@link Series} object as the one before
 * it and renderers find what they kept there.
 *
 * <p>A series that a snapshot does not mention has ended; if it comes back, it is a new one with a
 * new created timestamp. Owned by the snapshot thread.
 */
final class SeriesTable {
  private record Key(Metric metric, @Nullable Workload owner, List<String> more) {}

  private static final class Entry {
    final Series series;
    long seen;

    Entry(Series series) {
      this.series = series;
    }
  }

  private final String node;
  private final Map<Key, Entry> entries = new HashMap<>();

  SeriesTable(String node) {
    this.node = node;
  }

  /**
   * @param owner null for a series of the node or the agent
   * @param snapshot the sequence of the snapshot that mentions it
   */
  Series get(
      Metric metric, @Nullable Workload owner, String[] more, long snapshot, long nowMillis) {
    Key key = new Key(metric, owner, List.of(more));
    Entry entry = entries.get(key);
    if (entry == null) {
      Labels labels = owner == null ? own(more) : Labels.of(node, owner, more);
      entry = new Entry(new Series(metric, labels, nowMillis));
      entries.put(key, entry);
    }
    entry.seen = snapshot;
    return entry.series;
  }

  private Labels own(String[] more) {
    String[] all = new String[more.length + 2];
    all[0] = "node";
    all[1] = node;
    System.arraycopy(more, 0, all, 2, more.length);
    return Labels.of(all);
  }

  /** Forgets the series that the snapshot did not mention. */
  void endOthers(long snapshot) {
    entries.values().removeIf(e -> e.seen != snapshot);
  }
}
