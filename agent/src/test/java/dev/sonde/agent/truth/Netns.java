package dev.sonde.agent.truth;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What {@code nstat} counts in a network namespace, since the namespace was made. */
final class Netns {
  static final String RETRANSMITTED = "TcpRetransSegs";

  private Netns() {}

  /** All counters of a named namespace. */
  static Map<String, Long> counters(String namespace) {
    return parse(Command.run("ip", "netns", "exec", namespace, "nstat", "-asz"));
  }

  static long retransmitted(String namespace) {
    return counters(namespace).getOrDefault(RETRANSMITTED, 0L);
  }

  /** What every namespace but {@code sender} resent: this one, and all that have a name. */
  static long retransmittedBut(String sender) {
    long sum = parse(Command.run("nstat", "-asz")).getOrDefault(RETRANSMITTED, 0L);
    for (String line : Command.run("ip", "netns", "list").lines().toList()) {
      String name = line.split(" ")[0];
      if (!name.isEmpty() && !name.equals(sender)) {
        try {
          sum += retransmitted(name);
        } catch (AssertionError gone) {
          // another test's namespace, removed meanwhile
        }
      }
    }
    return sum;
  }

  private static Map<String, Long> parse(String nstat) {
    Map<String, Long> counters = new HashMap<>();
    for (String line : nstat.lines().toList()) {
      String[] fields = line.trim().split("\\s+");
      if (!line.startsWith("#") && fields.length >= 2) {
        counters.put(fields[0], Long.valueOf(fields[1]));
      }
    }
    return counters;
  }

  /** Runs nft(8) in a namespace; the rules go with it. */
  static void nft(String namespace, String... rules) {
    for (String rule : rules) {
      List<String> command =
          new ArrayList<>(List.of("ip", "netns", "exec", namespace, "nft", rule));
      Command.run(command.toArray(String[]::new));
    }
  }

  /** Drops what arrives in a namespace and matches. */
  static void dropArriving(String namespace, String match) {
    nft(
        namespace,
        "add table inet dropped",
        "add chain inet dropped input { type filter hook input priority 0; }",
        "add rule inet dropped input " + match + " drop");
  }

  /** Undoes {@link #dropArriving}. */
  static void dropNothing(String namespace) {
    nft(namespace, "delete table inet dropped");
  }
}
