package dev.sonde.agent.config;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Which probes run: {@code all}, {@code tcp_retransmit,sched}, {@code all,-sched}.
 *
 * @param all whether a probe that is named nowhere runs
 * @param named those named with a plus (or nothing) before them
 * @param without those named with a minus before them; it wins
 */
public record ProbeSelection(boolean all, Set<String> named, Set<String> without) {
  private static final String ALL = "all";

  public ProbeSelection {
    named = Set.copyOf(named);
    without = Set.copyOf(without);
  }

  /** Whether {@code probe} is to be loaded at all. */
  public boolean includes(String probe) {
    return !without.contains(probe) && (all || named.contains(probe));
  }

  static ProbeSelection parse(String text) throws BadValueException {
    Set<String> named = new LinkedHashSet<>();
    Set<String> without = new LinkedHashSet<>();
    boolean all = false;
    for (String item : items(text)) {
      char sign = item.charAt(0);
      String name = sign == '-' || sign == '+' ? item.substring(1) : item;
      if (name.isEmpty() || name.contains("=")) {
        throw new BadValueException("'" + item + "' is no probe's name");
      }
      if (name.equals(ALL)) {
        if (sign == '-') {
          throw new BadValueException("'-all' leaves nothing to observe");
        }
        all = true;
      } else if (sign == '-') {
        without.add(name);
      } else {
        named.add(name);
      }
    }
    // Only exclusions: they are meant to be taken from the whole.
    return new ProbeSelection(all || named.isEmpty(), named, without);
  }

  /** The items of a comma list, stripped, without the empty ones. */
  static List<String> items(String text) {
    List<String> items = new ArrayList<>();
    for (String part : text.split(",")) {
      if (!part.isBlank()) {
        items.add(part.strip());
      }
    }
    return items;
  }
}
