package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A pressure file, in seconds. */
record Psi(double some, double full) {
  private static final Pattern TOTAL = Pattern.compile("(some|full) .*total=(\\d+)");

  static Psi read(Path file) {
    double some = -1;
    double full = -1;
    try {
      for (String line : Files.readAllLines(file)) {
        Matcher m = TOTAL.matcher(line);
        if (m.matches()) {
          double seconds = Long.parseLong(m.group(2)) / 1e6;
          if (m.group(1).equals("some")) {
            some = seconds;
          } else {
            full = seconds;
          }
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return new Psi(some, full);
  }

  double of(String kind) {
    return kind.equals("some") ? some : full;
  }
}
