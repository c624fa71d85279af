package dev.sonde.agent.usage;

import dev.sonde.agent.workload.CgroupInfo;
import dev.sonde.agent.workload.PodLife;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Which cgroups there are and whose they are, as far as this package asks. */
interface KnownCgroups extends PodLife {
  /** Visits those that are known and exist. */
  void visit(PodTable.Visitor visitor);

  /** Whose it is; null while that cannot be told. */
  @Nullable Workload find(long id);

  /** As long as it stays the same, so does what {@link #find} says, but for null. */
  long generation();

  /** As long as it stays the same, so do the cgroups that are visited. */
  long changes();

  /** Whether it has been gone long enough to be forgotten. */
  boolean reclaimable(long id);

  /** Gets to know those that no probe has met: their tasks do nothing. */
  void discover() throws IOException;

  static KnownCgroups of(PodTable pods) {
    return new KnownCgroups() {
      @Override
      public void visit(PodTable.Visitor visitor) {
        pods.visit(visitor);
      }

      @Override
      public @Nullable Workload find(long id) {
        return pods.find(id);
      }

      @Override
      public long generation() {
        return pods.generation();
      }

      @Override
      public long changes() {
        return pods.changes();
      }

      @Override
      public boolean replaced(Workload workload) {
        return pods.replaced(workload);
      }

      @Override
      public boolean podLives(Workload workload) {
        return pods.podLives(workload);
      }

      @Override
      public long staleNanos() {
        return pods.staleNanos();
      }

      @Override
      public boolean reclaimable(long id) {
        return pods.reclaimable(id);
      }

      @Override
      public void discover() throws IOException {
        for (CgroupInfo c : pods.all()) {
          Workload ignored = pods.find(c.id());
        }
      }
    };
  }
}
