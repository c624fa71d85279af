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

  /** Between two looks: each costs an emulated CPU more, and the thing looked at takes longer. */
  public static Duration pause(long millis) {
    return Duration.ofMillis(inGuest() ? 5 * millis : millis);
  }

  /**
   * How far two measurements of time may be apart, in percent. A guest beside other tests gets what
   * they leave: its processor stands still for a tenth of a second now and then, and where between
   * two looks at its clock that falls is neither's fault.
   */
  public static double percent(double alone) {
    return Boolean.getBoolean("sonde.guest.beside") ? Math.max(alone, 25) : alone;
  }

  /** Seconds of a machine that is not emulated. */
  public static Duration seconds(long seconds) {
    return Duration.ofSeconds(seconds * FACTOR);
  }
}
