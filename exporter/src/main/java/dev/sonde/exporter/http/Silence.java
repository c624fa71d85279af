package dev.sonde.exporter.http;

import one.nio.net.Socket;

/**
 * Keeps one-nio from what it does unasked when its classes load.
 *
 * <p>It unpacks {@code libonenio.so} to a name anyone can foretell in {@code /tmp}, takes a file
 * that is already there if the length is right, and loads it: on a shared host that hands a root
 * agent to whoever was first. On Debian 12 it then fails (glibc 2.36) with a stack trace. Java's
 * own sockets do as well for scrapes, and behave alike on every host. The only switch is the
 * operating system's name, which is therefore different while the class that decides initialises.
 */
final class Silence {
  private static boolean done;

  private Silence() {}

  static synchronized void oneNio() {
    if (done) {
      return;
    }
    String os = System.getProperty("os.name");
    try {
      System.setProperty("os.name", "any (no native one-nio)");
      if (Socket.USE_NATIVE_SOCKET) {
        throw new AssertionError("one-nio's native transport is on; its switch has changed");
      }
    } finally {
      System.setProperty("os.name", os);
    }
    done = true;
  }
}
