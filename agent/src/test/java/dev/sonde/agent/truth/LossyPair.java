package dev.sonde.agent.truth;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two network namespaces with a veth between them, {@code 10.99.N.1} and {@code 10.99.N.2}, and
 * packet loss in the second one's input: never in the sender's own output, where TCP would know of
 * it.
 */
final class LossyPair implements AutoCloseable {
  private static final AtomicInteger NEXT = new AtomicInteger();

  private final String a;
  private final String b;
  private final int net;

  private LossyPair(String a, String b, int net) {
    this.a = a;
    this.b = b;
    this.net = net;
  }

  /**
   * @param lossPercent of the packets that arrive in the second namespace
   */
  static LossyPair create(int lossPercent) {
    int n = NEXT.incrementAndGet();
    String id = ProcessHandle.current().pid() + "-" + n;
    LossyPair pair = new LossyPair("sonde-a-" + id, "sonde-b-" + id, n);
    try {
      Command.run("ip", "netns", "add", pair.a);
      Command.run("ip", "netns", "add", pair.b);
      Command.run(
          "ip", "link", "add", "eth0", "netns", pair.a, "type", "veth", "peer", "name", "eth0",
          "netns", pair.b);
      pair.up(pair.a, pair.addressA());
      pair.up(pair.b, pair.addressB());
      if (lossPercent > 0) {
        Command.run("ip", "netns", "exec", pair.b, "nft", "add table inet loss");
        Command.run(
            "ip",
            "netns",
            "exec",
            pair.b,
            "nft",
            "add chain inet loss input { type filter hook input priority 0; }");
        Command.run(
            "ip",
            "netns",
            "exec",
            pair.b,
            "nft",
            "add rule inet loss input meta l4proto tcp numgen random mod 100 < "
                + lossPercent
                + " drop");
      }
      return pair;
    } catch (AssertionError e) {
      pair.close();
      throw e;
    }
  }

  private void up(String namespace, String address) {
    Command.run("ip", "-n", namespace, "link", "set", "lo", "up");
    Command.run("ip", "-n", namespace, "addr", "add", address + "/24", "dev", "eth0");
    Command.run("ip", "-n", namespace, "link", "set", "eth0", "up");
  }

  /** The namespace without loss: senders belong here. */
  String a() {
    return a;
  }

  /** The namespace whose input loses packets. */
  String b() {
    return b;
  }

  String addressA() {
    return "10.99." + net + ".1";
  }

  String addressB() {
    return "10.99." + net + ".2";
  }

  /** A counter of {@code nstat -az} in a namespace, since the namespace was made. */
  static long counter(String namespace, String name) {
    String out = Command.run("ip", "netns", "exec", namespace, "nstat", "-asz", name);
    for (String line : out.split("\n")) {
      String[] fields = line.trim().split("\\s+");
      if (fields[0].equals(name)) {
        return Long.parseLong(fields[1]);
      }
    }
    throw new AssertionError("no counter " + name + " in:\n" + out);
  }

  @Override
  public void close() {
    for (String ns : new String[] {a, b}) {
      try {
        Command.run("ip", "netns", "del", ns);
      } catch (AssertionError neverMade) {
        // a half-made pair is closed too
      }
    }
  }
}
