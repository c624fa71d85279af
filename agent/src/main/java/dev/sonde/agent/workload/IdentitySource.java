package dev.sonde.agent.workload;

/**
 * Someone who knows the names of pods: the container runtime, the kubelet.
 *
 * <p>Used by one thread at a time; {@link #close} may come from another. A call returns within a
 * few seconds, whatever the other side does, and holds a bounded amount of memory.
 */
public interface IdentitySource extends AutoCloseable {
  /** As in {@code sonde_source_up{source}}. */
  String name();

  /** Whether asking can make sense: something is configured or its socket is there. Cheap. */
  boolean present();

  /** Why it is not {@link #present}, for {@code sonde doctor}. */
  String absence();

  /**
   * Asks for everything.
   *
   * @throws SourceException no answer, or none that can be believed
   */
  Answer ask() throws SourceException;

  /** Called, from any thread, when the source itself tells that something changed. */
  default void onChange(Runnable listener) {}

  @Override
  void close();
}
