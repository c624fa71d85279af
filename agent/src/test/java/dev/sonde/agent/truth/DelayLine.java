package dev.sonde.agent.truth;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Two network namespaces with a line between them that holds every packet for a time, in user
 * space, and writes down for how long it did: what netem does, on kernels that have none.
 *
 * {@snippet :
 * try (DelayLine line = DelayLine.create()) {
 *   line.delay(Duration.ofMillis(25)); // each way
 *   // ... processes in line.a() and line.b()
 *   line.segments();
 * }
 * }
 *
 * <p>Two threads each way: one reads and notes the time, the other sleeps until shortly before a
 * packet's time has come, and then looks at the clock.
 */
final class DelayLine implements AutoCloseable {
  private static final AtomicInteger NEXT = new AtomicInteger();
  private static final long AWAKE_NANOS = 300_000;

  private final String a;
  private final String b;
  private final int net;
  private final List<Tun> ends = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<Segment> segments = new CopyOnWriteArrayList<>();
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private volatile long delayNanos;
  private volatile boolean closing;

  private record Packet(ByteBuffer bytes, long in) {}

  private DelayLine(String a, String b, int net) {
    this.a = a;
    this.b = b;
    this.net = net;
  }

  /** Without delay, until {@link #delayMillis}. */
  static DelayLine create() {
    int n = NEXT.incrementAndGet();
    long pid = ProcessHandle.current().pid();
    DelayLine line = new DelayLine("sonde-da-" + pid + "-" + n, "sonde-db-" + pid + "-" + n, n);
    try {
      Tun first = line.end(line.a, "sa" + pid + "-" + n, 1);
      Tun second = line.end(line.b, "sb" + pid + "-" + n, 2);
      line.relay(first, second, true);
      line.relay(second, first, false);
      return line;
    } catch (AssertionError e) {
      line.close();
      throw e;
    }
  }

  private Tun end(String namespace, String device, int host) {
    Command.run("ip", "netns", "add", namespace);
    Tun tun = new Tun(device);
    ends.add(tun);
    Command.run("ip", "link", "set", device, "netns", namespace, "name", "eth0");
    Command.run("ip", "-n", namespace, "link", "set", "lo", "up");
    Command.run("ip", "-n", namespace, "addr", "add", address4(host) + "/24", "dev", "eth0");
    Command.run(
        "ip", "-n", namespace, "addr", "add", address6(host) + "/64", "dev", "eth0", "nodad");
    Command.run("ip", "-n", namespace, "link", "set", "eth0", "up");
    return tun;
  }

  private String address4(int host) {
    return "10.98." + net + "." + host;
  }

  private String address6(int host) {
    return "fd98:" + net + "::" + host;
  }

  String a() {
    return a;
  }

  String b() {
    return b;
  }

  String addressB(boolean ipv6) {
    return ipv6 ? address6(2) : address4(2);
  }

  /** Each segment that b gets is acknowledged at once: else when an answer goes, or 40 ms later. */
  void acknowledgeAtOnce() {
    quickack(address4(0) + "/24", address4(2));
    quickack("fd98:" + net + "::/64", address6(2));
  }

  private void quickack(String network, String source) {
    Command.run(
        "ip",
        "-n",
        b,
        "route",
        "replace",
        network,
        "dev",
        "eth0",
        "proto",
        "kernel",
        "src",
        source,
        "quickack",
        "1");
  }

  /** From the next packet on; each way. */
  void delayMillis(double millis) {
    delayNanos = Math.round(millis * 1e6);
  }

  /** Every TCP segment that has been passed on. */
  List<Segment> segments() {
    if (!failures.isEmpty()) {
      throw new AssertionError(failures.toString());
    }
    return List.copyOf(segments);
  }

  private void relay(Tun from, Tun to, boolean fromA) {
    BlockingQueue<Packet> held = new LinkedBlockingQueue<>();
    thread(fromA ? "from-a" : "from-b", () -> read(from, held));
    thread(fromA ? "to-b" : "to-a", () -> write(held, to, fromA));
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  private void thread(String name, Work work) {
    threads.add(
        Thread.ofPlatform()
            .daemon()
            .name("delay-" + name)
            .start(
                () -> {
                  Tun.hurry();
                  try {
                    work.run();
                  } catch (IOException | InterruptedException | RuntimeException e) {
                    if (!closing) {
                      failures.add(name + ": " + e);
                    }
                  }
                }));
  }

  private void read(Tun from, BlockingQueue<Packet> held) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Tun.MOST);
      while (!closing) {
        int length = from.read(buffer);
        long in = System.nanoTime();
        if (length > 0) {
          byte[] bytes = buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
          held.add(new Packet(ByteBuffer.wrap(bytes), in));
        }
      }
    }
  }

  private void write(BlockingQueue<Packet> held, Tun to, boolean fromA)
      throws IOException, InterruptedException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Tun.MOST);
      while (!closing) {
        Packet packet = held.poll(100, TimeUnit.MILLISECONDS);
        if (packet == null) {
          continue;
        }
        MemorySegment out = buffer.asSlice(0, packet.bytes.capacity());
        out.copyFrom(MemorySegment.ofBuffer(packet.bytes));
        awaitTime(packet.in + delayNanos);
        long begun = System.nanoTime();
        to.write(out);
        long done = System.nanoTime();
        Segment segment = Segment.of(packet.bytes, fromA, packet.in, begun, done);
        if (segment != null) {
          segments.add(segment);
        }
      }
    }
  }

  private static void awaitTime(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
      if (left > AWAKE_NANOS) {
        LockSupport.parkNanos(left - AWAKE_NANOS);
      } else {
        Thread.onSpinWait();
      }
    }
  }

  @Override
  public void close() {
    closing = true;
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    ends.forEach(Tun::close);
    for (String ns : new String[] {a, b}) {
      try {
        Command.run("ip", "netns", "del", ns);
      } catch (AssertionError neverMade) {
        // a half-made line is closed too
      }
    }
  }
}
