package dev.sonde.exporter.access;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Those who were turned away at one port: all counted, the first of each kind logged.
 *
 * <p>Whoever hammers on the port fills no log. New credentials are a change of state, so {@link
 * #rearm} lets the next of each kind be logged again. Any thread may call.
 */
public final class Denials {
  private final String port;
  private final EnumMap<Denial, LongAdder> counts = new EnumMap<>(Denial.class);
  private final EnumSet<Denial> logged = EnumSet.noneOf(Denial.class);

  /**
   * @param port its name in the log: {@code http}
   */
  public Denials(String port) {
    this.port = port;
    for (Denial r : Denial.values()) {
      counts.put(r, new LongAdder());
    }
  }

  /**
   * Counts one.
   *
   * @param client its address
   * @param detail what was wrong; never the credential itself
   */
  public void count(Denial why, String client, String detail) {
    LongAdder adder = counts.get(why);
    if (adder != null) {
      adder.increment();
    }
    boolean first;
    synchronized (logged) {
      first = logged.add(why);
    }
    if (first) {
      log()
          .log(
              Level.WARNING,
              "{0}: refused {1} ({2}: {3}); further ones are only counted, in"
                  + " sonde_access_refused_total",
              new Object[] {port, client, why.label(), detail.replaceAll("\\p{Cntrl}", "?")});
    }
  }

  /** Not held: a start in which nobody is refused does not load {@code java.util.logging}. */
  private static Logger log() {
    return Logger.getLogger(Denials.class.getName());
  }

  /** The next of each kind is logged again. */
  public void rearm() {
    synchronized (logged) {
      logged.clear();
    }
  }

  /** The counts by {@link Denial#label}; every kind is present. */
  public Map<String, Long> counts() {
    Map<String, Long> all = new LinkedHashMap<>();
    counts.forEach((why, n) -> all.put(why.label(), n.sum()));
    return all;
  }
}
