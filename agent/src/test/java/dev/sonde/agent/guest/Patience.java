package dev.sonde.agent.guest;

import java.time.Duration;

/**
 * How long a test waits for what must happen. A guest's CPU is emulated, and Java starts there 15
 * times slower: what a test waits for is not shortened on the host and not too short there.
 */
public final class Patience {
  static final int IN_A_GUEST = 20;

  private static final int FACTOR = Integer.getInteger("sonde.patience", 1);

  private Patience() {}

  /** Whether this is an emulated CPU. */
  public static boolean inGuest() {
    return FACTOR > 1;
  }

  /** Between two looks: each costs an emulated CPU more. */
  public static Duration pause(long millis) {
    return Duration.ofMillis(inGuest() ? 2 * millis : millis);
  }

  /** Seconds of a machine that is not emulated. */
  public static Duration seconds(long seconds) {
    return Duration.ofSeconds(seconds * FACTOR);
  }
}
