package dev.sonde.exporter.grpc;

import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Workload;
import dev.sonde.v1.LabelMatcher;
import java.util.ArrayList;
import java.util.List;

/** Conditions on labels, all of which must hold. Not thread-safe: see {@link LabelCondition}. */
final class LabelSelector {
  private static final List<String> OF_WORKLOAD = List.of("namespace", "pod", "container", "unit");

  private final List<LabelCondition> conditions;

  private LabelSelector(List<LabelCondition> conditions) {
    this.conditions = conditions;
  }

  /** A selector of series: any label. */
  static LabelSelector ofSeries(List<LabelMatcher> matchers) throws InvalidRequestException {
    if (matchers.size() > GrpcLimits.MATCHERS) {
      throw new InvalidRequestException(
          "matchers", "there are " + matchers.size() + ", at most " + GrpcLimits.MATCHERS);
    }
    List<LabelCondition> conditions = new ArrayList<>();
    for (int i = 0; i < matchers.size(); i++) {
      conditions.add(LabelCondition.parse("matchers[" + i + "]", matchers.get(i)));
    }
    return new LabelSelector(conditions);
  }

  /** A selector of workloads: their four labels only. */
  static LabelSelector ofWorkloads(List<LabelMatcher> matchers) throws InvalidRequestException {
    LabelSelector selector = ofSeries(matchers);
    for (int i = 0; i < matchers.size(); i++) {
      String label = selector.conditions.get(i).label();
      if (!OF_WORKLOAD.contains(label)) {
        throw new InvalidRequestException(
            "matchers[" + i + "].label",
            "\"" + label + "\" is not of a workload; it has " + String.join(", ", OF_WORKLOAD));
      }
    }
    return selector;
  }

  boolean matches(Labels labels) {
    for (LabelCondition c : conditions) {
      if (!c.holds(labels.get(c.label()))) {
        return false;
      }
    }
    return true;
  }

  boolean matches(Workload w) {
    for (LabelCondition c : conditions) {
      if (!c.holds(label(w, c.label()))) {
        return false;
      }
    }
    return true;
  }

  private static String label(Workload w, String name) {
    return switch (name) {
      case "namespace" -> w.namespace();
      case "pod" -> w.pod();
      case "container" -> w.container();
      case "unit" -> w.unit();
      default -> throw new AssertionError(name);
    };
  }
}
