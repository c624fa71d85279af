package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which names are told and which are in force, and how long one is waited for.
 *
 * <p>{@link #told} may change at any time, on any thread; what {@link #of} says changes only by
 * {@link #settle} and when a wait is over. Whoever remembers an answer may do so for as long as
 * {@link #generation} stays the same.
 *
 * <p>Methods that write to an entry are the writer's of its table: call them with its lock held.
 */
final class Names {
  private final LongSupplier nanoClock;
  private final long waitNanos;
  private volatile Identities told = Identities.NONE;
  private volatile Identities inForce = Identities.NONE;
  private volatile boolean expected;
  private volatile Runnable wanted = () -> {};
  private volatile long generation;

  Names(Duration wait, LongSupplier nanoClock) {
    this.waitNanos = wait.toNanos();
    this.nanoClock = nanoClock;
  }

  void expect(boolean isExpected, Runnable whenWanted) {
    wanted = whenWanted;
    expected = isExpected;
  }

  void tell(Identities now) {
    told = now;
  }

  Identities told() {
    return told;
  }

  Identities inForce() {
    return inForce;
  }

  /** Another number as soon as an id that had a name may have another one. */
  long generation() {
    return generation;
  }

  /** The writer: names that were given may not be right any more. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // under the table's lock
  void renew() {
    generation++;
  }

  /** The writer, of an entry that it has just put into the table. */
  void begin(IdTable.Entry entry) {
    Workload name = inForce.name(entry.name);
    if (name != null) {
      entry.workload = name;
    } else if (expected) {
      wanted.run();
    } else {
      entry.workload = inForce.best(entry.name);
    }
  }

  /** The writer: puts the newest names in force. */
  void settle(IdTable table) {
    Identities now = told;
    if (now == inForce) {
      return;
    }
    inForce = now;
    table.forEach(
        e -> {
          Workload name = now.name(e.name);
          // What has a name and is no longer known to anybody keeps it.
          if (name != null && !name.equals(e.workload)) {
            e.workload = name;
          }
        });
    renew();
  }

  /** Any thread: null while the name is waited for and the wait is not over. */
  @Nullable Workload of(IdTable.Entry entry) {
    Workload workload = entry.workload;
    return workload != null || isWaitedFor(entry) ? workload : inForce.best(entry.name);
  }

  private boolean isWaitedFor(IdTable.Entry entry) {
    return nanoClock.getAsLong() - entry.sinceNanos < waitNanos;
  }

  /** Any thread: ids stand in for what is waited for. */
  Workload best(IdTable.Entry entry) {
    Workload workload = entry.workload;
    return workload != null ? workload : inForce.best(entry.name);
  }

  /** How many names are missing, though still waited for, and not among those told. */
  int waiting(IdTable table) {
    int[] n = {0};
    Identities newest = told;
    table.forEach(
        e -> {
          if (e.workload == null && isWaitedFor(e) && newest.name(e.name) == null) {
            n[0]++;
          }
        });
    return n[0];
  }
}
