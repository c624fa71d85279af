package dev.sonde.agent.truth;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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
    return elsewhere(RETRANSMITTED, sender);
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

  /** Counts the resets that arrive in a namespace: {@link #counted}. */
  static void countResets(String namespace) {
    nft(
        namespace,
        "add table inet counted",
        "add counter inet counted resets",
        "add chain inet counted input { type filter hook input priority -10; }",
        "add rule inet counted input tcp flags & rst == rst counter name resets");
  }

  static long counted(String namespace) {
    String out =
        Command.run("ip", "netns", "exec", namespace, "nft", "list counter inet counted resets");
    Matcher m = Pattern.compile("packets (\\d+)").matcher(out);
    if (!m.find()) {
      throw new AssertionError("no count in:\n" + out);
    }
    return Long.parseLong(m.group(1));
  }

  /** How many TCP connections {@code ss} shows in a namespace, listeners not. */
  static long sockets(String namespace, String... filter) {
    List<String> command =
        new ArrayList<>(List.of("ip", "netns", "exec", namespace, "ss", "-Htan"));
    command.addAll(List.of(filter));
    return Command.run(command.toArray(String[]::new))
        .lines()
        .filter(l -> !l.isBlank() && !l.startsWith("LISTEN"))
        .count();
  }

  /** A counter's sum over every namespace but these. */
  static long elsewhere(String counter, String... namespaces) {
    return allBut(namespaces).getOrDefault(counter, 0L);
  }

  /** The sums over every namespace but these: this one, and all that have a name. */
  static Map<String, Long> allBut(String... namespaces) {
    Map<String, Long> sums = parse(Command.run("nstat", "-asz"));
    for (String line : Command.run("ip", "netns", "list").lines().toList()) {
      String name = line.split(" ")[0];
      if (!name.isEmpty() && !List.of(namespaces).contains(name)) {
        try {
          counters(name).forEach((counter, n) -> sums.merge(counter, n, Long::sum));
        } catch (AssertionError gone) {
          // another test's namespace, removed meanwhile
        }
      }
    }
    return sums;
  }
}
