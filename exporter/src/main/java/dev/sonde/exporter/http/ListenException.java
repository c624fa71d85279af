package dev.sonde.exporter.http;

import java.io.IOException;
import java.net.BindException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Locale;

/** The endpoint could not be opened; the message says where, why and what to do. */
public final class ListenException extends IOException {
  private static final long serialVersionUID = 1;

  ListenException(String host, int port, Throwable cause) {
    super("listen on " + place(host, port) + ": " + why(cause), cause);
  }

  private static String place(String host, int port) {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  private static String why(Throwable cause) {
    String text = String.valueOf(cause.getMessage());
    String lower = text.toLowerCase(Locale.ROOT);
    if (cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException) {
      return "unknown host; give an address of this machine with --listen host:port";
    }
    if (cause instanceof BindException && lower.contains("in use")) {
      return "address already in use; another agent or program listens there: stop it, or choose"
          + " another address with --listen host:port";
    }
    if (cause instanceof BindException && lower.contains("assign")) {
      return "not an address of this machine; choose one that `ip address` shows with --listen"
          + " host:port";
    }
    if (lower.contains("permission denied")) {
      return "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE: choose another with"
          + " --listen host:port";
    }
    return text + "; choose another address with --listen host:port";
  }
}
