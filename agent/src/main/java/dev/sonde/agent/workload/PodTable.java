package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names the owner of every cgroup id the kernel counts by.
 *
 * <pre>{@code
 * try (PodTable pods = PodTable.open(CgroupHierarchy.detect(null), Duration.ofMinutes(5))) {
 *   Workload owner = pods.workload(cgroupId);        // drain, snapshot, gRPC threads
 *   pods.sweep();                                    // one maintenance thread, every few seconds
 *   PodTable.Removals r = pods.removedSince(cursor); // whoever holds slots in the kernel
 * }
 * }</pre>
 *
 * <p><b>Nothing is dropped.</b> Every id has an owner: {@link #KERNEL_ID} is the unit {@code
 * kernel}, {@link #UNKNOWN_ID} the unit {@code ~unknown}, {@link #OTHER_ID} is {@link
 * Workload#OTHER}, and an id whose cgroup was gone before anyone asked is the unit {@code ~gone}
 * (all of them together, one series). An id keeps the owner it got: no increments move from one
 * series to another.
 *
 * <p><b>The life of a name.</b> {@link #sweep} notices that a cgroup is gone. It is listed in
 * {@link #removedSince} at once, so that its totals can be folded into its workload's sums; the
 * kernel may still charge it for a while (sockets outlive the processes), so its slot is better
 * kept until {@link #reclaimable}, {@code staleAfter} later. The name itself is kept twice as long,
 * so that whoever looks at least once per {@code staleAfter} never sees it change to {@code ~gone}.
 *
 * <p><b>Threads.</b> {@link #workload} is for every thread; a hit takes no lock and allocates
 * nothing, a miss asks the kernel under this object's lock. Entries are only ever added to the
 * table in place; removing one publishes a new table.
 *
 * <p>Owns its resolver.
 */
public final class PodTable implements AutoCloseable {
  /** What the BPF programs use for kernel threads (PF_KTHREAD), which run in the root cgroup. */
  public static final long KERNEL_ID = -3;

  /** A socket whose owner was never seen: {@code CGROUP_UNKNOWN} of workloads.h. */
  public static final long UNKNOWN_ID = -2;

  /** Nobody: the CPU was idle. {@code CGROUP_IDLE} of workloads.h. */
  public static final long IDLE_ID = -4;

  /** What the BPF programs use when a map is full. */
  public static final long OTHER_ID = -1;

  /** The owner of work of kernel threads. */
  public static final Workload KERNEL = Workload.unit("kernel");

  /** Who runs on a CPU that is idle. */
  public static final Workload IDLE = Workload.unit("idle");

  /** The owner of sockets that nobody was ever seen to use. */
  public static final Workload UNKNOWN = Workload.unit("~unknown");

  /** The owner of what cgroups did that ended before they could be named. */
  public static final Workload GONE = Workload.unit("~gone");

  /**
   * Which cgroups were seen to be gone since the last call.
   *
   * @param cursor to pass to the next {@link #removedSince}
   */
  public record Removals(long cursor, List<Long> ids) {
    public Removals {
      ids = List.copyOf(ids);
    }
  }

  private final CgroupResolver resolver;
  private final long staleNanos;
  private final LongSupplier nanoClock;
  private volatile IdTable table = new IdTable(256);
  private long removals;

  PodTable(CgroupResolver resolver, Duration staleAfter, LongSupplier nanoClock) {
    this.resolver = resolver;
    this.staleNanos = staleAfter.toNanos();
    this.nanoClock = nanoClock;
  }

  /**
   * @param staleAfter how long a removed cgroup's slot is worth keeping ({@code --stale-after})
   * @throws IOException if the hierarchy cannot be read
   */
  public static PodTable open(CgroupHierarchy hierarchy, Duration staleAfter) throws IOException {
    return new PodTable(CgroupResolver.open(hierarchy), staleAfter, System::nanoTime);
  }

  /**
   * Who owns what is counted under {@code id}. Never null, never throws: for events, which must be
   * named now. While the kernel refuses to say, {@link #GONE}.
   */
  public Workload workload(long id) {
    Workload found = find(id);
    return found == null ? GONE : found;
  }

  /**
   * Who owns what is counted under {@code id}, or null while the kernel refuses to say (no
   * descriptor free): for totals, which lose nothing when they are shown a snapshot later, but
   * would fall if they changed owners.
   */
  public @Nullable Workload find(long id) {
    if (id == KERNEL_ID) {
      return KERNEL;
    }
    if (id == IDLE_ID) {
      return IDLE;
    }
    if (id == OTHER_ID) {
      return Workload.OTHER;
    }
    if (id == UNKNOWN_ID) {
      return UNKNOWN;
    }
    IdTable.Entry hit = table.get(id);
    return hit != null ? hit.workload : resolve(id);
  }

  private synchronized @Nullable Workload resolve(long id) {
    IdTable.Entry raced = table.get(id);
    if (raced != null) {
      return raced.workload;
    }
    String path;
    try {
      path = resolver.path(id);
    } catch (IOException e) {
      // Not remembered: the next one who asks may be luckier.
      return null;
    }
    IdTable.Entry entry;
    if (path == null) {
      entry = new IdTable.Entry(id, "", GONE);
      entry.removed(nanoClock.getAsLong(), ++removals);
    } else {
      entry = new IdTable.Entry(id, path, CgroupPath.workload(path));
    }
    add(entry);
    return entry.workload;
  }

  private void add(IdTable.Entry entry) {
    if (!table.hasRoom()) {
      table = table.rebuilt(e -> true);
    }
    table.put(entry);
  }

  /**
   * Whether cgroup {@code id} exists, as of the last {@link #sweep}. An id never asked for does
   * not; the two special ids always do.
   */
  public boolean exists(long id) {
    if (isSpecial(id)) {
      return true;
    }
    IdTable.Entry e = table.get(id);
    return e != null && !e.isRemoved();
  }

  /**
   * Whether cgroup {@code id} has been gone for {@code staleAfter}: its slots may be used again.
   * Never of an id that was not asked for, or is forgotten: ask for its {@link #workload} first.
   */
  public boolean reclaimable(long id) {
    IdTable.Entry e = table.get(id);
    return e != null && e.isRemoved() && nanoClock.getAsLong() - e.removedNanos() >= staleNanos;
  }

  private static boolean isSpecial(long id) {
    return id == KERNEL_ID || id == OTHER_ID || id == UNKNOWN_ID || id == IDLE_ID;
  }

  /**
   * Looks which known cgroups are gone, and forgets those gone long ago.
   *
   * @return how many were newly seen to be gone
   * @throws IOException if the kernel refuses to say; nothing has changed then
   */
  public synchronized int sweep() throws IOException {
    long now = nanoClock.getAsLong();
    List<Long> alive = new ArrayList<>();
    boolean expired = false;
    for (IdTable.Entry e : table.entries()) {
      if (!e.isRemoved()) {
        alive.add(e.id);
      } else if (isExpired(e, now)) {
        expired = true;
      }
    }
    long before = removals;
    resolver.findGone(
        alive,
        id -> {
          IdTable.Entry e = table.get(id);
          if (e != null) {
            e.removed(now, ++removals);
          }
        });
    if (expired) {
      table = table.rebuilt(e -> !isExpired(e, now));
    }
    return (int) (removals - before);
  }

  private boolean isExpired(IdTable.Entry e, long now) {
    return e.isRemoved() && now - e.removedNanos() >= 2 * staleNanos;
  }

  /**
   * The cgroups seen to be gone after {@code cursor}, oldest first; 0 for all still remembered.
   * Those that were gone before they could be named are among them.
   */
  public Removals removedSince(long cursor) {
    List<IdTable.Entry> gone = new ArrayList<>();
    long last = cursor;
    for (IdTable.Entry e : table.entries()) {
      if (e.removal() > cursor) {
        gone.add(e);
        last = Math.max(last, e.removal());
      }
    }
    gone.sort(Comparator.comparingLong(IdTable.Entry::removal));
    return new Removals(last, gone.stream().map(e -> e.id).toList());
  }

  /** The cgroups asked for so far and still remembered, by path. */
  public List<CgroupInfo> known() {
    long now = nanoClock.getAsLong();
    List<CgroupInfo> infos = new ArrayList<>();
    for (IdTable.Entry e : table.entries()) {
      Duration removedFor = e.isRemoved() ? Duration.ofNanos(now - e.removedNanos()) : null;
      infos.add(new CgroupInfo(e.id, e.path, e.workload, removedFor));
    }
    infos.sort(Comparator.comparing(CgroupInfo::path).thenComparingLong(CgroupInfo::id));
    return infos;
  }

  /**
   * Every cgroup that exists, by path, whether anything was counted for it or not: for {@code sonde
   * pods} and listings. Walks the tree.
   *
   * @throws IOException if the hierarchy cannot be read
   */
  public List<CgroupInfo> all() throws IOException {
    List<CgroupInfo> infos = new ArrayList<>();
    for (Map.Entry<Long, String> e : resolver.all().entrySet()) {
      Workload workload = CgroupPath.workload(e.getValue());
      infos.add(new CgroupInfo(e.getKey(), e.getValue(), workload, null));
    }
    infos.sort(Comparator.comparing(CgroupInfo::path));
    return infos;
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
