package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Workload;

/**
 * Who looks at what workloads do with TCP beyond their series: told at each snapshot, on the
 * snapshot thread, before it is asked for anything itself.
 *
 * {@snippet :
 * TcpUsers churn = (owner, use) -> System.out.println(owner + " opened " + use.clientOpens());
 * }
 */
@FunctionalInterface
public interface TcpUsers {
  /** What a workload did so far. */
  void use(Workload owner, TcpUse use);

  /**
   * How many connections so far a workload's listeners had no room for. Not told at all where they
   * are not seen per listener.
   */
  default void overflows(Workload owner, long total) {}

  /** Tells two, this one first. */
  default TcpUsers and(TcpUsers other) {
    TcpUsers first = this;
    return new TcpUsers() {
      @Override
      public void use(Workload owner, TcpUse use) {
        first.use(owner, use);
        other.use(owner, use);
      }

      @Override
      public void overflows(Workload owner, long total) {
        first.overflows(owner, total);
        other.overflows(owner, total);
      }
    };
  }
}
