package dev.sonde.exporter.model;

import java.util.List;

/**
 * An immutable, ordered list of label names and values.
 *
 * <p>Names are trusted (they come from code); values are not (they come from pods) and are escaped
 * by whoever renders them.
 */
public record Labels(List<String> names, List<String> values) {
  public static final Labels NONE = new Labels(List.of(), List.of());

  public Labels {
    names = List.copyOf(names);
    values = List.copyOf(values);
    if (names.size() != values.size()) {
      throw new IllegalArgumentException(
          "labels: " + names.size() + " names but " + values.size() + " values");
    }
  }

  /** {@code Labels.of("probe", "tcp_retransmit", "mechanism", "tp_btf")}. */
  public static Labels of(String... namesAndValues) {
    if (namesAndValues.length % 2 != 0) {
      throw new IllegalArgumentException(
          "labels: a name without a value: " + List.of(namesAndValues));
    }
    String[] names = new String[namesAndValues.length / 2];
    String[] values = new String[names.length];
    for (int i = 0; i < names.length; i++) {
      names[i] = namesAndValues[2 * i];
      values[i] = namesAndValues[2 * i + 1];
    }
    return new Labels(List.of(names), List.of(values));
  }

  /** The five labels of every per-workload series, then {@code more}. */
  public static Labels of(String node, Workload owner, String... more) {
    String[] all = new String[10 + more.length];
    String[] own = {
      "node",
      node,
      "namespace",
      owner.namespace(),
      "pod",
      owner.pod(),
      "container",
      owner.container(),
      "unit",
      owner.unit()
    };
    System.arraycopy(own, 0, all, 0, own.length);
    System.arraycopy(more, 0, all, own.length, more.length);
    return of(all);
  }

  /**
   * These, with {@code other}'s list of names where it has the same names: a metric's series, of
   * which there are thousands, have them in common.
   */
  public Labels sharingNames(Labels other) {
    return names.equals(other.names) ? new Labels(other.names, values) : this;
  }

  /** The value of {@code name}, empty if there is none. */
  public String get(String name) {
    int i = names.indexOf(name);
    return i < 0 ? "" : values.get(i);
  }

  public int size() {
    return names.size();
  }
}
