package dev.sonde.agent.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the container runtime is asked: {@code auto}, {@code off}, {@code unix:///run/x.sock} or
 * just the path.
 *
 * @param off nowhere
 * @param socket only there; empty: at the usual places
 */
public record CriEndpoint(boolean off, Optional<Path> socket) {
  static CriEndpoint parse(String text) throws BadValueException {
    if (text.equalsIgnoreCase(Values.OFF)) {
      return new CriEndpoint(true, Optional.empty());
    }
    if (text.equals("auto")) {
      return new CriEndpoint(false, Optional.empty());
    }
    String path = text.startsWith("unix://") ? text.substring("unix://".length()) : text;
    if (path.contains("://")) {
      throw new BadValueException("not a unix domain socket");
    }
    return new CriEndpoint(false, Optional.of(Values.directory(path)));
  }
}
