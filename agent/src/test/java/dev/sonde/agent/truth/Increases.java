package dev.sonde.agent.truth;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What counters rose by from scrape to scrape, all their series together, though series come and
 * end meanwhile: a sum over one scrape would lack those that ended.
 *
 * {@snippet :
 * Increases opens = new Increases("sonde_tcp_opens_total");
 * opens.see(agent.fresh()); // at least once in --stale-after
 * long opened = opens.total();
 * }
 */
final class Increases {
  private final List<String> counters;
  private Map<Map<String, String>, Double> last = new HashMap<>();
  private double total;

  Increases(String... counters) {
    this.counters = List.of(counters);
  }

  /** A series that is new began at zero. */
  void see(Scrape scrape) {
    Map<Map<String, String>, Double> now = new HashMap<>();
    for (String counter : counters) {
      for (Scrape.Sample s : scrape.samples(counter)) {
        Map<String, String> key = new HashMap<>(s.labels());
        key.put("__name__", counter);
        now.put(key, s.value());
        total += s.value() - last.getOrDefault(key, 0.0);
      }
    }
    last = now;
  }

  long total() {
    return (long) total;
  }
}
