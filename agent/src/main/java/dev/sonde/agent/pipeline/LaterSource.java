package dev.sonde.agent.pipeline;

/**
 * A source that the first snapshot goes without, so that scrapes can be answered that much sooner.
 *
 * <p>Owned by the snapshot thread.
 */
public final class LaterSource implements Source {
  private final Source source;
  private boolean begun;

  /**
   * @param source takes long for its first look, and has nothing that the first snapshot must have
   */
  public LaterSource(Source source) {
    this.source = source;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    if (begun) {
      source.collect(out);
    }
    begun = true;
  }

  /** The name of a source for the log. */
  static String name(Source source) {
    return source instanceof LaterSource later
        ? name(later.source)
        : source.getClass().getSimpleName();
  }
}
