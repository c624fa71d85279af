package dev.sonde.exporter.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;

/**
 * The bearer tokens that are known: one a line of a file, so that a new one can be let in before
 * the old one goes.
 *
 * <p>Immutable. Kept and compared as digests, in a time that does not depend on what was sent.
 */
public final class Tokens {
  /** Shorter ones can be guessed. */
  private static final int SHORTEST = 16;

  private static final int LONGEST = 4096;
  private static final int MOST = 16;

  private final List<byte[]> digests;

  private Tokens(List<byte[]> digests) {
    this.digests = digests;
  }

  /**
   * Reads the lines of a token file; blank ones do not count.
   *
   * @throws IllegalArgumentException what is wrong with which line; never with the token in it
   */
  public static Tokens parse(String text) {
    List<byte[]> digests = new ArrayList<>();
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
      digests.add(digest(token));
    }
    if (digests.isEmpty()) {
      throw new IllegalArgumentException("no token in it");
    }
    if (digests.size() > MOST) {
      throw new IllegalArgumentException("more than " + MOST + " tokens");
    }
    return new Tokens(digests);
  }

  boolean knows(String token) {
    byte[] digest = digest(token);
    boolean known = false;
    for (byte[] one : digests) {
      known |= MessageDigest.isEqual(one, digest);
    }
    return known;
  }

  private static byte[] digest(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
