package dev.sonde.exporter.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * The bearer tokens that are known: one a line of a file, so that a new one can be let in before
 * the old one goes.
 *
 * <p>Immutable. Compared in a time that depends on the lengths alone. Not kept as digests: the
 * first one asks every security provider of the JDK for its algorithms, a thirtieth of the agent's
 * start.
 */
public final class Tokens {
  /** Shorter ones can be guessed. */
  private static final int SHORTEST = 16;

  private static final int LONGEST = 4096;
  private static final int MOST = 16;

  private final List<byte[]> known;

  private Tokens(List<byte[]> known) {
    this.known = known;
  }

  /**
   * Reads the lines of a token file; blank ones do not count.
   *
   * @throws IllegalArgumentException what is wrong with which line; never with the token in it
   */
  public static Tokens parse(String text) {
    List<byte[]> known = new ArrayList<>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      String token = line.strip();
      if (token.isEmpty()) {
        continue;
      }
      if (token.length() < SHORTEST || token.length() > LONGEST) {
        throw new IllegalArgumentException(
            "line " + number + ": a token has " + SHORTEST + " to " + LONGEST + " characters");
      }
      if (token.chars().anyMatch(c -> c <= ' ' || c >= 0x7f)) {
        throw new IllegalArgumentException(
            "line " + number + ": a token is printable ASCII without blanks");
      }
      known.add(token.getBytes(StandardCharsets.UTF_8));
    }
    if (known.isEmpty()) {
      throw new IllegalArgumentException("no token in it");
    }
    if (known.size() > MOST) {
      throw new IllegalArgumentException("more than " + MOST + " tokens");
    }
    return new Tokens(known);
  }

  boolean knows(String token) {
    byte[] asked = token.getBytes(StandardCharsets.UTF_8);
    boolean found = false;
    for (byte[] one : known) {
      found |= MessageDigest.isEqual(one, asked);
    }
    return found;
  }
}
