package dev.sonde.agent.config;

import java.net.InetSocketAddress;

/**
 * An address to listen on.
 *
 * @param host a name or an address, IPv6 without brackets
 * @param port 0 for any free one
 */
public record Endpoint(String host, int port) {
  /** Resolves the host; unresolved if its name is unknown. */
  public InetSocketAddress address() {
    return new InetSocketAddress(host, port);
  }

  /** As it is written in options: {@code 127.0.0.1:9520}, {@code [::1]:9520}. */
  @Override
  public String toString() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
