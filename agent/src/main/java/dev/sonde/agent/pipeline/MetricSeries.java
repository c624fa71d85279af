package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Every series of one metric that lives, and those of them that a snapshot mentions.
 *
 * <p>Who comes when the metric or the agent is full has no series of its own until it ends: its
 * increments go into {@code ~other}, which keeps them for good, so that it never falls. There is
 * one {@code ~other} for each set of the other labels' values, if the metric has few of them (kinds
 * of waits, states), else one alone.
 *
 * <p>Finding a series that is known allocates nothing. Owned by the snapshot thread.
 */
final class MetricSeries {
  /** A metric with more sets of other labels than this has one {@code ~other} alone. */
  private static final int KINDS = 16;

  private final Metric metric;
  private final SeriesTable table;
  private final Map<Workload, Rows> byOwner = new HashMap<>();
  private final Rows ofNobody = new Rows();

  /** The first sets of other labels that any workload had. */
  private final List<String[]> kinds = new ArrayList<>();

  private boolean hasManyKinds;

  /** Those of the snapshot that is being made, in the order in which they were mentioned. */
  private final List<Row> shown = new ArrayList<>();

  /** Likewise those that have no series of their own. */
  private final List<Row> hidden = new ArrayList<>();

  /** Where the hidden ones' increments go. */
  private final List<Row> others = new ArrayList<>();

  private Labels lastMade = Labels.NONE;
  private int rows;
  private int named;
  private long dropped;
  private boolean perWorkload;

  MetricSeries(Metric metric, SeriesTable table) {
    this.metric = metric;
    this.table = table;
  }

  Metric metric() {
    return metric;
  }

  /** Whether its series are of workloads. */
  boolean isPerWorkload() {
    return perWorkload;
  }

  /** How many series came that have none of their own. */
  long dropped() {
    return dropped;
  }

  /** How many series the snapshot that is being made has. */
  int size() {
    return shown.size();
  }

  void add(@Nullable Workload owner, String[] more, double value) {
    mention(find(owner, more)).add(value);
  }

  void add(@Nullable Workload owner, String[] more, Histogram value) {
    mention(find(owner, more)).add(value);
  }

  private Row mention(Row row) {
    if (!row.isIn(table.snapshot())) {
      row.begin(table.snapshot());
      (row.into == null ? shown : hidden).add(row);
    }
    return row;
  }

  private Row find(@Nullable Workload owner, String[] more) {
    Rows of = owner == null ? ofNobody : byOwner.get(owner);
    Row found = of == null ? null : of.find(more);
    return found == null ? made(owner, more) : found;
  }

  private Row made(@Nullable Workload owner, String[] more) {
    Row row = make(owner, more);
    Rows of = owner == null ? ofNobody : byOwner.computeIfAbsent(owner, w -> new Rows());
    of.add(row);
    rows++;
    return row;
  }

  private Row make(@Nullable Workload owner, String[] more) {
    if (owner == null || owner.equals(Workload.OTHER)) {
      return new Row(owner, more.clone(), series(owner, more), null, table.source());
    }
    perWorkload = true;
    String[] kept = kept(more);
    if (table.hasRoom(named)) {
      named++;
      table.added(1);
      return new Row(owner, kept, series(owner, kept), null, table.source());
    }
    dropped++;
    Row into = find(Workload.OTHER, hasManyKinds ? others(kept) : kept);
    Row row = new Row(owner, kept, null, into, table.source());
    if (!others.contains(into)) {
      others.add(into);
    }
    return row;
  }

  /**
   * These labels for keeps: one array for all series that have them, if the metric has few sets.
   */
  private String[] kept(String[] more) {
    for (String[] kind : kinds) {
      if (Arrays.equals(kind, more)) {
        return kind;
      }
    }
    String[] own = more.clone();
    if (kinds.size() < KINDS) {
      kinds.add(own);
    } else {
      hasManyKinds = true;
    }
    return own;
  }

  private static String[] others(String[] more) {
    String[] labels = more.clone();
    for (int i = 1; i < labels.length; i += 2) {
      labels[i] = Workload.OTHER.unit();
    }
    return labels;
  }

  private Series series(@Nullable Workload owner, String[] more) {
    String node = table.node();
    Labels labels = owner == null ? own(node, more) : Labels.of(node, owner, more);
    lastMade = labels.sharingNames(lastMade);
    return new Series(metric, lastMade, table.nowMillis());
  }

  private static Labels own(String node, String[] more) {
    String[] all = new String[more.length + 2];
    all[0] = "node";
    all[1] = node;
    System.arraycopy(more, 0, all, 2, more.length);
    return Labels.of(all);
  }

  /** When all sources have said what they have: what has no series goes into {@code ~other}. */
  void fold() {
    Metric.Type type = metric.type();
    for (Row row : hidden) {
      Row into = row.into;
      if (into != null) {
        row.passOn(type, mention(into));
      }
    }
    if (type != Metric.Type.GAUGE) {
      others.forEach(this::mention);
    }
  }

  /** The values of the snapshot, after {@link #fold}. */
  Family family() {
    return metric.type() == Metric.Type.HISTOGRAM ? histograms() : scalars();
  }

  private Family scalars() {
    Series[] series = new Series[shown.size()];
    double[] values = new double[series.length];
    for (int i = 0; i < series.length; i++) {
      series[i] = shown.get(i).series();
      values[i] = shown.get(i).value();
    }
    return new Family.Scalars(metric, series, values);
  }

  private Family histograms() {
    // A source that failed between mentioning it and its value leaves one without.
    shown.removeIf(row -> row.histogram() == null);
    Series[] series = new Series[shown.size()];
    Histogram[] values = new Histogram[series.length];
    for (int i = 0; i < series.length; i++) {
      series[i] = shown.get(i).series();
      values[i] = Objects.requireNonNull(shown.get(i).histogram());
    }
    return new Family.Histograms(metric, series, values);
  }

  /**
   * The snapshot is made: forgets what it did not mention.
   *
   * @param failed whose series have not ended, though they did not mention them
   */
  void end(Set<Source> failed) {
    if (shown.size() + hidden.size() < rows) {
      Predicate<Row> stays = row -> stays(row, failed) || hasEnded(row);
      ofNobody.retain(stays);
      for (Iterator<Rows> i = byOwner.values().iterator(); i.hasNext(); ) {
        Rows of = i.next();
        of.retain(stays);
        if (of.isEmpty()) {
          i.remove();
        }
      }
    }
    shown.clear();
    hidden.clear();
  }

  /** Takes note of it; never stays. */
  private boolean hasEnded(Row row) {
    rows--;
    if (row.owner != null && row.into == null && !row.owner.equals(Workload.OTHER)) {
      named--;
      table.added(-1);
    }
    return false;
  }

  private boolean stays(Row row, Set<Source> failed) {
    return row.isIn(table.snapshot())
        || row.takes()
        || (row.source != null && failed.contains(row.source));
  }
}
