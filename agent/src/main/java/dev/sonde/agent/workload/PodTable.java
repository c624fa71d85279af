package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names the owner of every cgroup id the kernel counts by.
 *
 * <pre>{@code
 * try (PodTable pods = PodTable.open(CgroupHierarchy.detect(null), Duration.ofMinutes(5))) {
 *   Workload owner = pods.workload(cgroupId);        // drain, snapshot, gRPC threads
 *   pods.made(id, path);                             // the drain, when the kernel tells of a cgroup
 *   pods.names(identities);                          // whoever asks the container runtime
 *   pods.settle();                                   // the snapshot thread, between snapshots
 *   pods.sweep();                                    // one maintenance thread, every few seconds
 * }
 * }</pre>
 *
 * <p><b>Nothing is dropped.</b> Every id has an owner: {@link #KERNEL_ID} is the unit {@code
 * kernel}, {@link #UNKNOWN_ID} the unit {@code ~unknown}, {@link #OTHER_ID} is {@link
 * Workload#OTHER}, and an id whose cgroup was gone before anyone could tell its path is the unit
 * {@code ~gone} (all of them together, one series).
 *
 * <p><b>Late names.</b> The path tells a pod's UID, a runtime its name, a little later. Until then,
 * but for {@link #NAME_WAIT} at most, {@link #find} says null: counts wait where they are. After
 * that the pod is called by its UID; a name that comes later still holds from then on. No increment
 * ever moves from one series to another, so that none is counted twice and none falls.
 *
 * <p><b>The life of a name.</b> {@link #sweep} or {@link #removed} tell that a cgroup is gone. The
 * kernel may still charge it for a while (sockets outlive the processes), so its slot is better
 * kept until {@link #reclaimable}, {@code staleAfter} later. The name itself is kept twice as long,
 * so that whoever looks at least once per {@code staleAfter} never sees it change to {@code ~gone}.
 *
 * <p><b>Threads.</b> {@link #workload} is for every thread; a hit takes no lock and allocates
 * nothing, a miss asks the kernel under this object's lock. No method ever waits for a runtime.
 *
 * <p>Owns its resolver.
 */
public final class PodTable implements PodLife, AutoCloseable {
  /** What the BPF programs use for kernel threads (PF_KTHREAD), which run in the root cgroup. */
  public static final long KERNEL_ID = -3;

  /** A socket whose owner was never seen: {@code CGROUP_UNKNOWN} of workloads.h. */
  public static final long UNKNOWN_ID = -2;

  /** Nobody: the CPU was idle. {@code CGROUP_IDLE} of workloads.h. */
  public static final long IDLE_ID = -4;

  /** The agent itself, where it shares its cgroup with others: {@code CGROUP_AGENT}. */
  public static final long AGENT_ID = -5;

  /** What the BPF programs use when a map is full. */
  public static final long OTHER_ID = -1;

  /** The owner of work of kernel threads. */
  public static final Workload KERNEL = Workload.unit("kernel");

  /** Who runs on a CPU that is idle. */
  public static final Workload IDLE = Workload.unit("idle");

  /** The owner of what the agent does, where its cgroup does not tell. */
  public static final Workload AGENT = Workload.unit("sonde");

  /** The owner of sockets that nobody was ever seen to use. */
  public static final Workload UNKNOWN = Workload.unit("~unknown");

  /** The owner of what cgroups did that ended before they could be named. */
  public static final Workload GONE = Workload.unit("~gone");

  /** How long a name is waited for. */
  public static final Duration NAME_WAIT = Duration.ofSeconds(10);

  /** How long the kernel's word that a cgroup was made may lag behind what the cgroup did. */
  private static final Duration PATH_WAIT = Duration.ofSeconds(2);

  /** More cgroups than this are not remembered beforehand, only when they are asked for. */
  private static final int MAX_ENTRIES = 65_536;

  private final CgroupResolver resolver;
  private final Path mount;
  private final long staleNanos;
  private final LongSupplier nanoClock;
  private final PathWaits pathWaits = new PathWaits(PATH_WAIT.toNanos());
  private final IdTable table = new IdTable();
  private final Names names;
  private final CgroupSweep sweep;
  private volatile boolean toldOfCgroups;

  PodTable(CgroupResolver resolver, Path mount, Duration staleAfter, LongSupplier nanoClock) {
    this.resolver = resolver;
    this.mount = mount;
    this.staleNanos = staleAfter.toNanos();
    this.nanoClock = nanoClock;
    this.names = new Names(NAME_WAIT, nanoClock);
    this.sweep = new CgroupSweep(table, resolver, staleNanos);
  }

  /**
   * @param staleAfter how long a removed cgroup's slot is worth keeping ({@code --stale-after})
   * @throws IOException if the hierarchy cannot be read
   */
  public static PodTable open(CgroupHierarchy hierarchy, Duration staleAfter) throws IOException {
    return new PodTable(
        CgroupResolver.open(hierarchy), hierarchy.mount(), staleAfter, System::nanoTime);
  }

  /**
   * Who owns what is counted under {@code id}. Never null, never throws: for what must be named
   * now. Ids stand in for names that are waited for.
   */
  public Workload workload(long id) {
    Workload found = find(id);
    if (found != null) {
      return found;
    }
    IdTable.Entry waiting = table.get(id);
    return waiting == null ? GONE : names.best(waiting);
  }

  /**
   * Who owns what is counted under {@code id}, or null while that cannot be told: the name is
   * waited for, or the kernel refuses to say (no descriptor free). Null lasts for a few seconds at
   * most where the kernel answers: what is counted or kept until then loses nothing.
   */
  public @Nullable Workload find(long id) {
    Workload special = special(id);
    if (special != null) {
      return special;
    }
    IdTable.Entry entry = table.get(id);
    if (entry == null) {
      entry = resolve(id);
      if (entry == null) {
        return null;
      }
    }
    if (!entry.asked) {
      entry.asked = true;
    }
    Workload workload = entry.workload;
    return workload != null ? workload : overdue(entry);
  }

  /**
   * Another number as soon as {@link #find} may answer otherwise for an id that it has answered
   * for: until then, an answer that is not null holds. Any thread.
   */
  public long generation() {
    return names.generation();
  }

  /** The owner of what no cgroup did; null for a cgroup's id. */
  private static @Nullable Workload special(long id) {
    if (id >= 0 || id < AGENT_ID) {
      return null;
    }
    return switch ((int) id) {
      case (int) OTHER_ID -> Workload.OTHER;
      case (int) UNKNOWN_ID -> UNKNOWN;
      case (int) KERNEL_ID -> KERNEL;
      case (int) IDLE_ID -> IDLE;
      case (int) AGENT_ID -> AGENT;
      default -> null;
    };
  }

  /**
   * Who owns what is in the cgroup at {@code path} below the hierarchy's mount: for what is found
   * by process. Null as in {@link #find}.
   */
  public @Nullable Workload ofPath(String path) {
    Object inode;
    try {
      inode = Files.getAttribute(Path.of(mount + path), "unix:ino");
    } catch (IOException | InvalidPathException e) {
      // Removed, or a name that the locale cannot express: the path is all there is.
      return names.inForce().best(CgroupPath.parse(path));
    }
    return find(((Number) inode).longValue());
  }

  private synchronized IdTable.@Nullable Entry resolve(long id) {
    IdTable.Entry raced = table.get(id);
    if (raced != null) {
      return raced;
    }
    String path;
    try {
      path = resolver.path(id);
    } catch (IOException e) {
      // Not remembered: the next one who asks may be luckier.
      return null;
    }
    long now = nanoClock.getAsLong();
    if (path != null) {
      return add(id, path, now);
    }
    if (toldOfCgroups && pathWaits.shouldWait(id, now)) {
      // The event that tells its path was sent before it did anything, but may not be read yet.
      return null;
    }
    IdTable.Entry entry = new IdTable.Entry(id, "", CgroupName.plain(GONE), now);
    entry.workload = GONE;
    table.put(entry);
    table.removed(entry, now);
    return entry;
  }

  private IdTable.Entry add(long id, String path, long now) {
    IdTable.Entry entry = new IdTable.Entry(id, path, CgroupPath.parse(path), now);
    table.put(entry);
    names.begin(entry);
    return entry;
  }

  /** The name is late: ids stand in for it from the deadline on. */
  private @Nullable Workload overdue(IdTable.Entry entry) {
    if (names.of(entry) == null) {
      return null;
    }
    synchronized (this) {
      Workload workload = names.of(entry);
      entry.workload = workload;
      return workload;
    }
  }

  /**
   * A cgroup of this hierarchy was made. Known at once, it has a name also if it is gone before
   * anybody asks.
   *
   * @param path as the kernel told it; may be cut short, then empty: the id is asked for later
   */
  public synchronized void made(long id, String path) {
    if (!path.isEmpty() && table.get(id) == null && table.size() < MAX_ENTRIES) {
      add(id, path, nanoClock.getAsLong());
    }
  }

  /** A cgroup of this hierarchy was removed. */
  public synchronized void removed(long id) {
    IdTable.Entry entry = table.get(id);
    if (entry != null && !entry.isRemoved()) {
      table.removed(entry, nanoClock.getAsLong());
    }
  }

  /** From now on {@link #made} and {@link #removed} are called. */
  public void toldOfCgroups() {
    toldOfCgroups = true;
  }

  /**
   * Whether a source of names can be expected to answer: only then names are waited for.
   *
   * @param wanted called whenever a name is missing, on any thread, with this object locked: it
   *     must only take note
   */
  public void expectNames(boolean expected, Runnable wanted) {
    names.expect(expected, wanted);
  }

  /** New names are known; they hold from the next {@link #settle} on. Any thread. */
  public void names(Identities now) {
    names.tell(now);
  }

  /** The newest names, in force or not yet. */
  public Identities told() {
    return names.told();
  }

  /**
   * Puts the newest names in force. The snapshot thread calls it between two snapshots, so that a
   * name never passes from one pod to another in the middle of one.
   */
  public synchronized void settle() {
    names.settle(table);
  }

  /** How many names are missing, though still waited for, and not among those told. */
  public int waiting() {
    return names.waiting(table);
  }

  @Override
  public long staleNanos() {
    return staleNanos;
  }

  /** The names in force. */
  public Identities identities() {
    return names.inForce();
  }

  /** Changes with {@link #generation} only. */
  @Override
  public boolean replaced(Workload workload) {
    return !workload.uid().isEmpty()
        && names.inForce().replaced(workload.namespace(), workload.pod(), workload.uid());
  }

  /** As of the last {@link #sweep}. */
  @Override
  public boolean podLives(Workload workload) {
    return !workload.uid().isEmpty() && sweep.podLives(workload.uid());
  }

  /**
   * Whether cgroup {@code id} has been gone for {@code staleAfter}: its slots may be used again.
   * Never of an id that was not asked for, is forgotten, or whose name is still waited for: ask for
   * its {@link #workload} first.
   */
  public boolean reclaimable(long id) {
    IdTable.Entry e = table.get(id);
    return e != null
        && e.isRemoved()
        && e.workload != null
        && nanoClock.getAsLong() - e.removedNanos() >= staleNanos;
  }

  /**
   * Looks which known cgroups are gone, and forgets those gone long ago.
   *
   * @return how many were newly seen to be gone
   * @throws IOException if the kernel refuses to say; nothing has changed then
   */
  public synchronized int sweep() throws IOException {
    CgroupSweep.Result result = sweep.sweep(nanoClock.getAsLong());
    if (result.forgot()) {
      names.renew(); // whose id was forgotten is ~gone
    }
    return result.gone();
  }

  /** Told of cgroups that are known and exist. */
  public interface Visitor {
    /**
     * @param path below the hierarchy's mount, as the kernel writes it
     */
    void cgroup(long id, String path);
  }

  /** Another number as soon as {@link #visit} may visit others. Any thread. */
  public long changes() {
    return table.changes();
  }

  /** Visits the cgroups that are known and not seen to be gone, in no order. */
  public void visit(Visitor visitor) {
    table.forEach(
        e -> {
          if (!e.isRemoved()) {
            visitor.cgroup(e.id, e.path);
          }
        });
  }

  /** The cgroups asked for or told of so far and still remembered, by path. */
  public List<CgroupInfo> known() {
    return CgroupListing.known(table, names, nanoClock.getAsLong());
  }

  /**
   * Every cgroup that exists, by path, whether anything was counted for it or not: for {@code sonde
   * pods} and listings. Walks the tree.
   *
   * @throws IOException if the hierarchy cannot be read
   */
  public List<CgroupInfo> all() throws IOException {
    return CgroupListing.all(resolver, names.inForce());
  }

  /** How ids are resolved, for {@code sonde doctor}: {@code handle}, or {@code tree (reason)}. */
  public String mechanism() {
    return resolver.mechanism();
  }

  @Override
  public void close() {
    resolver.close();
  }
}
