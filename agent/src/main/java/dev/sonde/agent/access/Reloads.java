package dev.sonde.agent.access;

/** How often a changed file was taken over, and how often not. One thread counts, any may ask. */
public final class Reloads {
  private volatile long applied;
  private volatile long refused;

  /** It is in force. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  public void applied() {
    applied++;
  }

  /** It was not valid; the old one stays. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  public void refused() {
    refused++;
  }

  /** How often {@link #applied()}. */
  public long appliedCount() {
    return applied;
  }

  /** How often {@link #refused()}. */
  public long refusedCount() {
    return refused;
  }
}
